"""Batches: data rows come into a project by them and leave it with them, all or none."""

import json
import re
from typing import Any

import pytest
import requests

from contract_tests.rules.api.asking import EXPORT, answer_in, ask_in, export_input
from contract_tests.rules.api.uploading import World, import_rows, refuse, wait_for_task
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace
from mockserver.world.changes.batches import MOST_ROWS, TOO_MANY

CREATE_PROJECT = "mutation($data: ProjectData!) {createProject(data: $data) {id}}"
CREATE = (
    "mutation createBatchV2PyApi($projectId: ID!, $batchInput: CreateBatchInput!) {project(where: {id: $projectId})"
    " {createBatchV2(input: $batchInput) {batch {consensusSettingsJson createdAt name size id updatedAt}"
    " failedDataRowIds}}}"
)
CREATE_EMPTY = (
    "mutation($projectId: ID!, $input: CreateEmptyBatchInput!) {project(where: {id: $projectId})"
    " {createEmptyBatch(input: $input) {id}}}"
)
ADD = (
    "mutation($projectId: ID!, $input: AddDataRowsToBatchInput!) {project(where: {id: $projectId})"
    " {addDataRowsToBatchAsync(input: $input) {taskId}}}"
)
CREATE_MANY = (
    "mutation($projectId: ID!, $input: CreateBatchesInput!) {project(where: {id: $projectId})"
    " {createBatches(input: $input) {tasks {batchUuid taskId}}}}"
)
FROM_DATASET = (
    "mutation($projectId: ID!, $input: CreateBatchesFromDatasetInput!) {project(where: {id: $projectId})"
    " {createBatchesFromDataset(input: $input) {tasks {batchUuid taskId}}}}"
)
REMOVE = (
    "mutation($projectId: ID!, $batchId: ID!) {project(where: {id: $projectId})"
    " {removeQueuedDataRowsFromBatch(batchId: $batchId) {id}}}"
)
DELETE = (
    "mutation($projectId: ID!, $batchId: ID!) {project(where: {id: $projectId})"
    " {deleteBatch(batchId: $batchId) {deletedBatchId}}}"
)
DELETE_LABELS = (
    "mutation($projectId: ID!, $batchId: ID!, $type: DeleteBatchLabelsType!) {project(where: {id: $projectId})"
    " {deleteBatchLabels(batchId: $batchId, data: {type: $type}) {deletedLabelIds}}}"
)
BATCHES = (
    "query($id: ID!) {project(where: {id: $id}) {dataRowCount batches {nodes {id name size consensusSettingsJson}}}}"
)
MOVE = (
    "mutation($projectId: ID!, $queueId: ID, $rows: AddRowsToTaskQueueViaDataRowIdentifiersInput!)"
    " {project(where: {id: $projectId})"
    " {createBulkAddRowsToQueueTask(data: {queueId: $queueId, dataRowIdentifiers: $rows}) {taskId}}}"
)
QUEUES = "query($id: ID!) {project(where: {id: $id}) {taskQueues {id queueType dataRowCount}}}"


@pytest.fixture
def project(empty: MockWorkspace) -> str:
    return str(ask_in(empty, CREATE_PROJECT, data={"name": "new", "allowedMediaType": "IMAGE"})["createProject"]["id"])


@pytest.fixture
def rows(empty: MockWorkspace, dataset: str) -> list[str]:
    sent = [{"row_data": f"https://example.com/{number}.png", "global_key": f"key-{number}"} for number in range(5)]
    return [row["id"] for row in import_rows(empty, dataset, sent)]


def create_batch(empty: World, project: str, **settings: object) -> Any:
    variables = {"name": "first", "dataRowIds": [], "globalKeys": None, "priority": 5} | settings
    return ask_in(empty, CREATE, projectId=project, batchInput=variables)["project"]["createBatchV2"]


def list_batches(empty: MockWorkspace, project: str) -> list[Any]:
    return list(ask_in(empty, BATCHES, id=project)["project"]["batches"]["nodes"])


def export_rows(empty: MockWorkspace, project: str) -> dict[str, Any]:
    """`project_details` by data row."""
    variables = {"input": export_input(project, includeProjectDetails=True, includeLabelDetails=True)}
    task = wait_for_task(empty, ask_in(empty, EXPORT, **variables)["exportDataRowsInProject"]["taskId"])
    lines = requests.get(task["result"], timeout=30).text.splitlines()
    return {row["data_row"]["id"]: row["projects"][project]["project_details"] for row in map(json.loads, lines)}


