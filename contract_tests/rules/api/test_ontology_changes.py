"""Ontologies and feature schemas, created and changed by GraphQL and by REST, in the words of the SDK's own tests."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from contract_tests.rules.api.asking import ask_in
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

POINT = {"tool": "point", "name": "name", "color": "#ff0000", "required": False, "featureSchemaId": None}
RADIO = {
    "type": "radio",
    "instructions": "How?",
    "name": "How?",
    "options": [{"label": "well", "value": "well", "options": [{"type": "text", "name": "Why?"}]}, {"value": "badly"}],
}
pytestmark = pytest.mark.known("client")


@pytest.fixture
def world(server: ServedWorld) -> Iterator[MockWorkspace]:
    own = server.workspace(scenario="empty")
    yield own
    own.delete()


def rest(world: MockWorkspace, method: str, path: str, body: object = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {world.api_key}"}
    return requests.request(method, f"{world.rest_url}/{path}", headers=headers, json=body, timeout=30)


def message(answer: requests.Response) -> str:
    return str(answer.json()["message"])


@pytest.mark.parametrize(
    ("tool", "sent", "rest"),
    [
        ("step-reasoning", {"variants": [], "version": 1}, {"variants": [], "version": 1}),
        ("fact-checking", {"variants": [{"id": 0}], "version": 1}, {"variants": [{"id": 0}], "version": 1}),
        ("prompt-issue", None, {"color": "#ff00ff"}),
    ],
)
def test_a_tool_that_judges_messages_is_named_in_its_definition(
    world: MockWorkspace, tool: str, sent: object, rest: dict[str, object]
) -> None:
    """SDK tests test_ontology.py 7.17.0."""
    feature = create_feature(world, {"tool": tool, "name": "My tool", "definition": sent})
    definition = read_feature(world, feature)["normalized"]["definition"]
    assert definition == {"title": "My tool", "value": "my_tool", **rest}


def create_feature(world: MockWorkspace, feature: object = POINT) -> str:
    answer = rest(world, "PUT", "feature-schemas/new_feature_schema_id", {"normalized": json.dumps(feature)})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["schemaId"])


def read_feature(world: MockWorkspace, feature_id: str) -> Any:
    document = "query($id: ID!) {rootSchemaNode(where: {featureSchemaId: $id}) {name normalized id}}"
    return ask_in(world, document, id=feature_id)["rootSchemaNode"]


def create_ontology(world: MockWorkspace, *features: object, name: str = "mine", media: str | None = "IMAGE") -> Any:
    tools = [feature for feature in features if "tool" in str(feature)]
    normalized = {"tools": tools, "classifications": [feature for feature in features if feature not in tools]}
    document = "mutation($data: UpsertOntologyInput!) {upsertOntology(data: $data) {id name mediaType normalized}}"
    data = {"name": name, "normalized": json.dumps(normalized), "mediaType": media}
    return ask_in(world, document, data=data)["upsertOntology"]


def read_ontology(world: MockWorkspace, ontology_id: str) -> Any:
    return ask_in(world, "query($id: ID!) {ontology(where: {id: $id}) {normalized}}", id=ontology_id)["ontology"]


def test_an_ontology_gets_ids_for_every_feature_and_keeps_what_was_sent(world: MockWorkspace) -> None:
    ontology = create_ontology(world, POINT, RADIO | {"uiMode": "hotkey"})
    [tool], [question] = ontology["normalized"]["tools"], ontology["normalized"]["classifications"]
    features = [tool, question, *question["options"], question["options"][0]["options"][0]]
    ids = {feature[key] for feature in features for key in ("featureSchemaId", "schemaNodeId")}
    assert (len(ids), {len(each) for each in ids}) == (10, {25})
    assert (tool["name"], tool["color"], question["uiMode"]) == ("name", "#ff0000", "hotkey")
    assert [option["label"] for option in question["options"]] == ["well", "badly"]
    assert read_ontology(world, ontology["id"])["normalized"] == ontology["normalized"]


def test_a_feature_schema_is_created_alone_and_reused_in_ontologies(world: MockWorkspace) -> None:
    feature_id = create_feature(world)
    feature = read_feature(world, feature_id)["normalized"]
    [tool] = create_ontology(world, feature)["normalized"]["tools"]
    assert tool == feature
    assert rest(world, "GET", "feature-schemas/unused", {"after": None}).json() == []


def test_a_feature_schema_can_be_deleted_when_no_ontology_has_it(world: MockWorkspace) -> None:
    feature_id = create_feature(world)
    ontology = create_ontology(world, read_feature(world, feature_id)["normalized"])
    refused = rest(world, "DELETE", f"feature-schemas/{feature_id}")
    assert message(refused) == "Feature schema cannot be deleted because it is used in ontologies"
    assert rest(world, "DELETE", f"ontologies/{ontology['id']}").status_code == 204
    assert rest(world, "GET", "feature-schemas/unused").json() == [feature_id]
    assert rest(world, "DELETE", f"feature-schemas/{feature_id}").status_code == 204
    assert message(rest(world, "DELETE", f"feature-schemas/{feature_id}")) == "Feature schema is already deleted"
    unknown = "Cannot find root schema node with feature schema id doesntexist"
    assert message(rest(world, "DELETE", "feature-schemas/doesntexist")) == unknown


def test_an_ontology_of_a_project_cannot_be_deleted(world: MockWorkspace) -> None:
    ontology = create_ontology(world, POINT)
    project = ask_in(world, 'mutation {createProject(data: {name: "p", allowedMediaType: IMAGE}) {id}}')
    project_id = project["createProject"]["id"]
    connect = "mutation($p: ID!, $o: ID!) {project(where: {id: $p}) {connectOntology(ontologyId: $o) {id}}}"
    ask_in(world, connect, p=project_id, o=ontology["id"])
    words = "Cannot delete an ontology connected to a project. The ontology is connected to projects: " + project_id
    assert message(rest(world, "DELETE", f"ontologies/{ontology['id']}")) == words


def test_a_new_title_is_that_of_all_copies_and_the_value_stays(world: MockWorkspace) -> None:
    feature_id = create_feature(world)
    ontology = create_ontology(world, read_feature(world, feature_id)["normalized"])
    assert rest(world, "PATCH", f"feature-schemas/{feature_id}/definition", {"title": "new title"}).status_code == 200
    [tool] = read_ontology(world, ontology["id"])["normalized"]["tools"]
    assert (tool["name"], tool["value"]) == ("new title", "name")
    assert read_feature(world, feature_id)["normalized"] == tool
    bodies: list[object] = [{"title": ""}, {"title": 5}, {}, []]
    for body in bodies:
        answer = rest(world, "PATCH", f"feature-schemas/{feature_id}/definition", body)
        assert (answer.status_code // 100, "expected" in message(answer) or "send" in message(answer)) == (4, True)
    assert rest(world, "PATCH", "feature-schemas/doesntexist/definition", {"title": "x"}).status_code == 404


def test_a_feature_schema_is_replaced(world: MockWorkspace) -> None:
    feature_id = create_feature(world)
    new = json.dumps(POINT | {"name": "new name", "featureSchemaId": feature_id})
    assert rest(world, "PUT", f"feature-schemas/{feature_id}", {"normalized": new}).json() == {"schemaId": feature_id}
    assert read_feature(world, feature_id)["name"] == "new name"


def test_a_feature_is_inserted_moved_and_taken_out(world: MockWorkspace) -> None:
    ontology_id = create_ontology(world, POINT | {"name": "one"}, POINT | {"name": "two"})["id"]
    feature_id = create_feature(world)
    for position in (1, 0, 7):
        address = f"ontologies/{ontology_id}/feature-schemas/{feature_id}"
        assert rest(world, "POST", address, {"position": position}).status_code == 201
        names = [tool["name"] for tool in read_ontology(world, ontology_id)["normalized"]["tools"]]
        assert (names.index("name"), len(names)) == (min(position, 2), 3)
    assert rest(world, "DELETE", address).json() == {"archived": False, "deleted": True}
    assert len(read_ontology(world, ontology_id)["normalized"]["tools"]) == 2
    missing = rest(world, "PATCH", f"ontologies/{ontology_id}/feature-schemas/nobody/unarchive")
    assert message(missing) == "Failed to find feature schema node by id: nobody"
    missing = rest(world, "PATCH", f"ontologies/nobody/feature-schemas/{feature_id}/unarchive")
    assert message(missing) == "Failed to find ontology by id: nobody"


def test_a_feature_of_labels_is_archived_and_comes_back(workspace: MockWorkspace) -> None:
    project = workspace.projects["image"]
    document = "query($id: ID!) {project(where: {id: $id}) {ontology {id normalized}}}"
    ontology = ask_in(workspace, document, id=project)["project"]["ontology"]
    feature_id = ontology["normalized"]["tools"][0]["featureSchemaId"]
    address = f"ontologies/{ontology['id']}/feature-schemas/{feature_id}"
    assert rest(workspace, "DELETE", address).json() == {"archived": True, "deleted": False}
    for archived in (True, False):
        nodes = rest(workspace, "GET", f"ontologies/{ontology['id']}").json()["featureSchemaNodes"]["tools"]
        assert [node["archived"] for node in nodes if node["featureSchemaId"] == feature_id] == [archived]
        assert rest(workspace, "PATCH", f"{address}/unarchive").json() == {"unarchived": True}


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        ({"tool": "rectangel", "name": "x"}, 'expected one of "rectangle"'),
        ({"tool": "point"}, "name is None"),
        ({"tool": "point", "name": "x", "classifications": {}}, "classifications is {}; expected a list"),
        ({"tool": "point", "name": "x", "classifications": [7]}, "classifications[0] is 7"),
        ({"type": "radio", "name": "x"}, "options is empty"),
        ({"type": "radio", "name": "x", "options": [{}]}, "options[0].value is None"),
        ({"name": "x"}, "expected tool, or type of a question"),
        ({"tool": "point", "name": "x", "featureSchemaId": "nobody"}, "'nobody', which no ontology"),
        ([], "expected an object"),
    ],
)
def test_a_wrong_feature_is_named_with_its_path_and_changes_nothing(
    world: MockWorkspace, feature: object, words: str
) -> None:
    answer = rest(world, "PUT", "feature-schemas/new_feature_schema_id", {"normalized": json.dumps(feature)})
    assert (answer.status_code, words in message(answer)) == (400, True), message(answer)
    assert rest(world, "GET", "feature-schemas/unused").json() == []


def test_the_options_of_an_editor_create_the_ontology_of_its_project(world: MockWorkspace) -> None:
    ask_in(world, 'mutation {createProject(data: {name: "p", allowedMediaType: IMAGE}) {id}}')
    data = ask_in(world, '{projects {id} labelingFrontends(where: {name: "Editor"}) {id}}')
    ids = data["projects"][0]["id"], data["labelingFrontends"][0]["id"]
    options = json.dumps({"tools": [POINT], "classifications": []})
    document = """mutation($p: ID!, $f: ID!, $o: String!) {createLabelingFrontendOptions(data:
        {project: {connect: {id: $p}} labelingFrontend: {connect: {id: $f}} customizationOptions: $o}) {id}}"""
    ask_in(world, document, p=ids[0], f=ids[1], o=options)
    ontology = ask_in(world, f'{{project(where: {{id: "{ids[0]}"}}) {{ontology {{normalized}}}}}}')["project"]
    assert [tool["name"] for tool in ontology["ontology"]["normalized"]["tools"]] == ["name"]
