"""Metadata, attachments, global keys and embeddings: changed by clients, and found by the next export."""

import json
from typing import Any

import pytest
import requests

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.rules.api.uploading import create_dataset, import_rows, refuse, wait_for_task
from mockserver.testing import MockWorkspace
from mockserver.world.changes.embeddings import MOST_CUSTOM

UPSERT_SCHEMA = (
    "mutation UpsertCustomMetadataSchemaPyApi($data: UpsertCustomMetadataSchemaInput!)"
    " {upsertCustomMetadataSchema(data: $data) {id name kind options {id name kind}}}"
)
DELETE_SCHEMA = (
    "mutation DeleteCustomMetadataSchemaPyApi($where: WhereUniqueIdInput!)"
    " {deleteCustomMetadataSchema(schema: $where) {success}}"
)
UPSERT = (
    "mutation UpsertDataRowMetadataBetaPyApi($metadata: [DataRowCustomMetadataBatchUpsertInput!]!)"
    " {upsertDataRowCustomMetadata(data: $metadata) {globalKey dataRowId error fields {value schemaId}}}"
)
DELETE = (
    "mutation DeleteDataRowMetadataBetaPyApi($deletes: [DataRowIdentifierCustomMetadataBatchDeleteInput!])"
    " {deleteDataRowCustomMetadata(dataRowIdentifiers: $deletes) {dataRowId error fields {value schemaId}}}"
)
DELETE_OLD = (
    "mutation($deletes: [DataRowCustomMetadataBatchDeleteInput!]!)"
    " {deleteDataRowCustomMetadata(data: $deletes) {dataRowId error fields {value schemaId}}}"
)
SCHEMAS = "{customMetadataOntology {id name kind reserved options {id name kind reserved}}}"
EXPORT = "mutation($input: ExportDataRowsInCatalogInput!) {exportDataRowsInCatalog(input: $input) {taskId}}"
ASSIGN = (
    "mutation assignGlobalKeysToDataRowsPyApi($links: [AssignGlobalKeyToDataRowInput!]!)"
    " {assignGlobalKeysToDataRows(data: {assignInputs: $links}) {jobId}}"
)
ASSIGNED = (
    "query($jobId: ID!) {assignGlobalKeysToDataRowsResult(jobId: {id: $jobId}) {jobStatus data {"
    " sanitizedAssignments {dataRowId globalKey} invalidGlobalKeyAssignments {dataRowId globalKey}"
    " unmodifiedAssignments {dataRowId globalKey} accessDeniedAssignments {dataRowId globalKey}}}}"
)
CLEAR = "mutation($keys: [ID!]!) {clearGlobalKeys(where: {ids: $keys}) {jobId}}"
CLEARED = (
    "query($jobId: ID!) {clearGlobalKeysResult(jobId: {id: $jobId}) {jobStatus data {"
    " clearedGlobalKeys failedToClearGlobalKeys notFoundGlobalKeys accessDeniedGlobalKeys}}}"
)
TAG, SPLIT, TRAIN = "cko8s9r5v0001h2dk9elqdidh", "cko8sbczn0002h2dkdaxb5kal", "cko8sbscr0003h2dk04w86hof"
TEST = "cko8scbz70005h2dkastwhgqt"
BUILT_IN = ["Image Embedding V2 (CLIP ViT-B/32)"]


@pytest.fixture
def rows(empty: MockWorkspace) -> list[str]:
    sent = [{"row_data": f"https://example.com/{number}.png", "global_key": f"key-{number}"} for number in range(3)]
    return [row["id"] for row in import_rows(empty, create_dataset(empty), sent)]


def export_rows(empty: MockWorkspace) -> dict[str, Any]:
    params = {"includeMetadata": True, "includeAttachments": True, "includeEmbeddings": True}
    answer = ask_in(empty, EXPORT, input={"filters": {"searchQuery": {"scope": None, "query": []}}, "params": params})
    task = wait_for_task(empty, answer["exportDataRowsInCatalog"]["taskId"])
    lines = requests.get(task["result"], timeout=30).text.splitlines()
    return {row["data_row"]["id"]: row for row in map(json.loads, lines)}


def export_values(empty: MockWorkspace, row: str) -> dict[str, Any]:
    return {field["schema_name"]: field["value"] for field in export_rows(empty)[row]["metadata_fields"]}


def create_schema(empty: MockWorkspace, name: str, kind: str, *options: str) -> Any:
    data: dict[str, Any] = {"name": name, "kind": f"CustomMetadata{kind}"}
    if options:
        data["options"] = [{"name": option, "kind": "CustomMetadataEnumOption"} for option in options]
    return ask_in(empty, UPSERT_SCHEMA, data=data)["upsertCustomMetadataSchema"]