@pytest.mark.known("client")
@pytest.mark.parametrize("by_key", [True, False])
def test_the_rows_of_a_batch_are_in_the_next_export(
    empty: MockWorkspace, project: str, rows: list[str], *, by_key: bool
) -> None:
    identifiers = {"globalKeys": [f"key-{number}" for number in range(5)]} if by_key else {"dataRowIds": rows}
    answer = create_batch(empty, project, priority=3, **identifiers)
    assert (answer["batch"]["size"], answer["failedDataRowIds"]) == (5, [])
    details = export_rows(empty, project)
    assert set(details) == set(rows)
    for row in details.values():
        assert (row["batch_name"], row["priority"], row["workflow_status"]) == ("first", 3, "TO_LABEL")
        assert (row["task_name"], row["workflow_history"]) == ("Initial labeling task", [])


@pytest.mark.known("client")
def test_consensus_settings_come_back_in_snake_case(empty: MockWorkspace, project: str, rows: list[str]) -> None:
    """SDK tests test_batch.py."""
    settings = {"numberOfLabels": 3, "coveragePercentage": 1}
    batch = create_batch(empty, project, dataRowIds=rows, consensusSettings=settings)["batch"]
    assert batch["consensusSettingsJson"] == {"number_of_labels": 3, "coverage_percentage": 1}
    assert {row["consensus_expected_label_count"] for row in export_rows(empty, project).values()} == {3}


@pytest.mark.known("inferred")
def test_rows_that_are_in_the_project_stay_in_their_batch(empty: MockWorkspace, project: str, rows: list[str]) -> None:
    create_batch(empty, project, dataRowIds=rows[:3])
    second = create_batch(empty, project, dataRowIds=rows, name="second")
    assert (second["batch"]["size"], second["failedDataRowIds"]) == (2, rows[:3])
    assert ask_in(empty, BATCHES, id=project)["project"]["dataRowCount"] == 5


@pytest.mark.known("client")
@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"dataRowIds": []}, "MALFORMED_REQUEST"),
        ({"dataRowIds": ["a", "b", "c"]}, "MALFORMED_REQUEST"),  # SDK tests test_batch.py
        ({"globalKeys": ["nobody"]}, "MALFORMED_REQUEST"),
        ({"globalKeys": ["key-1", "nobody"]}, "MALFORMED_REQUEST"),
        ({"globalKeys": ["key-1"], "priority": 0}, "MALFORMED_REQUEST"),
        ({"globalKeys": ["key-1"], "priority": 6}, "MALFORMED_REQUEST"),
        ({"globalKeys": ["key-1"], "priority": None}, "BAD_USER_INPUT"),  # test_create_batch_with_null_priority
        ({"globalKeys": ["key-4"]}, "MALFORMED_REQUEST"),  # test_create_batch_with_same_data_row_ids
        ({"globalKeys": ["key-1"], "name": " "}, "BAD_USER_INPUT"),
        ({"globalKeys": ["key-1"], "name": "x" * 10_001}, "BAD_USER_INPUT"),
        ({"globalKeys": ["key-1"], "name": "taken"}, "RESOURCE_CONFLICT"),
        ({"globalKeys": ["key-1"], "consensusSettings": {"numberOfLabels": 0}}, "MALFORMED_REQUEST"),
        ({"globalKeys": ["key-1"], "consensusSettings": {"coveragePercentage": 1.1}}, "MALFORMED_REQUEST"),
    ],
)
def test_a_batch_that_cannot_be_is_refused_and_leaves_nothing(
    empty: MockWorkspace, project: str, rows: list[str], settings: dict[str, Any], code: str
) -> None:
    create_batch(empty, project, dataRowIds=rows[4:], name="taken")
    variables = {"name": "first", "dataRowIds": [], "globalKeys": None, "priority": 5} | settings
    [error] = answer_in(empty, CREATE, projectId=project, batchInput=variables)["errors"]
    assert error["extensions"]["code"] == code
    assert [batch["name"] for batch in list_batches(empty, project)] == ["taken"]
    assert len(export_rows(empty, project)) == 1


