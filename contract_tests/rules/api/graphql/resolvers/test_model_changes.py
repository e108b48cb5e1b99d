"""Models and runs: created by clients, filled with data rows and labels, and exported as they are."""

import json
from typing import Any

import pytest
import requests

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.uploading import create_dataset, import_rows, refuse, wait_for_task
from mockserver.testing import MockWorkspace

CREATE_MODEL = (
    "mutation($name: String!, $ontology: ID!) {createModel(data: {name: $name, ontologyId: $ontology}) {id name}}"
)
CREATE_RUN = (
    "mutation($name: String!, $config: Json, $modelId: ID!) {createModelRun(data: {name: $name,"
    " trainingMetadata: $config, modelId: $modelId}) {id name modelId createdBy trainingMetadata createdAt updatedAt}}"
)
ROWS = (
    "mutation($run: ID!, $ids: [ID!], $keys: [ID!]) {createMEAModelRunDataRowRegistrationTask("
    "where: {id: $run}, data: {dataRowIds: $ids, globalKeys: $keys})}"
)
LABELS = (
    "mutation($run: ID!, $ids: [ID!]!) {createMEAModelRunLabelRegistrationTask(where: {id: $run},"
    " data: {labelIds: $ids})}"
)
PROJECT_LABELS = (
    "mutation($run: ID!, $project: ID!) {createMEAModelRunProjectLabelRegistrationTask("
    "where: {modelRunId: $run, projectId: $project})}"
)
SPLIT = (
    "mutation($run: ID!, $data: CreateAssignDataRowsToDataSplitTaskInput!)"
    " {createAssignDataRowsToDataSplitTask(modelRun: {id: $run}, data: $data)}"
)
REMOVE = "mutation($run: ID!, $ids: [ID!]!) {deleteModelRunDataRows(where: {modelRunId: $run, dataRowIds: $ids})}"
STATUS = {
    ROWS: "query($id: ID!) {MEADataRowRegistrationTaskStatus(where: {id: $id}) {status errorMessage}}",
    LABELS: "query($id: ID!) {MEALabelRegistrationTaskStatus(where: {id: $id}) {status errorMessage}}",
    PROJECT_LABELS: "query($id: ID!) {MEALabelRegistrationTaskStatus(where: {id: $id}) {status errorMessage}}",
    SPLIT: "query($id: ID!) {assignDataRowsToDataSplitTaskStatus(where: {id: $id}) {status errorMessage}}",
}
GROUPS = (
    "query($run: ID!) {annotationGroups(where: {modelRunId: {id: $run}}, first: 100)"
    " {nodes {labelId dataSplit dataRow {id}}}}"
)
EXPORT = "mutation($input: ExportDataRowsInModelRunInput!) {exportDataRowsInModelRun(input: $input) {taskId}}"
LABELS_OF = "query($id: ID!) {project(where: {id: $id}) {ontology {id} labels(first: 100) {id dataRow {id}}}}"


@pytest.fixture
def run(workspace: MockWorkspace) -> str:
    ontology = ask_in(workspace, LABELS_OF, id=workspace.project("image"))["project"]["ontology"]["id"]
    model = ask_in(workspace, CREATE_MODEL, name="mine", ontology=ontology)["createModel"]["id"]
    return str(ask_in(workspace, CREATE_RUN, name="first", modelId=model)["createModelRun"]["id"])


def start(workspace: MockWorkspace, document: str, run: str, **variables: object) -> Any:
    [task] = ask_in(workspace, document, run=run, **variables).values()
    wait_for_task(workspace, task)
    [status] = ask_in(workspace, STATUS[document], id=task).values()
    return status


def list_groups(workspace: MockWorkspace, run: str) -> dict[str, tuple[str | None, str]]:
    nodes = ask_in(workspace, GROUPS, run=run)["annotationGroups"]["nodes"]
    return {node["dataRow"]["id"]: (node["labelId"], node["dataSplit"]) for node in nodes}


