"""Mutations: each is one change of the world, or an error and no change."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from contract_tests.rules.api.asking import answer_in, ask, ask_in, export_project, rows_of
from contract_tests.serving import ServedWorld


@pytest.fixture(scope="module")
def own() -> Iterator[ServedWorld]:
    """A server whose world these tests may change."""
    with ServedWorld() as world:
        yield world


def create_project(own: ServedWorld, **data: object) -> Any:
    document = "mutation($data: ProjectData!){createProject(data: $data){id name description setupComplete queueMode}}"
    return ask(own, document, {"data": {"name": "new"} | data}).data["createProject"]


@pytest.mark.known("client")
@pytest.mark.parametrize("name", ["plain", "🙂", "שלום", "line\u2028", 'quote"', "x" * 5000, "'; DROP TABLE project"])
def test_a_project_is_created_with_the_name_it_is_given(own: ServedWorld, name: str) -> None:
    project = create_project(own, name=name)
    assert (
        ask(own, "query($id: ID!){project(where: {id: $id}){name}}", {"id": project["id"]}).data["project"]["name"]
        == name
    )


def test_a_new_project_may_say_that_it_is_not_deleted(own: ServedWorld) -> None:
    assert create_project(own, deleted=False)["name"] == "new"


@pytest.mark.known("client")
def test_a_model_evaluation_project_without_data_rows_is_created_as_sdks_send_it(own: ServedWorld) -> None:
    """SDK client.create_model_evaluation_project, 6.0 and later."""
    project = create_project(
        own,
        allowedMediaType="CONVERSATIONAL",
        editorTaskType="MODEL_CHAT_EVALUATION",
        appendToExistingDataset=False,
    )
    assert project["name"] == "new"


@pytest.mark.known("client")
@pytest.mark.parametrize("appends", [True, False])
def test_a_model_evaluation_project_begins_with_data_rows(own: ServedWorld, *, appends: bool) -> None:
    """SDK client.create_model_evaluation_project: in a new dataset, or in one that exists. The rows have global keys
    (annotation_import/conftest.py, 6.0.0)."""
    name = "chats" if appends else "new chats"
    if appends:
        ask(own, "mutation($name: String!) {createDataset(data: {name: $name}) {id}}", {"name": name})
    rows = {"datasetNameOrId": name, "dataRowCount": 3, "appendToExistingDataset": appends}
    project = create_project(own, name="evaluation", editorTaskType="MODEL_CHAT_EVALUATION", **rows)
    document = (
        "query($id: ID!) {project(where: {id: $id}) {dataRowCount datasets {id name rowCount} batches {nodes {size}}}}"
    )
    read_project = ask(own, document, {"id": project["id"]}).data["project"]
    dataset = read_project["datasets"][0].pop("id")
    read = ask(own, "query($id: ID!) {datasetDataRows(id: $id, first: 5) {nodes {globalKey}}}", {"id": dataset})
    keys = {row["globalKey"] for row in read.data["datasetDataRows"]["nodes"]}
    assert (len(keys), all(keys)) == (3, True)
    assert read_project == {
        "dataRowCount": 3, "datasets": [{"name": name, "rowCount": 3}], "batches": {"nodes": [{"size": 3}]},
    }  # fmt: skip


@pytest.mark.parametrize(
    "rows",
    [
        {"dataRowCount": 1},
        {"datasetNameOrId": "new"},
        {"dataRowCount": 0, "datasetNameOrId": "new"},
        {"dataRowCount": 1_000_000, "datasetNameOrId": "new"},
        {"dataRowCount": 1, "datasetNameOrId": "nobody", "appendToExistingDataset": True},
    ],
)
def test_other_first_rows_are_refused_and_leave_no_project(own: ServedWorld, rows: dict[str, object]) -> None:
    document = "mutation($data: ProjectData!) {createProject(data: $data) {id}}"
    refused = ask(own, document, {"data": {"name": "refused evaluation"} | rows})
    assert refused.code in {"BAD_USER_INPUT", "RESOURCE_NOT_FOUND"}
    projects = ask(own, '{projects(where: {name: "refused evaluation"}) {id}}').data["projects"]
    assert projects == []


@pytest.mark.parametrize("name", ["", " ", None])
@pytest.mark.parametrize("kind", ["Project", "Dataset"])
def test_nothing_is_created_without_a_name(own: ServedWorld, kind: str, name: str | None) -> None:
    document = f"mutation($data: {kind}Data!){{create{kind}(data: $data){{id}}}}"
    assert ask(own, document, {"data": {"name": name}}).code == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("document", "data"),
    [
        ("mutation($data: ProjectData!){createProject(data: $data){id}}", {"name": "x" * 10_001}),
        ("mutation($data: ProjectData!){createProject(data: $data){id}}", {"name": "x", "description": "x" * 10_001}),
        ("mutation($data: DatasetData!){createDataset(data: $data){id}}", {"name": "x" * 10_001}),
        ("mutation($data: DatasetData!){createDataset(data: $data){id}}", {"name": "x", "description": "x" * 10_001}),
    ],
)
def test_a_text_that_is_too_long_to_be_listed_is_refused(own: ServedWorld, document: str, data: dict[str, str]) -> None:
    refused = ask(own, document, {"data": data})
    assert refused.code == "BAD_USER_INPUT"
    assert len(refused.message) < 200


@pytest.mark.parametrize("kind", ["Project", "Dataset"])
@pytest.mark.parametrize("data", [{"name": "a\0b"}, {"name": "x", "description": "\0"}])
def test_a_text_with_the_character_nul_is_refused_whatever_keeps_the_state(
    own: ServedWorld, kind: str, data: dict[str, str]
) -> None:
    refused = ask(own, f"mutation($data: {kind}Data!){{create{kind}(data: $data){{id}}}}", {"data": data})
    assert (refused.code, "the character NUL" in refused.message) == ("BAD_USER_INPUT", True)


@pytest.mark.known("client")
def test_deleting_is_updating(own: ServedWorld) -> None:
    """Wire trap 25."""
    project = create_project(own)
    delete = (
        "mutation deleteProjectPyApi($ProjectId: ID!)"
        "{updateProject(where: {id: $ProjectId} data: {deleted: true}) {id}}"
    )
    assert ask(own, delete, {"ProjectId": project["id"]}).data == {"updateProject": {"id": project["id"]}}
    assert ask(own, delete, {"ProjectId": project["id"]}).code == "RESOURCE_NOT_FOUND"
    assert (
        ask(own, "query($id: ID!){project(where: {id: $id}){id}}", {"id": project["id"]}).code == "RESOURCE_NOT_FOUND"
    )


@pytest.mark.parametrize(
    "change",
    [
        'updateProject(where: {}, data: {name: "x"}) {id}',
        'updateDataset(where: {id: null}, data: {name: "x"}) {id}',
        'project(where: {}) {connectOntology(ontologyId: "x") {id}}',
        'updateLabel(where: {}, data: {label: "{}"}) {id}',
        "updateUser(where: {}, data: {deleted: true}) {id}",
        "cancelInvite(where: {}) {id}",
        "deleteUserGroup(where: {}) {success}",
        'updateAwsIamIntegration(where: {}, data: {name: "n", roleArn: "r"}) {id}',
        "setDefaultIamIntegration(where: {}) {id}",
        "clearSignerForDataset(where: {id: null}) {id}",
        "deleteDataRowAttachment(where: {}) {id}",
    ],
)
def test_a_change_without_an_id_changes_nothing(own: ServedWorld, change: str) -> None:
    answer = ask(own, f"mutation {{{change}}}")
    assert answer.code == "BAD_USER_INPUT"
    assert f"{change.partition('(')[0]} was sent without where.id" in answer.message


def test_an_ontology_is_connected_to_a_project_and_an_unknown_one_is_not(own: ServedWorld) -> None:
    project = create_project(own)
    document = "mutation($p: ID!, $o: ID!){project(where: {id: $p}){connectOntology(ontologyId: $o){ontology{id}}}}"
    ontology = ask(own, "{ontologies{nodes{id}}}").data["ontologies"]["nodes"][0]["id"]
    connected = ask(own, document, {"p": project["id"], "o": ontology}).data["project"]["connectOntology"]
    assert connected == {"ontology": {"id": ontology}}
    assert ask(own, document, {"p": project["id"], "o": "nobody"}).code == "RESOURCE_NOT_FOUND"


OPTIONS = (  # as SDKs make them (orm/query.py create)
    "mutation CreateLabelingFrontendOptionsPyApi($project: ID!, $labelingFrontend: ID!, $customizationOptions: String!)"
    "{createLabelingFrontendOptions(data: {project: {connect: {id: $project}} labelingFrontend: {connect: "
    "{id: $labelingFrontend}} customizationOptions: $customizationOptions}) {customizationOptions id}}"
)


@pytest.mark.known("client")
def test_the_options_of_an_editor_stay_as_they_were_sent_until_an_ontology_is_connected(own: ServedWorld) -> None:
    """test_project_setup.py test_project_setup, 3.78.2 to 5.2.1: the text of `json.dumps`."""
    workspace = own.workspace()
    project = ask_in(workspace, 'mutation{createProject(data: {name: "x"}){id}}')["createProject"]["id"]
    [frontend] = ask_in(workspace, "{labelingFrontends{id}}")["labelingFrontends"]
    question = {"type": "radio", "name": "kind", "instructions": "Which?", "options": [{"value": "a", "label": "a"}]}
    sent = json.dumps({"tools": [], "classifications": [question]})
    options = ask_in(workspace, OPTIONS, project=project, labelingFrontend=frontend["id"], customizationOptions=sent)
    assert options["createLabelingFrontendOptions"]["customizationOptions"] == sent
    document = "query($id: ID!){project(where: {id: $id}){labelingFrontendOptions{customizationOptions}}}"
    assert ask_in(workspace, document, id=project)["project"]["labelingFrontendOptions"] == [
        {"customizationOptions": sent}
    ]
    connect = "mutation($p: ID!, $o: ID!){project(where: {id: $p}){connectOntology(ontologyId: $o){id}}}"
    ontology = ask_in(workspace, "{ontologies{nodes{id normalized}}}")["ontologies"]["nodes"][0]
    ask_in(workspace, connect, p=project, o=ontology["id"])
    [connected] = ask_in(workspace, document, id=project)["project"]["labelingFrontendOptions"]
    assert json.loads(connected["customizationOptions"]) == ontology["normalized"]


@pytest.mark.known("client")
def test_empty_options_connect_an_editor(own: ServedWorld) -> None:
    workspace = own.workspace(payload_date="2024-01-01")
    project = ask_in(workspace, 'mutation{createProject(data: {name: "x"}){id}}')["createProject"]["id"]
    [frontend] = ask_in(workspace, "{labelingFrontends{id}}")["labelingFrontends"]
    variables = {"project": project, "labelingFrontend": frontend["id"]}
    empty = '{"tools": [], "classifications": []}'
    options = ask_in(workspace, OPTIONS, **variables, customizationOptions=empty)["createLabelingFrontendOptions"]
    assert len(options["id"]) == 25
    document = "query($id: ID!){project(where: {id: $id}){labelingFrontend{id} ontology{id normalized}}}"
    changed = ask_in(workspace, document, id=project)["project"]
    assert changed["labelingFrontend"] == frontend
    assert [changed["ontology"]["normalized"][key] for key in ("tools", "classifications")] == [[], []]
    ask_in(workspace, OPTIONS, **variables, customizationOptions=empty)
    assert ask_in(workspace, document, id=project)["project"]["ontology"] == changed["ontology"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"customizationOptions": '{"tools": [{"tool": "rectangle", "name": ""}]}'}, "MALFORMED_REQUEST"),
        ({"customizationOptions": "{"}, "MALFORMED_REQUEST"),
        ({"customizationOptions": "[]"}, "MALFORMED_REQUEST"),
        ({"project": "nobody"}, "RESOURCE_NOT_FOUND"),
        ({"labelingFrontend": "nobody"}, "RESOURCE_NOT_FOUND"),
    ],
)
def test_options_of_an_editor_that_cannot_be_made_are_refused(
    own: ServedWorld, changed: dict[str, str], code: str
) -> None:
    [frontend] = ask(own, "{labelingFrontends{id}}").data["labelingFrontends"]
    variables = {"project": own.projects["image"], "labelingFrontend": frontend["id"], "customizationOptions": "{}"}
    assert ask(own, OPTIONS, variables | changed).code == code


def test_several_changes_of_one_document_happen_in_their_order(own: ServedWorld) -> None:
    project = create_project(own)
    document = (
        'mutation($id: ID!){a: updateProject(where: {id: $id}, data: {name: "first"}){name}'
        ' b: updateProject(where: {id: $id}, data: {name: "second"}){name}}'
    )
    assert ask(own, document, {"id": project["id"]}).data == {"a": {"name": "first"}, "b": {"name": "second"}}


@pytest.mark.known("client")
@pytest.mark.parametrize(("mode", "status"), [("BATCH", "ENABLED"), ("DATA_SET", "DISABLED")])
def test_the_queue_mode_has_both_words_that_sdks_know(own: ServedWorld, mode: str, status: str) -> None:
    """`project.get_queue_mode()` of SDKs up to 5.2 knows these two and raises at any other."""
    workspace = own.workspace(payload_date="2023-03-22")
    document = f'mutation {{createProject(data: {{name: "q", queueMode: {mode}}}) {{queueMode tagSetStatus}}}}'
    assert ask_in(workspace, document)["createProject"] == {"queueMode": mode, "tagSetStatus": status}


UPDATE = "mutation($id: ID!, $data: ProjectData!){updateProject(where: {id: $id}, data: $data){queueMode}}"


@pytest.mark.known("client")
@pytest.mark.parametrize("date", [None, "2023-07-01", "2025-01-01"])
def test_queues_of_datasets_are_refused_in_the_words_of_the_service(own: ServedWorld, date: str | None) -> None:
    """SDK tests 3.52.0 test_legacy_project.py."""
    workspace = own.workspace(payload_date=date)
    data = {"queueMode": "DATA_SET"}
    create = "mutation($data: ProjectData!){createProject(data: $data){id}}"
    for answer in (
        answer_in(workspace, create, data=data | {"name": "q"}),
        answer_in(workspace, UPDATE, id=workspace.project("image"), data=data),
    ):
        [error] = answer["errors"]
        assert error["message"] == "DataSet queue mode is deprecated. Please prefer Batch queue mode."
        assert error["extensions"]["code"] == "MALFORMED_REQUEST"
    assert "q" not in [project["name"] for project in ask_in(workspace, "{projects{name}}")["projects"]]


@pytest.mark.known("sample")
@pytest.mark.parametrize(
    ("name", "value"), [("allowedMediaType", "UNKNOWN"), ("allowedMediaType", "UNSUPPORTED"), ("queueMode", "CATALOG")]
)
def test_a_value_that_is_only_read_is_refused(own: ServedWorld, name: str, value: str) -> None:
    """Observed in 2022 for the media type UNKNOWN; the words are this server's own."""
    for document, variables in (
        (f'mutation{{createProject(data: {{name: "x", {name}: {value}}}){{id}}}}', {}),
        (UPDATE, {"id": own.projects["image"], "data": {name: value}}),
    ):
        refused = ask(own, document, variables)
        assert refused.code == "MALFORMED_REQUEST"
        assert f"{name} {value}" in refused.message
    every = ask(own, f"{{projects{{{name}}}}}").data["projects"]
    assert value not in {project[name] for project in every}


