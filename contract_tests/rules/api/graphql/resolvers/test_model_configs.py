"""Configurations of models that answer in chats, and slices that clients create."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.rules.api.uploading import refuse
from mockserver.testing import MockWorkspace

CREATE = (
    "mutation CreateModelConfigPyApi($modelId: ID!, $inferenceParams: Json!, $name: String!) {createModelConfig("
    "input: {modelId: $modelId, inferenceParams: $inferenceParams, name: $name}) {modelId inferenceParams id name}}"
)
DELETE = "mutation DeleteModelConfigPyApi($id: ID!) {deleteModelConfig(input: {id: $id}) {success}}"
ADD = (
    "mutation CreateProjectModelConfigPyApi($projectId: ID!, $modelConfigId: ID!, $responseCount: Int) {"
    "createProjectModelConfig(input: {projectId: $projectId, modelConfigId: $modelConfigId,"
    " responseCount: $responseCount}) {projectModelConfigId}}"
)
REMOVE = "mutation DeleteProjectModelConfigPyApi($id: ID!) {deleteProjectModelConfig(input: {id: $id}) {success}}"
COMPLETE = (
    "mutation SetProjectModelSetupCompletePyApi($projectId: ID!) {setProjectModelSetupComplete("
    "where: {id: $projectId}, data: {modelSetupComplete: true}) {modelSetupComplete}}"
)
LIST = (
    "query ProjectModelConfigsPyApi($id: ID!) {project(where: {id : $id}) {modelSetupComplete projectModelConfigs"
    " {id modelConfigId modelConfig {id modelId inferenceParams} projectId}}}"
)
SLICE = (
    "mutation CreateCatalogSlicePyApi($name: String!, $description: String, $terms: SearchServiceQuery!,"
    " $sorting: [SearchServiceSorting!]) {createCatalogSavedQuery(args: {name: $name, description: $description,"
    " filter: $terms, sorting: $sorting}) {id name description filter sorting catalogCount {count}}}"
)


@pytest.mark.known("client")
def test_configs_are_given_to_a_project_until_it_is_complete(workspace: MockWorkspace) -> None:
    """SDK client.py create_model_config, project.py add_model_config."""
    params = {"temperature": 0.5}
    config = ask_in(workspace, CREATE, modelId="some model", inferenceParams=params, name="mine")["createModelConfig"]
    assert (config["modelId"], config["inferenceParams"], config["name"]) == ("some model", params, "mine")
    chat = workspace.project("chat")
    variables = {"projectId": chat, "modelConfigId": config["id"]}
    link = ask_in(workspace, ADD, **variables)["createProjectModelConfig"]["projectModelConfigId"]
    project = ask_in(workspace, LIST, id=chat)["project"]
    assert project["modelSetupComplete"] is None
    [listed] = project["projectModelConfigs"]
    assert (listed["id"], listed["projectId"], listed["modelConfig"]["inferenceParams"]) == (link, chat, params)
    assert "already" in refuse(workspace, ADD, **variables)
    assert "used by a project" in refuse(workspace, DELETE, id=config["id"])
    assert ask_in(workspace, REMOVE, id=link)["deleteProjectModelConfig"] == {"success": True}
    assert ask_in(workspace, LIST, id=chat)["project"]["projectModelConfigs"] == []
    assert ask_in(workspace, COMPLETE, projectId=chat)["setProjectModelSetupComplete"] == {"modelSetupComplete": True}
    assert ask_in(workspace, LIST, id=chat)["project"]["modelSetupComplete"] is True
    assert "is complete" in refuse(workspace, ADD, **variables)
    assert ask_in(workspace, DELETE, id=config["id"])["deleteModelConfig"] == {"success": True}


@pytest.mark.known("client")
@pytest.mark.parametrize("document", [DELETE, REMOVE])
def test_a_config_that_does_not_exist_is_not_found(workspace: MockWorkspace, document: str) -> None:
    [error] = answer_in(workspace, document, id="nobody")["errors"]
    assert error["extensions"]["code"] == "RESOURCE_NOT_FOUND"


@pytest.mark.known("client")
def test_a_slice_is_created_counted_and_deleted(workspace: MockWorkspace) -> None:
    """SDK tests of slices 7.17.0."""
    term = {"type": "media_attribute_asset_type", "assetType": {"type": "asset_type", "assetTypes": ["image"]}}
    created = ask_in(workspace, SLICE, name="new", description="words", terms=[term])["createCatalogSavedQuery"]
    rows = "query($id: ID!) {dataset(where: {id: $id}) {rowCount}}"
    count = ask_in(workspace, rows, id=workspace.dataset("image rows"))["dataset"]["rowCount"]
    assert (created["filter"], created["sorting"], created["catalogCount"]) == ([term], None, {"count": count})
    find = "query($input: SavedQueryInput!) {getDataRowIdentifiersBySavedQuery(input: $input) {totalCount}}"
    answer = ask_in(workspace, find, input={"savedQueryId": created["id"]})["getDataRowIdentifiersBySavedQuery"]
    assert answer == {"totalCount": count}
    delete = "mutation($id: ID!) {deleteSavedQuery(args: {id: $id}) {success}}"
    assert ask_in(workspace, delete, id=created["id"]) == {"deleteSavedQuery": {"success": True}}
    assert "does not exist" in refuse(workspace, find, input={"savedQueryId": created["id"]})


@pytest.mark.parametrize(
    "settings",
    [
        {"name": " "}, {"terms": {}}, {"terms": [{"type": "unknown"}]}, {"sorting": [{"field": "createdAt"}]},
        {"terms": [{"type": "media_attribute_asset_type", "assetType": {"assetTypes": []}}]}, {"terms": [3]},
    ],
)  # fmt: skip
def test_another_slice_is_refused(workspace: MockWorkspace, settings: dict[str, Any]) -> None:
    before = ask_in(workspace, "{catalogSavedQueries {id}}")
    assert refuse(workspace, SLICE, **{"name": "new", "terms": [], **settings})
    assert ask_in(workspace, "{catalogSavedQueries {id}}") == before