def export_run(workspace: MockWorkspace, run: str) -> list[Any]:
    answer = ask_in(workspace, EXPORT, input={"filters": {"modelRunId": run}, "params": {}})["exportDataRowsInModelRun"]
    task = wait_for_task(workspace, answer["taskId"])
    return [json.loads(line) for line in requests.get(task["result"], timeout=30).text.splitlines()]


@pytest.mark.known("client")
@pytest.mark.parametrize("by_key", [True, False])
def test_data_rows_are_added_split_and_removed(workspace: MockWorkspace, run: str, *, by_key: bool) -> None:
    sent = [{"row_data": f"https://example.com/{number}.png", "global_key": f"key-{number}"} for number in range(3)]
    rows = [row["id"] for row in import_rows(workspace, create_dataset(workspace), sent)]
    identifiers = {"keys": ["key-0", "key-1", "key-2"]} if by_key else {"ids": rows}
    assert start(workspace, ROWS, run, **identifiers) == {"status": "COMPLETE", "errorMessage": None}
    assert list_groups(workspace, run) == dict.fromkeys(rows, (None, "UNASSIGNED"))
    assert {row["data_row"]["id"] for row in export_run(workspace, run)} == set(rows)
    assignments = [{"split": "TRAINING", "dataRowIds": rows[:1]}, {"split": "TEST", "globalKeys": ["key-1"]}]
    assert start(workspace, SPLIT, run, data={"assignments": assignments})["status"] == "COMPLETE"
    assert [split for _, split in list_groups(workspace, run).values()] == ["TRAINING", "TEST", "UNASSIGNED"]
    ask_in(workspace, REMOVE, run=run, ids=rows[1:])
    assert set(list_groups(workspace, run)) == {rows[0]}


@pytest.mark.known("client")
@pytest.mark.parametrize("document", [LABELS, PROJECT_LABELS])
def test_labels_are_added_with_their_data_rows(workspace: MockWorkspace, run: str, document: str) -> None:
    project = workspace.project("image")
    labels = ask_in(workspace, LABELS_OF, id=project)["project"]["labels"]
    variables = {"ids": [label["id"] for label in labels]} if document == LABELS else {"project": project}
    assert start(workspace, document, run, **variables)["status"] == "COMPLETE"
    groups = list_groups(workspace, run)
    assert set(groups) == {label["dataRow"]["id"] for label in labels}
    assert {label for label, _ in groups.values()} <= {label["id"] for label in labels}
    assert start(workspace, document, run, **variables)["status"] == "COMPLETE"
    assert list_groups(workspace, run) == groups
    for row in export_run(workspace, run):
        [model] = row["experiments"].values()
        assert [label["id"] for label in model["runs"][run]["labels"]] == [groups[row["data_row"]["id"]][0]]


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (ROWS, {"ids": ["nobody"]}),
        (ROWS, {"keys": ["nobody"]}),
        (LABELS, {"ids": ["nobody"]}),
        (SPLIT, {"data": {"assignments": [{"split": "TEST", "dataRowIds": ["nobody"]}]}}),
    ],
)
def test_what_does_not_exist_fails_the_task_and_adds_nothing(
    workspace: MockWorkspace, run: str, document: str, variables: dict[str, Any]
) -> None:
    status = start(workspace, document, run, **variables)
    assert status["status"] == "FAILED"
    assert "do not exist" in status["errorMessage"]
    assert list_groups(workspace, run) == {}
    assert "does not exist" in refuse(workspace, document, run="nobody", **variables)