@pytest.mark.known("client")
@pytest.mark.parametrize(
    ("date", "editor"),
    [(None, {"name": "Editor"}), ("2026-01-01", {"name": "Editor"}), ("2025-12-31", None), ("2022-01-01", None)],
)
def test_a_new_project_has_an_editor_since_2026(own: ServedWorld, date: str | None, editor: object) -> None:
    """SDKs up to 3.74 set an editor up only where there is none (project.py)."""
    workspace = own.workspace(payload_date=date)
    document = 'mutation{createProject(data: {name: "x"}){labelingFrontend{name}}}'
    assert ask_in(workspace, document)["createProject"] == {"labelingFrontend": editor}


@pytest.mark.known("client")
def test_a_project_of_chats_always_had_an_editor(own: ServedWorld) -> None:
    """SDK project.py setup_editor 3.72.2: "Editor was setup automatically."; its tests
    test_chat_evaluation_ontology_project.py."""
    workspace = own.workspace(payload_date="2024-06-10")
    settings = 'name: "x", allowedMediaType: CONVERSATIONAL, editorTaskType: MODEL_CHAT_EVALUATION'
    document = f"mutation{{createProject(data: {{{settings}}}){{labelingFrontend{{name}}}}}}"
    assert ask_in(workspace, document)["createProject"] == {"labelingFrontend": {"name": "Editor"}}