def test_a_batch_of_deleted_rows_is_refused(empty: MockWorkspace, project: str, rows: list[str]) -> None:
    ask_in(empty, "mutation($ids: [ID!]!) {deleteDataRows(where: {dataRowIds: $ids}) {id}}", ids=rows[:1])
    batch = {"name": "first", "dataRowIds": rows}
    assert f"1 data rows do not exist in this workspace or are deleted; the first by id: '{rows[0]}'" == refuse(
        empty, CREATE, projectId=project, batchInput=batch
    )
    assert list_batches(empty, project) == []


@pytest.mark.known("client")
@pytest.mark.parametrize("document", [CREATE_EMPTY, ADD])
def test_a_large_batch_is_filled_by_a_task(empty: MockWorkspace, project: str, rows: list[str], document: str) -> None:
    batch = ask_in(empty, CREATE_EMPTY, projectId=project, input={"name": "big"})["project"]["createEmptyBatch"]["id"]
    assert [known["size"] for known in list_batches(empty, project)] == [0]
    identifiers = {"dataRowIds": rows} if document == ADD else {"globalKeys": [f"key-{number}" for number in range(5)]}
    settings = {"batchId": batch, "priority": 2} | identifiers
    task_id = ask_in(empty, ADD, projectId=project, input=settings)["project"]["addDataRowsToBatchAsync"]["taskId"]
    task = wait_for_task(empty, task_id)
    assert (task["status"], task["type"], task["result"]) == ("COMPLETE", "add-data-rows-to-batch", None)
    assert [known["size"] for known in list_batches(empty, project)] == [5]
    assert {row["priority"] for row in export_rows(empty, project).values()} == {2}


@pytest.mark.known("client")
def test_a_task_with_rows_that_do_not_exist_fails_and_adds_none(
    empty: MockWorkspace, project: str, rows: list[str]
) -> None:
    """SDKs read the reason as JSON from `result` (task.py)."""
    batch = ask_in(empty, CREATE_EMPTY, projectId=project, input={"name": "big"})["project"]["createEmptyBatch"]["id"]
    settings = {"batchId": batch, "dataRowIds": [*rows, "nobody"]}
    task_id = ask_in(empty, ADD, projectId=project, input=settings)["project"]["addDataRowsToBatchAsync"]["taskId"]
    task = wait_for_task(empty, task_id)
    assert task["status"] == "FAILED"
    assert "do not exist" in json.loads(task["result"])["error"]
    assert export_rows(empty, project) == {}


def test_more_rows_than_a_batch_takes_are_refused(empty: MockWorkspace, project: str, rows: list[str]) -> None:
    batch = ask_in(empty, CREATE_EMPTY, projectId=project, input={"name": "big"})["project"]["createEmptyBatch"]["id"]
    settings = {"batchId": batch, "dataRowIds": [*rows, *map(str, range(MOST_ROWS + 1 - len(rows)))]}
    assert refuse(empty, ADD, projectId=project, input=settings) == TOO_MANY
    for key in ("dataRowIds", "globalKeys"):
        new = {"name": "too big", key: list(map(str, range(MOST_ROWS + 1)))}
        assert refuse(empty, CREATE, projectId=project, batchInput=new) == TOO_MANY


@pytest.mark.known("client")
def test_batches_are_named_by_a_prefix_and_a_number(
    empty: MockWorkspace, project: str, dataset: str, rows: list[str]
) -> None:
    """SDK project.py create_batches; those of a dataset have the rows that are not in the project."""
    sent = {"batchNamePrefix": "part", "dataRowIds": rows[:2], "globalKeys": None, "priority": 5}
    [task] = ask_in(empty, CREATE_MANY, projectId=project, input=sent)["project"]["createBatches"]["tasks"]
    assert wait_for_task(empty, task["taskId"])["status"] == "COMPLETE"
    sent = {"batchNamePrefix": "rest", "datasetId": dataset, "priority": 5}
    [task] = ask_in(empty, FROM_DATASET, projectId=project, input=sent)["project"]["createBatchesFromDataset"]["tasks"]
    assert wait_for_task(empty, task["taskId"])["status"] == "COMPLETE"
    sizes = {batch["name"]: batch["size"] for batch in list_batches(empty, project)}
    assert sizes == {"part0000": 2, "rest0000": 3}
    assert "at least one data row" in refuse(empty, FROM_DATASET, projectId=project, input=sent)


