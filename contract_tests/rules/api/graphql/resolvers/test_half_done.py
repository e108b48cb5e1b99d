"""Work that is done a part at a time, with something wrong behind the first part: nothing of it is done."""

import json

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.graphql.resolvers.test_batches import ADD, CREATE_EMPTY, MOVE
from contract_tests.rules.api.graphql.resolvers.test_send_to_annotate import SEND, build_input
from contract_tests.rules.api.uploading import import_rows, refuse, wait_for_task
from mockserver.testing import MockWorkspace

CREATE_PROJECT = 'mutation {createProject(data: {name: "new", allowedMediaType: IMAGE}) {id}}'
PRIORITIZE = (
    "mutation($projectId: ID!, $rows: QueuePriorityUpdateDataRowIdentifiersInput) {project(where: {id: $projectId})"
    " {createQueuePriorityUpdateTask(data: {priority: 7, dataRowIdentifiers: $rows}) {taskId}}}"
)
CREATE_MANY = (
    "mutation($projectId: ID!, $input: CreateBatchesInput!) {project(where: {id: $projectId})"
    " {createBatches(input: $input) {tasks {taskId}}}}"
)
BATCHES = "query($id: ID!) {project(where: {id: $id}) {batches {nodes {name size}}}}"
INVITE = "mutation($data: [CreateInviteInput!]) {createInvites(data: $data) {invite {id}}}"
ROWS = 120
"""More than are moved in one transaction."""


@pytest.fixture
def project(empty: MockWorkspace) -> str:
    return str(ask_in(empty, CREATE_PROJECT)["createProject"]["id"])


@pytest.fixture
def rows(empty: MockWorkspace, dataset: str) -> list[str]:
    sent = [{"row_data": f"https://example.com/{number}.png", "global_key": f"key-{number}"} for number in range(ROWS)]
    return [row["id"] for row in import_rows(empty, dataset, sent)]


def fill(empty: MockWorkspace, project: str, rows: list[str]) -> None:
    """Adds data rows to the project by a batch."""
    created = ask_in(empty, CREATE_EMPTY, projectId=project, input={"name": "first"})
    settings = {"batchId": created["project"]["createEmptyBatch"]["id"], "dataRowIds": rows, "priority": 5}
    answer = ask_in(empty, ADD, projectId=project, input=settings)
    assert wait_for_task(empty, answer["project"]["addDataRowsToBatchAsync"]["taskId"])["status"] == "COMPLETE"


@pytest.mark.parametrize("document", [MOVE, PRIORITIZE], ids=["moves", "priorities"])
def test_one_row_outside_of_the_project_keeps_all_others_back(
    empty: MockWorkspace, project: str, rows: list[str], document: str
) -> None:
    fill(empty, project, rows[:-1])
    before = empty.expected_rows(project, params={"project_details": True})
    variables = {"queueId": None} if document == MOVE else {}
    answer = ask_in(empty, document, projectId=project, rows={"ids": rows, "idType": "ID"}, **variables)
    [started] = answer["project"].values()
    task = wait_for_task(empty, started["taskId"])
    assert (task["status"], "is not in project" in json.loads(task["result"])["error"]) == ("FAILED", True)
    assert empty.expected_rows(project, params={"project_details": True}) == before


@pytest.mark.parametrize("priority", [0, 6])
def test_a_wrong_priority_leaves_no_batch_behind(
    empty: MockWorkspace, project: str, rows: list[str], priority: int
) -> None:
    batches = {"batchNamePrefix": "many", "dataRowIds": rows, "priority": priority}
    assert "expected 1, the highest, to 5" in refuse(empty, CREATE_MANY, projectId=project, input=batches)
    sent = build_input(project, rows, batchInput={"batchName": "sent", "batchPriority": priority})
    assert "expected 1, the highest, to 5" in refuse(empty, SEND, input=sent)
    assert ask_in(empty, BATCHES, id=project)["project"]["batches"]["nodes"] == []


def test_one_wrong_invitation_keeps_the_others_back(empty: MockWorkspace) -> None:
    role = ask_in(empty, "{roles {id}}")["roles"][0]["id"]
    sent = [{"inviteeEmail": address, "organizationRoleId": role} for address in ("one@example.com", "nobody")]
    assert "is no e-mail address" in refuse(empty, INVITE, data=sent)
    assert ask_in(empty, "{organization {invites {nodes {id}}}}")["organization"]["invites"]["nodes"] == []


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_a_number_that_no_answer_can_say_is_refused(empty: MockWorkspace, project: str, number: str) -> None:
    """graphql-core makes it infinite, which was kept before the answer failed."""
    document = (
        f"mutation($id: ID!) {{updateProject(where: {{id: $id}}, data: {{autoAuditPercentage: {number}}}) {{id}}}}"
    )
    assert "Float" in refuse(empty, document, id=project)
    read = "query($id: ID!) {project(where: {id: $id}) {autoAuditPercentage}}"
    assert ask_in(empty, read, id=project)["project"]["autoAuditPercentage"] == 1