def set_values(empty: MockWorkspace, row: str, *fields: tuple[str, object], key: bool = False) -> list[Any]:
    values = [{"schemaId": schema, "value": value} for schema, value in fields]
    entry = {"globalKey" if key else "dataRowId": row, "fields": values}
    return list(ask_in(empty, UPSERT, metadata=[entry])["upsertDataRowCustomMetadata"])


# Schemas


@pytest.mark.known("client")
@pytest.mark.parametrize("kind", ["String", "Number", "DateTime"])
def test_a_schema_is_created_renamed_and_deleted(empty: MockWorkspace, rows: list[str], kind: str) -> None:
    values = {"String": "text", "Number": 2.5, "DateTime": "2024-01-02T03:04:05Z"}
    schema = create_schema(empty, "mine", kind)
    assert (len(schema["id"]), schema["kind"], schema["options"]) == (25, f"CustomMetadata{kind}", [])
    assert set_values(empty, rows[0], (schema["id"], values[kind])) == []
    ask_in(empty, UPSERT_SCHEMA, data={"id": schema["id"], "name": "renamed", "kind": schema["kind"]})
    assert set(export_values(empty, rows[0])) == {"renamed"}
    assert ask_in(empty, DELETE_SCHEMA, where={"id": schema["id"]})["deleteCustomMetadataSchema"] == {"success": True}
    assert export_values(empty, rows[0]) == {}
    assert "mine" not in {known["name"] for known in ask_in(empty, SCHEMAS)["customMetadataOntology"]}
    assert "does not exist" in refuse(empty, DELETE_SCHEMA, where={"id": schema["id"]})


@pytest.mark.known("client")
def test_options_of_an_enum_are_renamed_and_deleted(empty: MockWorkspace, rows: list[str]) -> None:
    schema = create_schema(empty, "mine", "Enum", "one", "two")
    one, two = schema["options"]
    assert set_values(empty, rows[0], (schema["id"], {}), (one["id"], {})) == []
    assert set_values(empty, rows[1], (schema["id"], {}), (two["id"], {})) == []
    options = [{"id": one["id"], "name": "first", "kind": one["kind"]}, {"name": "third", "kind": one["kind"]}]
    data = {"id": schema["id"], "name": "mine", "kind": schema["kind"], "options": options}
    changed = ask_in(empty, UPSERT_SCHEMA, data=data)["upsertCustomMetadataSchema"]
    assert [option["name"] for option in changed["options"]] == ["first", "third"]
    assert changed["options"][0]["id"] == one["id"]
    assert export_values(empty, rows[0])["mine"][0]["schema_name"] == "first"
    assert export_values(empty, rows[1]) == {}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"name": "tag", "kind": "CustomMetadataString"}, "MALFORMED_REQUEST"),
        ({"name": "", "kind": "CustomMetadataString"}, "BAD_USER_INPUT"),
        ({"name": "x" * 101, "kind": "CustomMetadataString"}, "BAD_USER_INPUT"),
        ({"name": "new", "kind": "Text"}, "BAD_USER_INPUT"),
        ({"name": "new", "kind": "CustomMetadataString", "options": [{"name": "a"}]}, "BAD_USER_INPUT"),
        ({"name": "new", "kind": "CustomMetadataEnum", "options": [{"name": "a"}] * 2}, "BAD_USER_INPUT"),
        ({"name": "new", "kind": "CustomMetadataEnum", "options": [{"id": TRAIN, "name": "a"}]}, "BAD_USER_INPUT"),
        ({"id": TAG, "name": "new", "kind": "CustomMetadataString"}, "OPERATION_NOT_ALLOWED"),
        ({"id": "nobody", "name": "new", "kind": "CustomMetadataString"}, "RESOURCE_NOT_FOUND"),
    ],
)
def test_another_schema_is_refused_and_nothing_changes(empty: MockWorkspace, data: Any, code: str) -> None:
    before = ask_in(empty, SCHEMAS)
    [error] = answer_in(empty, UPSERT_SCHEMA, data=data)["errors"]
    assert error["extensions"]["code"] == code
    assert ask_in(empty, SCHEMAS) == before
    assert "reserved" in refuse(empty, DELETE_SCHEMA, where={"id": TAG})


# Values