@pytest.mark.known("client")
def test_the_configuration_of_a_run_is_updated_and_reset(workspace: MockWorkspace, run: str) -> None:
    """SDK tests test_model_run.py."""
    update = (
        "mutation($run: ID!, $data: UpdateModelRunConfigInput!)"
        " {updateModelRunConfig(modelRun: {id: $run}, data: $data) {trainingMetadata}}"
    )
    reset = "mutation($run: ID!) {resetModelRunConfig(modelRun: {id: $run}) {trainingMetadata}}"
    for config in ({"batch_size": 1000}, {"batch_size": 2000, "nested": [1, None]}):
        answer = ask_in(workspace, update, run=run, data={"config": config})["updateModelRunConfig"]
        assert answer == {"trainingMetadata": config}
    assert ask_in(workspace, reset, run=run)["resetModelRunConfig"] == {"trainingMetadata": None}
    assert "expected an object" in refuse(workspace, update, run=run, data={"config": 7})
    for key in range(4):
        ask_in(workspace, update, run=run, data={"config": {str(key): "x" * 240_000}})
    message = refuse(workspace, update, run=run, data={"config": {"more": "x" * 240_000}})
    assert "at most 1,000,000 are kept" in message


@pytest.mark.known("client")
@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, None),
        ({"batch_size": 100, "reruns": None, "layers": 3}, {"batchSize": 100, "reruns": None, "layers": 3}),
        ({"_hidden": {"top_k_2": [{"a_b": "c_d"}]}}, {"_hidden": {"topK2": [{"aB": "c_d"}]}}),
    ],
)
def test_the_keys_of_a_new_runs_configuration_are_camel_case(
    workspace: MockWorkspace, run: str, config: Any, expected: Any
) -> None:
    """SDK tests test_model_run.py, test_model_run."""
    model = ask_in(workspace, "query($id: ID!) {modelRun(where: {id: $id}) {modelId}}", id=run)["modelRun"]["modelId"]
    created = ask_in(workspace, CREATE_RUN, name="second", modelId=model, config=config)["createModelRun"]["id"]
    read = "query($id: ID!) {modelRun(where: {id: $id}) {trainingMetadata}}"
    assert ask_in(workspace, read, id=created)["modelRun"] == {"trainingMetadata": expected}


@pytest.mark.known("client")
def test_the_state_of_a_training_is_the_one_that_was_reported(workspace: MockWorkspace, run: str) -> None:
    update = (
        "mutation($run: ID!, $data: UpdateTrainingPipelineInput!)"
        " {updateTrainingPipeline(modelRun: {id: $run}, data: $data) {status}}"
    )
    read = "query($run: ID!) {trainingPipeline(where: {id: $run}) {status errorMessage metadata}}"
    state = {"status": "FAILED", "errorMessage": "an example error", "metadata": {"key": "value"}}
    assert ask_in(workspace, update, run=run, data=state)["updateTrainingPipeline"] == {"status": "FAILED"}
    assert ask_in(workspace, read, run=run)["trainingPipeline"] == state
    ask_in(workspace, update, run=run, data={"status": "COMPLETE", "metadata": {"other": "value"}})  # test_model_run.py
    metadata = {"key": "value", "other": "value"}
    assert ask_in(workspace, read, run=run)["trainingPipeline"] == state | {"status": "COMPLETE", "metadata": metadata}


@pytest.mark.known("client")
def test_runs_and_models_are_deleted(workspace: MockWorkspace, run: str) -> None:
    delete_run = "mutation($ids: ID!) {deleteModelRuns(where: {ids: [$ids]})}"
    delete_model = "mutation($ids: ID!) {deleteModels(where: {ids: [$ids]})}"
    model = ask_in(workspace, "query($id: ID!) {modelRun(where: {id: $id}) {modelId}}", id=run)["modelRun"]["modelId"]
    ask_in(workspace, delete_run, ids=run)
    assert ask_in(workspace, "query($id: ID!) {model(where: {id: $id}) {modelRuns {id}}}", id=model)["model"] == {
        "modelRuns": []
    }
    ask_in(workspace, delete_model, ids=model)
    assert "does not exist" in refuse(workspace, delete_model, ids=model)
    assert "does not exist" in refuse(workspace, delete_run, ids=run)
    assert "does not exist" in refuse(workspace, CREATE_RUN, name="second", modelId=model)
    assert "not empty" in refuse(workspace, CREATE_MODEL, name=" ", ontology="nobody")
    assert "does not exist" in refuse(workspace, CREATE_MODEL, name="new", ontology="nobody")