@pytest.mark.known("client")
def test_queued_rows_are_removed_and_labelled_ones_stay(
    server: ServedWorld, project: str, empty: MockWorkspace
) -> None:
    workspace = server.workspace(scenario="default")
    image = workspace.project("image")
    [batch] = list_batches(workspace, image)
    before = export_rows(workspace, image)
    ask_in(workspace, REMOVE, projectId=image, batchId=batch["id"])
    after = export_rows(workspace, image)
    assert {row["workflow_status"] for row in before.values()} >= {"TO_LABEL", "DONE"}
    assert after == {row: details for row, details in before.items() if details["workflow_status"] != "TO_LABEL"}
    assert [known["size"] for known in list_batches(workspace, image)] == [len(after)]
    workspace.delete()


@pytest.mark.known("client")
def test_a_batch_with_labels_is_deleted_after_its_labels(server: ServedWorld) -> None:
    """SDK batch.py delete."""
    workspace = server.workspace(scenario="default")
    image = workspace.project("image")
    [batch] = list_batches(workspace, image)
    assert "labels first" in refuse(workspace, DELETE, projectId=image, batchId=batch["id"])
    deleted = ask_in(workspace, DELETE_LABELS, projectId=image, batchId=batch["id"], type="RequeueData")
    assert deleted["project"]["deleteBatchLabels"]["deletedLabelIds"]
    assert {row["workflow_status"] for row in export_rows(workspace, image).values()} == {"TO_LABEL"}
    answer = ask_in(workspace, DELETE, projectId=image, batchId=batch["id"])
    assert answer["project"]["deleteBatch"]["deletedBatchId"] == batch["id"]
    assert (list_batches(workspace, image), export_rows(workspace, image)) == ([], {})
    assert "does not exist" in refuse(workspace, DELETE, projectId=image, batchId=batch["id"])
    workspace.delete()


@pytest.mark.known("inferred")
@pytest.mark.parametrize("media", ["image", "text", "video"])
def test_labels_of_a_batch_that_become_templates_are_what_a_labeler_finds(server: ServedWorld, media: str) -> None:
    workspace = server.workspace(scenario="default")
    project = workspace.project(media)
    [batch] = list_batches(workspace, project)
    before = list_annotations(workspace, media)
    kind = "RequeueDataWithLabelAsTemplate"
    deleted = ask_in(workspace, DELETE_LABELS, projectId=project, batchId=batch["id"], type=kind)
    assert deleted["project"]["deleteBatchLabels"]["deletedLabelIds"]
    assert list_annotations(workspace, media) == {}
    row = next(iter(before))
    workspace.event("LABEL_CREATED", media, data_row=row)
    assert list_annotations(workspace, media) == {row: before[row]}
    workspace.delete()


def list_annotations(workspace: MockWorkspace, project: str) -> dict[str, Any]:
    """The names and geometries of the newest label of each data row that has one, skips left out."""
    newest: dict[str, Any] = {}
    for row in workspace.expected_rows(project, params={"performance_details": True}):
        [entry] = row["projects"].values()
        for label in entry["labels"]:
            if not label["performance_details"]["skipped"]:
                text = json.dumps(label["annotations"])
                newest[row["data_row"]["id"]] = re.sub(r'c[0-9a-z]{24}|"url": "[^"]*"', "", text)
    return newest


# The queue


def move(empty: MockWorkspace, project: str, queue: str | None, ids: list[str], kind: str = "ID") -> Any:
    answer = ask_in(empty, MOVE, projectId=project, queueId=queue, rows={"ids": ids, "idType": kind})
    return wait_for_task(empty, answer["project"]["createBulkAddRowsToQueueTask"]["taskId"])


@pytest.mark.known("client")
def test_rows_are_moved_to_a_queue_by_ids_and_keys(empty: MockWorkspace, project: str, rows: list[str]) -> None:
    create_batch(empty, project, dataRowIds=rows)
    queues = {queue["queueType"]: queue["id"] for queue in ask_in(empty, QUEUES, id=project)["project"]["taskQueues"]}
    task = move(empty, project, queues["MANUAL_REVIEW_QUEUE"], rows[:2])
    assert (task["status"], task["type"]) == ("COMPLETE", "send-to-task-queue")
    assert move(empty, project, None, ["key-2"], "GKEY")["status"] == "COMPLETE"
    details = export_rows(empty, project)
    statuses = [details[row]["workflow_status"] for row in rows]
    assert statuses == ["IN_REVIEW", "IN_REVIEW", "DONE", "TO_LABEL", "TO_LABEL"]
    assert details[rows[0]]["task_name"] == "Initial review task"
    assert [step["action"] for step in details[rows[2]]["workflow_history"]] == ["Move", "Move"]
    counts = [queue["dataRowCount"] for queue in ask_in(empty, QUEUES, id=project)["project"]["taskQueues"]]
    assert counts == [2, 2, 0]
    again = move(empty, project, queues["MANUAL_REVIEW_QUEUE"], rows[:2])
    assert (again["status"], export_rows(empty, project)) == ("COMPLETE", details)