@pytest.mark.known("client")
@pytest.mark.parametrize("by_key", [True, False])
def test_fields_are_set_and_others_stay(empty: MockWorkspace, rows: list[str], *, by_key: bool) -> None:
    name = "key-0" if by_key else rows[0]
    assert set_values(empty, name, (TAG, "a"), key=by_key) == []
    assert set_values(empty, name, (SPLIT, {}), (TRAIN, {}), key=by_key) == []
    assert set_values(empty, name, (TAG, "b"), key=by_key) == []
    values = export_values(empty, rows[0])
    assert (values["tag"], [option["schema_name"] for option in values["split"]]) == ("b", ["train"])


@pytest.mark.known("client")
@pytest.mark.parametrize("deleted", [SPLIT, TRAIN])
def test_fields_are_deleted_by_both_forms(empty: MockWorkspace, rows: list[str], deleted: str) -> None:
    for row in rows[:2]:
        set_values(empty, row, (TAG, "a"), (SPLIT, {}), (TRAIN, {}))
    identifier = {"id": "key-0", "idType": "GKEY"}
    answer = ask_in(empty, DELETE, deletes=[{"dataRowIdentifier": identifier, "schemaIds": [deleted]}])
    assert answer["deleteDataRowCustomMetadata"] == []
    answer = ask_in(empty, DELETE_OLD, deletes=[{"dataRowId": rows[1], "schemaIds": [TAG]}])
    assert answer["deleteDataRowCustomMetadata"] == []
    assert set(export_values(empty, rows[0])) == {"tag"}
    assert set(export_values(empty, rows[1])) == {"split"}


@pytest.mark.known("client")
def test_refused_rows_are_listed_and_the_others_are_changed(empty: MockWorkspace, rows: list[str]) -> None:
    sent = [
        {"dataRowId": rows[0], "fields": [{"schemaId": TAG, "value": 7}]},
        {"dataRowId": rows[1], "fields": [{"schemaId": TAG, "value": "good"}]},
        {"globalKey": "nobody", "fields": [{"schemaId": TAG, "value": "x"}]},
        {"fields": [{"schemaId": TAG, "value": "x"}]},
    ]
    failed = ask_in(empty, UPSERT, metadata=sent)["upsertDataRowCustomMetadata"]
    assert [(row["dataRowId"], row["globalKey"]) for row in failed] == [(rows[0], None), (None, "nobody"), (None, None)]
    assert failed[0]["fields"] == [{"schemaId": TAG, "value": 7}]
    assert "expected a text" in failed[0]["error"]
    assert (export_values(empty, rows[0]), export_values(empty, rows[1])["tag"]) == ({}, "good")


@pytest.mark.known("client")
def test_fields_that_a_row_does_not_have_are_listed_and_the_others_deleted(
    empty: MockWorkspace, rows: list[str]
) -> None:
    """SDK tests test_data_row_delete_metadata.py, test_large_bulk_delete_datarow_metadata."""
    set_values(empty, rows[0], (TAG, "a"))
    identifiers = [{"id": rows[0], "idType": "ID"}, {"id": "key-1", "idType": "GKEY"}, {"id": "x", "idType": "ID"}]
    deletes = [{"dataRowIdentifier": name, "schemaIds": [TAG, SPLIT, "nobody"]} for name in identifiers]
    failed = ask_in(empty, DELETE, deletes=deletes)["deleteDataRowCustomMetadata"]
    assert [[field["schemaId"] for field in entry["fields"]] for entry in failed] == [
        [SPLIT, "nobody"], [TAG, SPLIT, "nobody"], [TAG, SPLIT, "nobody"],
    ]  # fmt: skip
    assert [entry["error"] for entry in failed] == ["Schema did not exist"] * 2 + ["Data row not found: 'x'"]
    assert export_values(empty, rows[0]) == {}


# Attachments


