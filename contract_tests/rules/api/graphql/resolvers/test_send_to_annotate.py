"""Data rows that are sent from the catalog or a model run to a project, with labels or predictions."""

from typing import Any

import orjson
import pytest
import requests

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.uploading import refuse
from contract_tests.waiting import wait_for
from mockserver.exports.import_form import render_import_lines
from mockserver.exports.import_frames import Reference
from mockserver.testing import MockWorkspace

SEND = "mutation($input: SendToAnnotateFromCatalogInput!) {sendToAnnotateFromCatalog(input: $input) {taskId}}"
SEND_FROM_RUN = "mutation($input: SendToAnnotateFromMeaInput!) {sendToAnnotateFromMea(input: $input) {taskId}}"
STATUS = "MEALabelRegistrationTaskStatus"
TASK = "query($id: ID!) {task(where: {id: $id}) {status type result name}}"
CLONE = "mutation($id: ID!) {cloneProject(data: {projectId: $id}) {id}}"
QUEUES = "query($id: ID!) {project(where: {id: $id}) {taskQueues {id queueType}}}"
BATCHES = "query($id: ID!) {project(where: {id: $id}) {dataRowCount batches {nodes {name size}}}}"
EVENT = {"label_details": True, "project_details": True}
PATIENCE = 60.0
MEDIA = ["image", "text", "video", "document", "geospatial", "audio", "conversational", "html"]


def clone(workspace: MockWorkspace, project: str) -> str:
    """An empty project with the same ontology."""
    return str(ask_in(workspace, CLONE, id=workspace.project(project))["cloneProject"]["id"])


def find_queue(workspace: MockWorkspace, project_id: str, kind: str) -> str:
    queues = ask_in(workspace, QUEUES, id=project_id)["project"]["taskQueues"]
    return next(str(queue["id"]) for queue in queues if queue["queueType"] == kind)


def build_input(project_id: str, rows: list[str], **more: Any) -> dict[str, Any]:
    """The input as SDK 7.17 sends it."""
    term = {"type": "data_row_id", "operator": "is", "ids": rows}
    return {
        "destinationProjectId": project_id,
        "batchInput": {"batchName": "sent", "batchPriority": 5},
        "destinationTaskQueue": {"type": "done"},
        "excludeDataRowsInProject": False,
        "annotationsInput": None,
        "predictionsInput": None,
        "conflictLabelsResolutionStrategy": "KEEP_EXISTING",
        "searchQuery": {"scope": None, "query": [term]},
        "ordering": {"type": "RANDOM", "random": {"seed": 7}, "sorting": None},
        "sorting": None,
        "limit": None,
    } | more


def send(workspace: MockWorkspace, document: str = SEND, **data: Any) -> dict[str, Any]:
    """The task, which has ended."""
    [answer] = ask_in(workspace, document, input=data).values()
    return dict(
        wait_for(
            lambda: ask_in(workspace, TASK, id=answer["taskId"])["task"], lambda task: task["status"] != "IN_PROGRESS"
        )
    )


def rows_of(workspace: MockWorkspace, project: str) -> dict[str, Any]:
    """The entry of a project about each of its data rows, by the row's id."""
    rows = workspace.expected_rows(project, params=EVENT)
    return {row["data_row"]["id"]: next(iter(row["projects"].values())) for row in rows}


def describe(label: dict[str, Any]) -> list[dict[str, Any]]:
    """The annotations of a label without what is its own: ids, and pictures of masks, whose URLs name it."""
    own = {"uuid", "mask", "masks", "relationship"}
    lines = render_import_lines(label["annotations"], Reference({"id": "row"}))
    text = orjson.dumps([{key: value for key, value in line.items() if key not in own} for line in lines])
    return list(orjson.loads(text))


def find_labels(workspace: MockWorkspace, project: str) -> dict[str, Any]:
    """The newest label of each row that has one which is not skipped."""
    newest = {}
    for row_id, inner in rows_of(workspace, project).items():
        labels = [label for label in inner["labels"] if not label.get("label_details", {}).get("is_skipped")]
        labels = [label for label in labels if any(label["annotations"].values())]
        if labels:
            newest[row_id] = labels[-1]
    return newest


@pytest.mark.known("inferred")
@pytest.mark.parametrize("media", MEDIA)
def test_labels_of_another_project_come_with_the_rows(workspace: MockWorkspace, media: str) -> None:
    source = find_labels(workspace, media)
    target = clone(workspace, media)
    annotations = {"projectId": workspace.project(media), "featureSchemaIdsMapping": {}}
    task = send(workspace, **build_input(target, list(source), annotationsInput=annotations))
    assert (task["status"], task["type"], task["name"]) == ("COMPLETE", "send-to-annotate", "sent")
    sent = rows_of(workspace, target)
    assert sent.keys() == source.keys()
    for row_id, inner in sent.items():
        assert inner["project_details"]["workflow_status"] == "DONE"
        [label] = inner["labels"]
        assert label["id"] != source[row_id]["id"]
        assert describe(label) == describe(source[row_id])
    batches = ask_in(workspace, BATCHES, id=target)["project"]
    assert batches["batches"]["nodes"] == [{"name": "sent", "size": len(source)}]