def test_a_deleted_row_leaves_the_next_export_and_stays_in_the_last(own: ServedWorld) -> None:
    before = export_project(own, "image")
    rows = rows_of(own, before)
    gone = rows[0]["data_row"]["id"]
    answer = ask(own, f'mutation{{deleteDataRows(where: {{dataRowIds: ["{gone}"]}}){{id}}}}')
    assert answer.data == {"deleteDataRows": [{"id": gone}]}
    assert rows_of(own, before) == rows
    assert [row["data_row"]["id"] for row in rows_of(own, export_project(own, "image"))] == [
        row["data_row"]["id"] for row in rows[1:]
    ]


def test_a_deleted_label_is_gone_from_every_place(own: ServedWorld) -> None:
    row = rows_of(own, export_project(own, "text"))[0]
    [project] = row["projects"].values()
    gone = project["labels"][0]["id"]
    assert ask(own, f'mutation{{deleteLabels(labelIds: ["{gone}"]){{id}}}}').data
    assert ask(own, f'{{label(where: {{id: "{gone}"}}){{id}}}}').code == "RESOURCE_NOT_FOUND"
    document = (
        "query($row: ID!, $p: ID!){dataRow(where: {id: $row})"
        "{labels{id} labelingActivity(where: {projectId: $p}){selectedLabelId}}}"
    )
    data_row = ask(own, document, {"row": row["data_row"]["id"], "p": own.projects["text"]}).data["dataRow"]
    assert data_row == {"labels": [], "labelingActivity": {"selectedLabelId": None}}


def test_the_same_row_named_twice_is_deleted_once(own: ServedWorld) -> None:
    gone = rows_of(own, export_project(own, "text"))[-1]["data_row"]["id"]
    assert ask(own, f'mutation{{deleteDataRows(where: {{dataRowIds: ["{gone}", "{gone}"]}}){{id}}}}').data
