"""Versions of labels: what a label was whenever it was handed on."""

import json
from typing import Any

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.graphql.resolvers.test_batches import MOVE
from contract_tests.rules.api.graphql.resolvers.test_label_edits import UPDATE
from contract_tests.rules.api.uploading import refuse
from mockserver.testing import MockWorkspace

FIELDS = (
    "id labelId dataRowId projectId action createdAt createdById stage {taskQueueId name type} annotationCount"
    " label labelJson"
)
LIST = (
    "query GetLabelVersionsPyApi($where: LabelVersionsWhereInput!, $first: Int, $from: String)"
    f" {{labelVersions(where: $where, first: $first, after: $from) {{nodes {{{FIELDS}}} nextCursor}}}}"
)
READ = f"query GetLabelVersionPyApi($id: ID!) {{labelVersion(where: {{ id: $id }}) {{{FIELDS}}}}}"
QUEUES = "query($id: ID!) {project(where: {id: $id}) {taskQueues {id name queueType}}}"


@pytest.fixture
def project(workspace: MockWorkspace) -> str:
    return workspace.project("image")


def list_versions(workspace: MockWorkspace, project: str, **where: Any) -> list[dict[str, Any]]:
    answer = ask_in(workspace, LIST, where={"projectId": project} | where, first=100)
    return list(answer["labelVersions"]["nodes"])


def create_label(workspace: MockWorkspace) -> tuple[str, str]:
    """The id of a data row, and that of its first label, which waits for review."""
    [row, *_] = workspace.expected_rows("image", filters={"workflow_status": "ToLabel"})
    row_id = row["data_row"]["id"]
    label = workspace.event("LABEL_CREATED", "image", data_row=row_id)["label_id"]
    while row_id in [
        item["data_row"]["id"] for item in workspace.expected_rows("image", filters={"workflow_status": "ToLabel"})
    ]:
        workspace.event("LABEL_CREATED", "image", data_row=row_id)
    return row_id, label


@pytest.mark.known("client")
def test_each_hand_off_is_a_version(workspace: MockWorkspace, project: str) -> None:
    """SDK label_version.py 7.17.0."""
    assert list_versions(workspace, project) == []
    row, label = create_label(workspace)
    count = count_annotations(workspace, project, label)
    queues = {queue["queueType"]: queue for queue in ask_in(workspace, QUEUES, id=project)["project"]["taskQueues"]}
    box = {"title": "Car", "bbox": {"top": 1, "left": 2, "height": 3, "width": 4}}
    ask_in(workspace, UPDATE, labelId=label, label=json.dumps({"objects": [box]}))
    workspace.event("REVIEW_CREATED", "image", label=label, score=-1)
    workspace.event("REVIEW_UPDATED", "image", label=label, score=1)
    rework = queues["MANUAL_REWORK_QUEUE"]["id"]
    ask_in(workspace, MOVE, projectId=project, queueId=rework, rows={"ids": [row], "idType": "ID"})
    versions = list_versions(workspace, project, labelId=label)
    assert [version["action"] for version in versions] == [
        "SUBMITTED", "SAVED", "REJECTED", "APPROVED", "SENT_TO_REWORK",
    ]  # fmt: skip
    stages = [version["stage"] and version["stage"]["type"] for version in versions]
    review = "MANUAL_REVIEW_QUEUE"
    assert stages == ["INITIAL_LABELING_QUEUE", review, review, "MANUAL_REWORK_QUEUE", None]
    assert {(version["dataRowId"], version["projectId"]) for version in versions} == {(row, project)}
    first, saved = versions[:2]
    assert first["labelJson"] == json.loads(first["label"])
    assert [item["bbox"] for item in saved["labelJson"]["objects"]] == [box["bbox"]]
    assert saved["annotationCount"] == 1
    assert first["annotationCount"] == count
    assert ask_in(workspace, READ, id=saved["id"])["labelVersion"]["labelJson"]["objects"][0]["bbox"] == box["bbox"]
    assert ask_in(workspace, READ, id="nobody") == {"labelVersion": None}


def count_annotations(workspace: MockWorkspace, project: str, label_id: str) -> int:
    """The objects and the questions at the top of a label, as an export has them."""
    rows = workspace.expected_rows("image", params={"label_details": True})
    [label] = [label for row in rows for label in row["projects"][project]["labels"] if label["id"] == label_id]
    return len(label["annotations"]["objects"]) + len(label["annotations"]["classifications"])


@pytest.mark.known("client")
def test_versions_are_filtered_and_paged(workspace: MockWorkspace, project: str) -> None:
    workspace.clock.freeze()  # tokens of masks say when they were made
    row, label = create_label(workspace)
    workspace.event("REVIEW_CREATED", "image", label=label, score=1)
    every = list_versions(workspace, project)
    assert len(every) >= 2
    assert list_versions(workspace, project, dataRowId=row) == every
    author = every[0]["createdById"]
    mine = [version["id"] for version in every if version["createdById"] == author]
    assert [version["id"] for version in list_versions(workspace, project, createdById=author)] == mine
    assert list_versions(workspace, project, createdBefore="2020-01-01T00:00:00.000Z") == []
    assert list_versions(workspace, project, createdAfter="2020-01-01T00:00:00.000Z") == every
    first = ask_in(workspace, LIST, where={"projectId": project}, first=1)["labelVersions"]
    rest = ask_in(workspace, LIST, where={"projectId": project}, first=99, **{"from": first["nextCursor"]})
    assert first["nodes"] + rest["labelVersions"]["nodes"] == every
    assert "expected 1 to 100" in refuse(workspace, LIST, where={"projectId": project}, first=101)
    assert "does not exist" in refuse(workspace, LIST, where={"projectId": "nobody"}, first=1)


@pytest.mark.known("client")
def test_a_version_keeps_a_text_and_a_deleted_label(workspace: MockWorkspace, project: str) -> None:
    _, label = create_label(workspace)
    ask_in(workspace, UPDATE, labelId=label, label="something else")
    workspace.event("LABEL_DELETED", "image", label=label)
    submitted, saved = list_versions(workspace, project, labelId=label)
    assert (saved["label"], saved["labelJson"], saved["annotationCount"]) == ("something else", None, 0)
    assert submitted["labelJson"]["objects"] is not None