@pytest.mark.known("client")
def test_attachments_are_created_changed_and_deleted(empty: MockWorkspace, rows: list[str]) -> None:
    create = (
        "mutation CreateDataRowAttachmentPyApi($type: AttachmentType!, $value: String!, $name: String, $dataRowId: ID!)"
        " {createDataRowAttachment(data: {type: $type value: $value name: $name dataRowId: $dataRowId})"
        " {name type value id}}"
    )
    update = (
        "mutation($id: ID!, $name: String, $type: AttachmentType, $value: String) {updateDataRowAttachment("
        "where: {id: $id}, data: {name: $name, type: $type, value: $value}) {id name type value}}"
    )
    delete = "mutation($id: ID!) {deleteDataRowAttachment(where: {id: $id}) {id}}"
    sent = {"type": "IMAGE", "value": "https://example.com/a.png", "name": "overlay"}
    attachment = ask_in(empty, create, dataRowId=rows[0], **sent)["createDataRowAttachment"]
    assert export_rows(empty)[rows[0]]["attachments"] == [sent]
    changed = ask_in(empty, update, id=attachment["id"], value="https://example.com/b.png")["updateDataRowAttachment"]
    assert changed == attachment | {"value": "https://example.com/b.png"}
    assert "expected a name" in refuse(empty, update, id=attachment["id"])
    assert ask_in(empty, delete, id=attachment["id"])["deleteDataRowAttachment"] == {"id": attachment["id"]}
    assert export_rows(empty)[rows[0]]["attachments"] == []
    assert "does not exist" in refuse(empty, delete, id=attachment["id"])
    assert "does not exist" in refuse(empty, create, dataRowId="nobody", **sent)
    assert "expected a URL or a text" in refuse(empty, create, dataRowId=rows[0], type="IMAGE", value="")


# Global keys


def poll(empty: MockWorkspace, start: str, result: str, **variables: object) -> Any:
    [job] = ask_in(empty, start, **variables).values()
    [answer] = ask_in(empty, result, jobId=job["jobId"]).values()
    return answer


@pytest.mark.known("client")
def test_global_keys_are_cleared_and_assigned(empty: MockWorkspace, rows: list[str]) -> None:
    """SDK client.py assign_global_keys_to_data_rows, clear_global_keys; tests test_global_keys.py."""
    cleared = poll(empty, CLEAR, CLEARED, keys=["key-0", "key-1", "nobody", "key-0"])
    assert cleared == {
        "jobStatus": "COMPLETE",
        "data": {
            "clearedGlobalKeys": ["key-0", "key-1"], "failedToClearGlobalKeys": [], "notFoundGlobalKeys": ["nobody"],
            "accessDeniedGlobalKeys": [],
        },
    }  # fmt: skip
    sent = [(rows[0], "fresh"), (rows[1], "a blank"), (rows[2], "key-2"), (rows[1], "fresh"), ("nobody", "x")]
    sent += [(rows[0], "x" * 201), (rows[0], " key"), (rows[0], "key "), (rows[0], "a  key"), (rows[0], "a\tkey")]
    links = [{"dataRowId": row, "globalKey": key} for row, key in sent]
    data = poll(empty, ASSIGN, ASSIGNED, links=links)["data"]
    assert data["unmodifiedAssignments"] == links[:3]
    assert data["sanitizedAssignments"] == []
    assert data["invalidGlobalKeyAssignments"] == links[3:]
    exported = export_rows(empty)
    assert [exported[row]["data_row"]["global_key"] for row in rows] == ["fresh", "a blank", "key-2"]


def test_a_global_key_with_the_character_nul_is_invalid(empty: MockWorkspace, rows: list[str]) -> None:
    ask_in(empty, CLEAR, keys=["key-0"])
    links = [{"dataRowId": rows[0], "globalKey": "a\0key"}]
    assert poll(empty, ASSIGN, ASSIGNED, links=links)["data"]["invalidGlobalKeyAssignments"] == links


@pytest.mark.known("client")
def test_a_job_takes_as_long_as_the_progression_of_processing_says(empty: MockWorkspace) -> None:
    empty.progression.processing = {"looks": 1}
    [job] = ask_in(empty, CLEAR, keys=[]).values()
    statuses = [ask_in(empty, CLEARED, jobId=job["jobId"])["clearGlobalKeysResult"]["jobStatus"] for _ in range(2)]
    assert statuses == ["IN_PROGRESS", "COMPLETE"]
    assert "does not exist" in refuse(empty, ASSIGNED, jobId=job["jobId"])


# Embeddings


