"""Data rows that are assigned to users while they wait for labels."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.graphql.resolvers.test_batches import MOVE
from contract_tests.rules.api.uploading import refuse
from mockserver.testing import MockWorkspace

ASSIGN = (
    "mutation BulkAssignDataRowsPyApi($input: BulkAssignDataRowsInput!) {bulkAssignDataRows(input: $input) {success}}"
)
EXTEND = "mutation ExtendReservationsPyApi($id: ID!){ extendReservations(projectId:$id queueType:LabelingQueue)}"
EXTEND_REVIEWS = "mutation($id: ID!){ extendReservations(projectId:$id queueType:ReviewQueue)}"
CLEAR = (
    "mutation($input: ClearQueueReservationsInput!) {clearQueueReservations(input: $input)"
    " {success clearedReservationCount}}"
)
REMOVE = "mutation DeleteMemberPyApi($id: ID!) {updateUser(where: {id: $id}, data: {deleted: true}) {id deleted}}"


class Project:
    """A project of the default world whose data rows wait in its first queue."""

    def __init__(self, workspace: MockWorkspace) -> None:
        self.workspace, self.id = workspace, workspace.project("image")
        document = "query($id: ID!) {user {id} users {id} project(where: {id: $id}) {taskQueues {id queueType}}}"
        known = ask_in(workspace, document, id=self.id)
        self.owner = known["user"]["id"]
        self.others = [user["id"] for user in known["users"] if user["id"] != self.owner]
        queues = {queue["queueType"]: queue["id"] for queue in known["project"]["taskQueues"]}
        self.queue, self.review = queues["INITIAL_LABELING_QUEUE"], queues["MANUAL_REVIEW_QUEUE"]
        rows = [row["data_row"]["id"] for row in workspace.expected_rows("image")]
        self.rows, self.elsewhere = rows[:4], rows[4]
        self.move(self.rows, self.queue)
        self.move([self.elsewhere], self.review)

    def move(self, rows: list[str], queue: str) -> None:
        identifiers = {"ids": rows, "idType": "ID"}
        ask_in(self.workspace, MOVE, projectId=self.id, queueId=queue, rows=identifiers)

    def assign(self, user: str, rows: list[str], **more: Any) -> bool:
        sent = {"projectId": self.id, "userId": user, "dataRowIds": rows} | more
        return bool(ask_in(self.workspace, ASSIGN, input=sent)["bulkAssignDataRows"]["success"])

    def count(self, document: str = EXTEND) -> int:
        return int(ask_in(self.workspace, document, id=self.id)["extendReservations"])

    def clear(self) -> int:
        sent = {"projectId": self.id, "queueId": self.queue}
        answer = ask_in(self.workspace, CLEAR, input=sent)["clearQueueReservations"]
        assert answer["success"] is True
        return int(answer["clearedReservationCount"])


@pytest.fixture
def project(workspace: MockWorkspace) -> Project:
    return Project(workspace)


@pytest.mark.known("client")
def test_free_rows_of_the_first_queue_are_assigned(project: Project) -> None:
    """SDK project.py bulk_assign_data_rows 7.17.0."""
    assert project.assign(project.owner, [*project.rows[:2], project.elsewhere])
    assert (project.count(), project.count(EXTEND_REVIEWS)) == (2, 0)
    assert project.assign(project.others[0], project.rows)
    assert (project.count(), project.clear()) == (2, 4)
    assert (project.count(), project.clear()) == (0, 0)


@pytest.mark.known("client")
def test_reserved_rows_are_assigned_again_where_that_is_allowed(project: Project) -> None:
    """SDK task_assignment_status.py."""
    project.assign(project.others[0], project.rows[:1])
    project.assign(project.owner, project.rows, allowedStatuses=["RESERVED"])
    assert project.count() == 1
    project.assign(project.owner, project.rows, allowedStatuses=["FREE", "RESERVED"])
    assert project.count() == 4
    project.assign(project.others[0], project.rows, allowedStatuses=[])
    assert project.count() == 4


@pytest.mark.known("inferred")
def test_a_reservation_ends_when_its_row_is_labelled_or_moved_or_its_user_removed(project: Project) -> None:
    project.assign(project.owner, project.rows)
    project.workspace.event("LABEL_CREATED", "image", data_row=project.rows[0])
    assert project.count() == 3
    project.move([project.rows[1]], project.review)
    project.move([project.rows[1]], project.queue)
    assert project.count() == 2
    project.assign(project.others[0], project.rows, allowedStatuses=["RESERVED"])
    ask_in(project.workspace, REMOVE, id=project.others[0])
    assert project.clear() == 0


def test_rows_users_and_projects_that_do_not_exist_are_refused(project: Project) -> None:
    sent = {"projectId": project.id, "userId": project.owner, "dataRowIds": [project.rows[0], "nobody"]}
    assert "do not exist" in refuse(project.workspace, ASSIGN, input=sent)
    assert "does not exist" in refuse(project.workspace, ASSIGN, input=sent | {"userId": "nobody"})
    assert "does not exist" in refuse(project.workspace, ASSIGN, input=sent | {"projectId": "nobody"})
    assert "BUSY" in refuse(project.workspace, ASSIGN, input=sent | {"allowedStatuses": ["BUSY"]})
    assert "at most" in refuse(project.workspace, ASSIGN, input=sent | {"dataRowIds": ["x"] * 100_001})
    assert project.count() == 0


@pytest.mark.known("client")
def test_a_removed_user_is_listed_no_more_and_keeps_what_they_did(project: Project) -> None:
    """SDK organization.py remove_user, tests test_user_management.py."""
    workspace = project.workspace
    before = {label["id"]: label["label_details"] for label in list_labels(workspace)}
    users = ask_in(workspace, "{users {id email}}")["users"]
    assert {details["created_by"] for details in before.values()} & {user["email"] for user in users}
    for user in users:
        if user["id"] != project.owner:
            assert ask_in(workspace, REMOVE, id=user["id"])["updateUser"] == {"id": user["id"], "deleted": True}
            assert "does not exist" in refuse(workspace, REMOVE, id=user["id"])
    listed = ask_in(workspace, "{users {id} organization {users {id}}}")
    assert listed["users"] == listed["organization"]["users"] == [{"id": project.owner}]
    assert {label["id"]: label["label_details"] for label in list_labels(workspace)} == before
    assert "cannot be removed" in refuse(workspace, REMOVE, id=project.owner)
    assert "does not come back" in refuse(workspace, REMOVE.replace("true", "false"), id=project.owner)


def list_labels(workspace: MockWorkspace) -> list[dict[str, Any]]:
    rows = workspace.expected_rows("image", params={"label_details": True})
    return [label for row in rows for label in row["projects"][workspace.project("image")]["labels"]]
