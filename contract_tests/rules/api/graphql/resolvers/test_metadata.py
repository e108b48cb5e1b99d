"""Metadata of data rows: the same values in the three places where SDKs read them."""

import json
from typing import Any

import pytest

from contract_tests.rules.api.asking import ask_in, get
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

ENUM = "CustomMetadataEnum"
ROWS = "{metadataFields{schemaId name value kind} customMetadata{schemaId value}}"


@pytest.fixture(scope="module")
def own(server: ServedWorld) -> MockWorkspace:
    """The server's own workspace, which these tests only read."""
    return server.own


def metadata_of(workspace: MockWorkspace) -> list[dict[str, Any]]:
    """`metadataFields` and `customMetadata` of every data row of a dataset."""
    document = f"query($id: ID!){{datasetDataRows(id: $id, first: 100){{nodes{ROWS}}}}}"
    nodes: list[dict[str, Any]] = ask_in(workspace, document, id=workspace.dataset("image rows"))["datasetDataRows"][
        "nodes"
    ]
    return nodes


def options_of(workspace: MockWorkspace) -> dict[str, dict[str, str]]:
    """The name of every option by its id, by the id of its enum."""
    schemas = ask_in(workspace, "{customMetadataOntology{id kind options{id name}}}")["customMetadataOntology"]
    return {
        schema["id"]: {option["id"]: option["name"] for option in schema["options"]}
        for schema in schemas
        if schema["kind"] == ENUM
    }


@pytest.mark.known("client")
def test_an_enum_is_one_of_the_metadata_fields_and_names_its_option(own: MockWorkspace) -> None:
    options = options_of(own)
    fields = [field for row in metadata_of(own) for field in row["metadataFields"]]
    enums = [field for field in fields if field["kind"] == ENUM]
    assert enums
    assert all(field["value"] in options[field["schemaId"]].values() for field in enums)
    assert {"train", "valid", "test"} >= {field["value"] for field in enums if field["name"] == "split"}
    assert all(isinstance(field["value"], str | int | float) for field in fields)


@pytest.mark.known("client")
def test_an_enum_is_two_entries_of_the_custom_metadata(own: MockWorkspace) -> None:
    """The SDK puts them together (data_row_metadata.py)."""
    options = options_of(own)
    for row in metadata_of(own):
        custom = [(entry["schemaId"], entry["value"]) for entry in row["customMetadata"]]
        for field in row["metadataFields"]:
            if field["kind"] != ENUM:
                assert (field["schemaId"], field["value"]) in custom
                continue
            [option] = [id_ for id_, name in options[field["schemaId"]].items() if name == field["value"]]
            assert custom[custom.index((field["schemaId"], {})) + 1] == (option, {})
        assert len(custom) == sum(1 + (field["kind"] == ENUM) for field in row["metadataFields"])


def test_export_v1_has_the_metadata_of_graphql(own: MockWorkspace, server: ServedWorld) -> None:
    document = (
        "mutation($id: ID!){exportDatasetDataRows(data: {datasetId: $id, includeMetadataInput: true}){downloadUrl}}"
    )
    url = ask_in(own, document, id=own.dataset("image rows"))["exportDatasetDataRows"]["downloadUrl"]
    rows = [json.loads(line) for line in get(server, url).body.splitlines()]
    query = f"query($id: ID!){{dataRow(where: {{id: $id}}){ROWS}}}"
    for row in rows:
        data_row = ask_in(own, query, id=row["id"])["dataRow"]
        assert row["metadataFields"] == data_row["metadataFields"]
        assert [{"schemaId": item["schemaId"], "value": item["value"]} for item in row["customMetadata"]] == data_row[
            "customMetadata"
        ]


def test_labels_of_export_v1_have_the_metadata_fields(own: MockWorkspace, server: ServedWorld) -> None:
    document = "mutation($id: ID!){exportLabels(data: {projectId: $id}){downloadUrl}}"
    url = ask_in(own, document, id=own.project("image"))["exportLabels"]["downloadUrl"]
    labels = get(server, url).json
    query = "query($id: ID!){dataRow(where: {id: $id}){metadataFields{schemaId name kind value}}}"
    assert any(field["kind"] == ENUM for label in labels for field in label["DataRow Metadata"])
    for label in labels:
        fields = ask_in(own, query, id=label["DataRow ID"])["dataRow"]["metadataFields"]
        assert label["DataRow Metadata"] == fields