@pytest.mark.known("client")
def test_an_embedding_of_both_roads_is_filled_and_exported(empty: MockWorkspace, rows: list[str]) -> None:
    """SDK adv_client.py 5.2.1 and 7.17.0."""
    headers = {"Authorization": f"Bearer {empty.api_key}"}
    url = f"{empty.url}/adv/adv/v1/embeddings"
    by_rest = requests.post(url, json={"name": "rest", "dims": 2}, headers=headers, timeout=30).json()
    create = "mutation($data: CreateEmbeddingInput!) {createEmbedding(data: $data) {id name dims custom}}"
    by_graphql = ask_in(empty, create, data={"name": "graphql", "dims": 2})["createEmbedding"]
    assert (by_rest["custom"], by_graphql["custom"], by_rest["dims"]) == (True, True, 2)
    vectors = [json.dumps({"id": row, "vector": [0.5, number]}) for number, row in enumerate(rows)]
    bodies = (" ".join(vectors[:2]) + vectors[2], "\n".join(vectors) + "\n\n")  # test_import_vectors_from_file
    for embedding, body in zip((by_rest, by_graphql), bodies, strict=True):
        imported = requests.put(f"{url}/{embedding['id']}/_import_ndjson", body, headers=headers, timeout=30)
        assert (imported.status_code, imported.json()) == (200, {"count": 3})
        count = requests.get(f"{url}/{embedding['id']}/vectors/_count", headers=headers, timeout=30).json()
        assert count == {"count": 3}
    precomputed, *exported = export_rows(empty)[rows[1]]["embeddings"]
    assert {entry["name"]: entry["values"] for entry in exported} == {
        "rest": [{"value": [0.5, 1]}], "graphql": [{"value": [0.5, 1]}],
    }  # fmt: skip
    assert requests.delete(f"{url}/{by_rest['id']}", headers=headers, timeout=30).status_code == 200
    delete = "mutation($data: DeleteEmbeddingInput!) {deleteEmbedding(data: $data)}"
    assert ask_in(empty, delete, data={"id": by_graphql["id"]}) == {"deleteEmbedding": True}
    assert export_rows(empty)[rows[1]]["embeddings"] == [precomputed]
    assert requests.get(f"{url}/{by_rest['id']}", headers=headers, timeout=30).status_code == 404


@pytest.mark.known("client")
def test_an_imported_picture_has_the_precomputed_embedding(empty: MockWorkspace, rows: list[str]) -> None:
    """SDK tests test_export_embeddings_streamable.py, test_export_embeddings_precomputed."""
    embeddings = [export_rows(empty)[row]["embeddings"] for row in rows]
    assert [[entry["name"] for entry in entries] for entries in embeddings] == [BUILT_IN] * 3
    vectors = [entries[0]["values"][0]["value"] for entries in embeddings]
    assert [len(vector) for vector in vectors] == [512] * 3
    assert vectors[0] != vectors[1]
    [built_in] = ask_in(empty, "{embeddings {id}}")["embeddings"]
    url = f"{empty.url}/adv/adv/v1/embeddings/{built_in['id']}/vectors/_count"
    headers = {"Authorization": f"Bearer {empty.api_key}"}
    assert requests.get(url, headers=headers, timeout=30).json() == {"count": 3}


@pytest.mark.parametrize(
    "line",
    [
        "x", "{}", '{"id": "nobody", "vector": [1, 2]}', '{"id": "ROW", "vector": [1]}',
        '{"id": "ROW", "vector": "ab"}', '{"id": "ROW", "vector": [1, 2]}{', '{"id": "ROW", "vector": [1, NaN]}',
        "[" * 99_999,
    ],
)  # fmt: skip
def test_one_bad_vector_keeps_all_back(empty: MockWorkspace, rows: list[str], line: str) -> None:
    headers = {"Authorization": f"Bearer {empty.api_key}"}
    url = f"{empty.url}/adv/adv/v1/embeddings"
    embedding = requests.post(url, json={"name": "rest", "dims": 2}, headers=headers, timeout=30).json()["id"]
    body = json.dumps({"id": rows[0], "vector": [1, 2]}) + "\n" + line.replace("ROW", rows[1])
    answer = requests.put(f"{url}/{embedding}/_import_ndjson", body, headers=headers, timeout=30)
    assert (answer.status_code, bool(answer.json()["message"])) == (400, True)
    assert requests.get(f"{url}/{embedding}/vectors/_count", headers=headers, timeout=30).json() == {"count": 0}


def test_other_embeddings_are_refused(empty: MockWorkspace) -> None:
    headers = {"Authorization": f"Bearer {empty.api_key}"}
    url = f"{empty.url}/adv/adv/v1/embeddings"
    for body in (
        "",
        "[]",
        '{"name": "x"}',
        '{"name": "", "dims": 2}',
        '{"name": "x", "dims": 0}',
        '{"name": 1, "dims": 2}',
    ):
        assert requests.post(url, body, headers=headers, timeout=30).status_code == 400
    for number in range(MOST_CUSTOM):
        assert requests.post(url, json={"name": f"{number}", "dims": 2}, headers=headers, timeout=30).status_code == 200
    for name in ("0", "one more"):
        assert requests.post(url, json={"name": name, "dims": 2}, headers=headers, timeout=30).status_code == 409
    assert requests.delete(f"{url}/c200000000000000000000000", headers=headers, timeout=30).status_code == 405