@pytest.mark.known("inferred")
def test_in_the_queue_for_labeling_annotations_are_pre_labels(workspace: MockWorkspace) -> None:
    source = find_labels(workspace, "text")
    target = clone(workspace, "text")
    queue = {"type": "id", "value": find_queue(workspace, target, "INITIAL_LABELING_QUEUE")}
    annotations = {"projectId": workspace.project("text"), "featureSchemaIdsMapping": {}}
    data = build_input(target, list(source), annotationsInput=annotations, destinationTaskQueue=queue)
    assert send(workspace, **data)["status"] == "COMPLETE"
    assert all(inner["labels"] == [] for inner in rows_of(workspace, target).values())
    row = next(iter(source))
    workspace.event("LABEL_CREATED", target, data_row=row)  # a labeler who accepts what is there
    [label] = rows_of(workspace, target)[row]["labels"]
    assert describe(label) == describe(source[row])


@pytest.mark.known("inferred")
def test_in_the_queue_for_review_they_are_labels_that_wait(workspace: MockWorkspace) -> None:
    source = find_labels(workspace, "text")
    target = clone(workspace, "text")
    queue = {"type": "id", "value": find_queue(workspace, target, "MANUAL_REVIEW_QUEUE")}
    annotations = {"projectId": workspace.project("text"), "featureSchemaIdsMapping": {}}
    send(workspace, **build_input(target, list(source), annotationsInput=annotations, destinationTaskQueue=queue))
    statuses = {inner["project_details"]["workflow_status"] for inner in rows_of(workspace, target).values()}
    assert statuses == {"IN_REVIEW"}


@pytest.mark.known("client")
def test_predictions_of_a_run_come_with_its_rows(workspace: MockWorkspace) -> None:
    ready = requests.get(f"{workspace.url}/_mock/ready", params={"api_key": workspace.api_key}, timeout=60).json()
    [run] = ready["model_runs"].values()
    exported = workspace.expected_rows(model_run="first training", params={"predictions": True})
    rows = [row["data_row"]["id"] for row in exported]
    project = next(name for name in workspace.projects if set(rows) & set(rows_of(workspace, name)))
    target = clone(workspace, project)
    predictions = {"modelRunId": run, "featureSchemaIdsMapping": None, "minConfidence": 0, "maxConfidence": 1}
    data = build_input(target, rows, predictionsInput=predictions)
    for name in ("ordering", "sorting", "limit"):
        del data[name]
    data |= {"searchQuery": data["searchQuery"]["query"], "sourceModelRunId": run}
    task = send(workspace, SEND_FROM_RUN, **data)
    assert task["status"] == "COMPLETE", task
    assert set(rows_of(workspace, target)) == set(rows)
    assert all(len(inner["labels"]) == 1 for inner in rows_of(workspace, target).values())


@pytest.mark.known("client")
def test_labels_of_a_run_come_with_its_rows_where_it_has_no_predictions(workspace: MockWorkspace) -> None:
    """SDK tests test_send_to_annotate_mea.py."""
    source = find_labels(workspace, "image")
    model = "mutation($name: String!) {createModel(data: {name: $name}) {id}}"
    run = 'mutation($model: ID!) {createModelRun(data: {name: "run", modelId: $model}) {id}}'
    register = (
        "mutation($run: ID!, $labels: [ID!]!) {createMEAModelRunLabelRegistrationTask("
        "where: {id: $run}, data: {labelIds: $labels})}"
    )
    model_id = ask_in(workspace, model, name="labels alone")["createModel"]["id"]
    run_id = ask_in(workspace, run, model=model_id)["createModelRun"]["id"]
    task = ask_in(workspace, register, run=run_id, labels=[label["id"] for label in source.values()])
    status = f"query($id: ID!) {{{STATUS}(where: {{id: $id}}) {{status}}}}"
    registration = next(iter(task.values()))
    wait_for(lambda: ask_in(workspace, status, id=registration)[STATUS]["status"], lambda word: word == "COMPLETE")
    target = clone(workspace, "image")
    predictions = {"modelRunId": run_id, "featureSchemaIdsMapping": None, "minConfidence": 0, "maxConfidence": 1}
    queue = {"type": "id", "value": find_queue(workspace, target, "MANUAL_REVIEW_QUEUE")}
    data = build_input(target, list(source), predictionsInput=predictions, destinationTaskQueue=queue)
    for name in ("ordering", "sorting", "limit"):
        del data[name]
    data |= {"searchQuery": data["searchQuery"]["query"], "sourceModelRunId": run_id}
    task = send(workspace, SEND_FROM_RUN, **data)
    assert task["status"] == "COMPLETE", task
    assert {row: len(inner["labels"]) for row, inner in rows_of(workspace, target).items()} == dict.fromkeys(source, 1)


