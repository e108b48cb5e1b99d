"""Apps of the model catalog: records, and model runs that they fill with predictions."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.uploading import refuse, wait_for_task
from mockserver.testing import MockWorkspace

FIELDS = "id modelId name description inferenceParams classToSchemaId ontologyId createdBy"
CREATE = (
    "mutation CreateFoundryAppPyApi($name: String!, $modelId: ID!, $ontologyId: ID!, $description: String,"
    " $inferenceParams: Json!, $classToSchemaId: Json!){createModelFoundryApp(input: {name: $name modelId: $modelId"
    " ontologyId: $ontologyId description: $description inferenceParams: $inferenceParams"
    f" classToSchemaId: $classToSchemaId}}) {{{FIELDS}}}}}"
)
READ = f"query GetFoundryAppByIdPyApi($id: ID!) {{findModelFoundryApp(where: {{id: $id}}) {{{FIELDS}}}}}"
DELETE = "mutation DeleteFoundryAppPyApi($id: ID!) {deleteModelFoundryApp(id: $id) {success}}"
RUN = (
    "mutation CreateModelJobPyApi($input: CreateModelJobForDataRowsInput!) {createModelJobForDataRows(input: $input)"
    " {taskId __typename}}"
)
RUN_QUERY = (
    "mutation CreateModelJobPyApi($input: CreateModelJobInput!) {createModelJob(input: $input) {taskId __typename}}"
)
MODEL_RUN = "query($id: ID!) {modelRun(where: {id: $id}) {id name modelId modelAppId trainingMetadata}}"
INFO = "query($id: ID!) {modelFoundryModelRunInfo(where: {modelRunId: $id}) {cost status totalDataRows}}"
YOLO = "c8a5b29a-cdba-408a-803a-a605a95631c2"


@pytest.fixture
def settings(workspace: MockWorkspace) -> dict[str, Any]:
    read = "query($id: ID!) {project(where: {id: $id}) {ontology {id normalized}}}"
    ontology = ask_in(workspace, read, id=workspace.project("image"))["project"]["ontology"]
    [car] = [tool for tool in ontology["normalized"]["tools"] if tool["name"] == "Car"]
    return {
        "modelId": YOLO, "name": "cars", "description": "Finds cars", "inferenceParams": {"confidence": 0.8},
        "classToSchemaId": {"car": car["featureSchemaId"]}, "ontologyId": ontology["id"],
    }  # fmt: skip


def create(workspace: MockWorkspace, settings: dict[str, Any]) -> dict[str, Any]:
    return dict(ask_in(workspace, CREATE, **settings)["createModelFoundryApp"])


@pytest.mark.known("client")
def test_an_app_is_created_read_and_deleted(workspace: MockWorkspace, settings: dict[str, Any]) -> None:
    """SDK foundry_client.py 7.17.0, tests test_foundry.py."""
    app = create(workspace, settings)
    owner = ask_in(workspace, "{user {id}}")["user"]["id"]
    assert app == settings | {"id": app["id"], "createdBy": owner}
    assert ask_in(workspace, READ, id=app["id"])["findModelFoundryApp"] == app
    assert ask_in(workspace, DELETE, id=app["id"])["deleteModelFoundryApp"] == {"success": True}
    assert "not found" in refuse(workspace, READ, id=app["id"])
    assert "does not exist" in refuse(workspace, DELETE, id=app["id"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": " "}, "not empty"),
        ({"ontologyId": "nobody"}, "does not exist"),
        ({"inferenceParams": 7}, "inferenceParams is '7'; expected an object"),
        ({"classToSchemaId": {"car": 7}}, "expected ids of feature schemas"),
        ({"inferenceParams": {"much": "x" * 1_000_000}}, "at most 1,000,000 are kept"),
    ],
)
def test_wrong_apps_are_refused(
    workspace: MockWorkspace, settings: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    assert words in refuse(workspace, CREATE, **(settings | change))


@pytest.mark.known("client")
@pytest.mark.parametrize("by_key", [True, False])
def test_an_app_fills_a_model_run_with_predictions(
    workspace: MockWorkspace, settings: dict[str, Any], by_key: bool
) -> None:
    """SDK foundry_client.py run_app, tests test_foundry.py: `metadata["modelRunId"]` of its task."""
    app = create(workspace, settings)
    rows = [row["data_row"] for row in workspace.expected_rows("image")][:5]
    chosen = (
        {"globalKeys": [row["global_key"] for row in rows]} if by_key else {"dataRowIds": [row["id"] for row in rows]}
    )
    sent = {key: settings[key] for key in ("modelId", "classToSchemaId", "inferenceParams", "ontologyId")}
    sent |= {"name": "first run", "modelAppId": app["id"]} | chosen
    answer = ask_in(workspace, RUN, input=sent)["createModelJobForDataRows"]
    task = wait_for_task(workspace, answer["taskId"])
    assert (task["status"], task["name"]) == ("COMPLETE", "first run")
    run = ask_in(workspace, MODEL_RUN, id=task["metadata"]["modelRunId"])["modelRun"]
    assert (run["name"], run["modelAppId"]) == ("first run", app["id"])
    assert ask_in(workspace, INFO, id=run["id"])["modelFoundryModelRunInfo"] == {
        "cost": 0.0, "status": "COMPLETE", "totalDataRows": 5,
    }  # fmt: skip
    exported = workspace.expected_rows(model_run=run["id"], params={"predictions": True})
    assert {row["data_row"]["id"] for row in exported} == {row["id"] for row in rows}
    predictions = [
        prediction["annotations"]
        for row in exported
        for experiment in row["experiments"].values()
        for run_of_row in experiment["runs"].values()
        for prediction in run_of_row["predictions"]
    ]
    objects = [item for annotations in predictions for item in annotations["objects"]]
    assert {item["name"] for item in objects} == {"Car"}
    assert all(item["confidence"] >= 0.8 for item in objects)
    assert not [item for annotations in predictions for item in annotations["classifications"]]


@pytest.mark.known("client")
def test_an_app_runs_on_what_a_search_finds(workspace: MockWorkspace, settings: dict[str, Any]) -> None:
    """SDK foundry_client.py 3.60.0."""
    keys = [row["data_row"]["global_key"] for row in workspace.expected_rows("image")][:3]
    sent = {key: settings[key] for key in ("modelId", "classToSchemaId", "inferenceParams", "ontologyId")}
    term = {"type": "global_key", "operator": "is", "ids": keys}
    query = sent | {"name": "by search", "searchQuery": {"query": [term], "scope": None}}
    task = wait_for_task(workspace, ask_in(workspace, RUN_QUERY, input=query)["createModelJob"]["taskId"])
    exported = workspace.expected_rows(model_run=task["metadata"]["modelRunId"])
    assert sorted(row["data_row"]["global_key"] for row in exported) == sorted(keys)
    assert "expected an object with a list query" in refuse(workspace, RUN_QUERY, input=query | {"searchQuery": 7})
    wrong_term = query | {"searchQuery": {"query": [7]}}
    assert "has the term 7; expected an object with a type" in refuse(workspace, RUN_QUERY, input=wrong_term)


def test_data_rows_and_apps_that_do_not_exist_are_refused(workspace: MockWorkspace, settings: dict[str, Any]) -> None:
    sent = {key: settings[key] for key in ("modelId", "classToSchemaId", "inferenceParams", "ontologyId")}
    sent |= {"name": "run"}
    assert "invalid-global-key" in refuse(workspace, RUN, input=sent | {"globalKeys": ["invalid-global-key"]})
    assert "No data row was sent" in refuse(workspace, RUN, input=sent)
    [row, *_] = [row["data_row"]["id"] for row in workspace.expected_rows("image")]
    for key, value in (("inferenceParams", [1]), ("classToSchemaId", "car"), ("classToSchemaId", {"car": {"a": 1}})):
        assert key in refuse(workspace, RUN, input=sent | {"dataRowIds": [row], key: value})
    assert "does not exist" in refuse(workspace, RUN, input=sent | {"dataRowIds": [row], "modelAppId": "nobody"})
    models = ask_in(workspace, "{models {name}}")["models"]
    assert "run" not in {model["name"] for model in models}
