"""Configurations of models that answer in chats, and slices that clients create."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.rules.api.uploading import refuse
from contract_tests.serving import ServedWorld
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
    assert ask_in(workspace, REMOVE, id=link)["deleteProjectModelConfig"] == {"success": True}
    assert ask_in(workspace, LIST, id=chat)["project"]["projectModelConfigs"] == []
    assert ask_in(workspace, COMPLETE, projectId=chat)["setProjectModelSetupComplete"] == {"modelSetupComplete": True}
    assert ask_in(workspace, LIST, id=chat)["project"]["modelSetupComplete"] is True
    assert refuse(workspace, ADD, **variables) == (
        "Cannot create model config for project because model setup is complete"
    )
    assert ask_in(workspace, DELETE, id=config["id"])["deleteModelConfig"] == {"success": True}


@pytest.mark.known("client")
def test_a_config_that_is_deleted_leaves_its_projects(workspace: MockWorkspace) -> None:
    """SDK tests conftest.py 7.17.0 `model_config`."""
    config = ask_in(workspace, CREATE, modelId="some model", inferenceParams={}, name="mine")["createModelConfig"]
    chat = workspace.project("chat")
    ask_in(workspace, ADD, projectId=chat, modelConfigId=config["id"])
    assert ask_in(workspace, DELETE, id=config["id"])["deleteModelConfig"] == {"success": True}
    assert ask_in(workspace, LIST, id=chat)["project"]["projectModelConfigs"] == []


@pytest.mark.known("client")
def test_until_2024_07_any_project_has_model_configs(server: ServedWorld) -> None:
    """SDK tests test_project_model_config.py 3.72.2."""
    workspace = server.workspace(payload_date="2024-06-10")
    image = workspace.project("image")
    config = ask_in(workspace, CREATE, modelId="some model", inferenceParams={}, name="mine")["createModelConfig"]
    added = ask_in(workspace, ADD, projectId=image, modelConfigId=config["id"])["createProjectModelConfig"]
    assert ask_in(workspace, REMOVE, id=added["projectModelConfigId"])["deleteProjectModelConfig"] == {"success": True}


@pytest.mark.known("client")
def test_only_projects_with_live_chats_complete_their_models(workspace: MockWorkspace) -> None:
    """SDK tests test_project_set_model_setup_complete.py 7.17.0."""
    image = workspace.project("image")
    config = ask_in(workspace, CREATE, modelId="some model", inferenceParams={}, name="mine")["createModelConfig"]
    assert "has no live chats" in refuse(workspace, ADD, projectId=image, modelConfigId=config["id"])
    [error] = answer_in(workspace, COMPLETE, projectId=image)["errors"]
    assert error["message"] == "Only live model chat evaluation projects can complete model setup"
    assert error["extensions"]["code"] == "OPERATION_NOT_ALLOWED"


@pytest.mark.known("client")
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_a_slice_lists_its_data_rows_in_its_own_order(workspace: MockWorkspace, direction: str) -> None:
    """SDK tests test_slice.py 7.17.0."""
    field = {"field": "dataRowCreatedAt", "verboseName": "Created At"}
    sorting = [{"field": field, "direction": direction, "metadataSchemaId": None}]
    plain = ask_in(workspace, SLICE, name="plain", terms=[])["createCatalogSavedQuery"]
    sorted_ = ask_in(workspace, SLICE, name="sorted", terms=[], sorting=sorting)["createCatalogSavedQuery"]
    assert (plain["sorting"], sorted_["sorting"]) == (None, sorting)
    expected = list_rows(workspace, plain["id"], 1_000)
    assert list_rows(workspace, sorted_["id"], 7) == (expected if direction == "ASC" else expected[::-1])


def list_rows(workspace: MockWorkspace, slice_id: str, size: int) -> list[str]:
    """The ids of all data rows of a slice, page by page."""
    find = (
        "query($input: SavedQueryInput!) {getDataRowIdentifiersBySavedQuery(input: $input)"
        " {nodes {id} pageInfo {endCursor hasNextPage}}}"
    )
    rows: list[str] = []
    after = None
    while True:
        page_of = {"savedQueryId": slice_id, "first": size, "after": after}
        page = ask_in(workspace, find, input=page_of)["getDataRowIdentifiersBySavedQuery"]
        rows += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return rows


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