def test_a_mapping_leads_features_to_those_of_the_other_ontology(workspace: MockWorkspace) -> None:
    source = find_labels(workspace, "text")
    target = clone(workspace, "text")
    annotations = {"projectId": workspace.project("text"), "featureSchemaIdsMapping": {}}
    first = next(iter(source))
    item = source[first]["annotations"]["objects"][0]
    annotations["featureSchemaIdsMapping"] = {item["feature_schema_id"]: "c" + "0" * 24}  # leads nowhere: left out
    send(workspace, **build_input(target, [first], annotationsInput=annotations))
    [label] = rows_of(workspace, target)[first]["labels"]
    left = [each["feature_schema_id"] for each in label["annotations"]["objects"]]
    every = [each["feature_schema_id"] for each in source[first]["annotations"]["objects"]]
    assert left == [each for each in every if each != item["feature_schema_id"]]


@pytest.mark.parametrize(
    ("strategy", "stay"),
    [("KEEP_EXISTING", True), ("OVERRIDE_WITH_ANNOTATIONS", False), ("OVERRIDE_WITH_PREDICTIONS", False)],
)
def test_the_strategy_says_whether_labels_that_are_there_stay(
    workspace: MockWorkspace, strategy: str, stay: bool
) -> None:
    source = find_labels(workspace, "text")
    target = clone(workspace, "text")
    annotations = {"projectId": workspace.project("text"), "featureSchemaIdsMapping": {}}
    send(workspace, **build_input(target, list(source), annotationsInput=annotations))
    before = {row: inner["labels"][0]["id"] for row, inner in rows_of(workspace, target).items()}
    data = build_input(target, list(source), annotationsInput=annotations, conflictLabelsResolutionStrategy=strategy)
    assert send(workspace, **data)["status"] == "COMPLETE"
    after = {row: [label["id"] for label in inner["labels"]] for row, inner in rows_of(workspace, target).items()}
    assert all(len(ids) == 1 for ids in after.values())
    assert all((after[row] == [label]) is stay for row, label in before.items())


def test_rows_of_the_project_can_be_left_out(workspace: MockWorkspace) -> None:
    rows = list(find_labels(workspace, "text"))
    target = clone(workspace, "text")
    queue = {"type": "id", "value": find_queue(workspace, target, "INITIAL_LABELING_QUEUE")}
    send(workspace, **build_input(target, rows[:1], destinationTaskQueue=queue))
    data = build_input(target, rows[:2], excludeDataRowsInProject=True)
    assert send(workspace, **data | {"batchInput": {"batchName": "second"}})["status"] == "COMPLETE"
    statuses = [rows_of(workspace, target)[row]["project_details"]["workflow_status"] for row in rows[:2]]
    assert statuses == ["TO_LABEL", "DONE"]


def test_a_limit_sends_so_many_rows(workspace: MockWorkspace) -> None:
    rows, target = list(find_labels(workspace, "text")), clone(workspace, "text")
    send(workspace, **build_input(target, rows, limit=2))
    assert len(rows_of(workspace, target)) == 2


def test_a_task_that_fails_changes_nothing(workspace: MockWorkspace) -> None:
    rows, target = list(find_labels(workspace, "text")), clone(workspace, "text")
    send(workspace, **build_input(target, rows[:1]))
    task = send(workspace, **build_input(target, rows[1:]))
    assert (task["status"], "batch with the name 'sent'" in task["result"]) == ("FAILED", True)
    assert set(rows_of(workspace, target)) == set(rows[:1])
    nothing = send(workspace, **build_input(target, ["c" + "0" * 24]))
    assert (nothing["status"], "matches no data row" in nothing["result"]) == ("FAILED", True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"destinationProjectId": "nothing"}, "nothing"),
        ({"destinationTaskQueue": {"type": "id", "value": "nothing"}}, "Task queue 'nothing'"),
        ({"destinationTaskQueue": {"type": "id"}}, "destinationTaskQueue is"),
        ({"destinationTaskQueue": {"type": "later"}}, "destinationTaskQueue is"),
        ({"annotationsInput": {"projectId": "nothing"}}, "nothing"),
        ({"predictionsInput": {"modelRunId": "nothing"}}, "nothing"),
        ({"searchQuery": {"query": None}}, "searchQuery is None; expected terms like"),
        ({"searchQuery": {"query": [{"type": "unheard of"}]}}, "unheard of"),
        ({"batchInput": {"batchName": " "}}, "name ' '; expected a text that is not empty"),
        ({"batchInput": {"batchName": "x" * 10_001}}, "at most 10,000 are kept"),
        ({"limit": 0}, "limit is 0; expected 1 or more"),
        ({"annotationsInput": {"projectId": "TEXT", "featureSchemaIdsMapping": {"a": 1}}}, "featureSchemaIdsMapping"),
        ({"conflictLabelsResolutionStrategy": "ASK"}, "ASK"),
    ],
)
def test_what_is_wrong_is_refused_before_a_task_begins(
    workspace: MockWorkspace, change: dict[str, Any], words: str
) -> None:
    data = build_input(clone(workspace, "text"), ["a"]) | change
    assert words in refuse(workspace, SEND, input=data)