def test_rows_that_are_not_in_the_project_cannot_be_moved(empty: MockWorkspace, project: str, rows: list[str]) -> None:
    create_batch(empty, project, dataRowIds=rows[:1])
    task = move(empty, project, None, rows)
    assert task["status"] == "FAILED"
    assert "is not in project" in json.loads(task["result"])["error"]
    assert [row["workflow_status"] for row in export_rows(empty, project).values()] == ["TO_LABEL"]
    assert "does not exist" in refuse(empty, MOVE, projectId=project, queueId="nobody", rows={"ids": rows})
    assert "No data row was sent" in refuse(empty, MOVE, projectId=project, queueId=None, rows={"ids": []})


@pytest.mark.known("client")
def test_priorities_are_changed_and_overridden(empty: MockWorkspace, project: str, rows: list[str]) -> None:
    create_batch(empty, project, dataRowIds=rows)
    document = (
        "mutation($projectId: ID!, $rows: QueuePriorityUpdateDataRowIdentifiersInput) {project(where: {id: $projectId})"
        " {createQueuePriorityUpdateTask(data: {priority: 7, dataRowIdentifiers: $rows}) {taskId}}}"
    )
    answer = ask_in(empty, document, projectId=project, rows={"ids": rows[:1], "idType": "ID"})
    assert wait_for_task(empty, answer["project"]["createQueuePriorityUpdateTask"]["taskId"])["status"] == "COMPLETE"
    override = (
        f'mutation {{project(where: {{id: "{project}"}}) {{setLabelingParameterOverrides(dataWithDataRowIdentifiers:'
        f' [{{dataRowIdentifier: {{id: "key-1", idType: GKEY}}, priority: 2}}]) {{success}}}}}}'
    )
    assert ask_in(empty, override)["project"]["setLabelingParameterOverrides"] == {"success": True}
    old = (
        f'mutation {{project(where: {{id: "{project}"}}) {{setLabelingParameterOverrides(data:'
        f' [{{dataRow: {{id: "{rows[2]}"}}, priority: 1, numLabels: 3}}]) {{success}}}}}}'
    )
    ask_in(empty, old)
    details = export_rows(empty, project)
    assert [details[row]["priority"] for row in rows] == [7, 2, 1, 5, 5]
    assert details[rows[2]]["consensus_expected_label_count"] == 3
    listed = "query($id: ID!) {project(where: {id: $id}) {labelingParameterOverrides%s {id priority dataRow {id}}}}"
    filtered = listed % "(where: {priority_lt: 5}, first: 1, skip: 1)"
    listed %= ""
    overrides = ask_in(empty, listed, id=project)["project"]["labelingParameterOverrides"]
    expected = dict(zip(rows, (7, 2, 1, 5, 5), strict=True))
    assert {entry["dataRow"]["id"]: entry["priority"] for entry in overrides} == expected
    unset = (
        f'mutation {{project(where: {{id: "{project}"}}) {{unsetLabelingParameterOverrides(data:'
        f' [{{dataRowId: "{rows[2]}"}}]) {{success}}}}}}'
    )
    ask_in(empty, unset)
    assert export_rows(empty, project)[rows[2]]["priority"] == 5
    assert len({entry["id"] for entry in overrides}) == 5
    assert ask_in(empty, filtered, id=project)["project"]["labelingParameterOverrides"] == []


@pytest.mark.known("client")
def test_predictions_are_shown_and_hidden(empty: MockWorkspace, project: str) -> None:
    document = (
        "mutation($id: ID!, $show: Boolean!) {project(where: {id: $id})"
        " {showPredictionsToLabelers(show: $show) {id showingPredictionsToLabelers}}}"
    )
    for show in (True, False):
        answer = ask_in(empty, document, id=project, show=show)["project"]["showPredictionsToLabelers"]
        assert answer == {"id": project, "showingPredictionsToLabelers": show}
