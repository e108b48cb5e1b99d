"""The calls that create and change data rows: their tasks, how those progress, and imports that are refused whole."""

import json
from typing import Any

import pytest
import requests

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.rules.api.graphql.resolvers.imported_rows import (
    APPEND,
    APPEND_SYNC,
    CREATE,
    TAG,
    URL,
    count_rows,
    find_row,
)
from contract_tests.rules.api.uploading import (
    FAILURES,
    SUCCESSES,
    UPSERT,
    import_items,
    import_rows,
    list_successes,
    refuse,
    upload,
    upsert,
    write_item,
)
from contract_tests.serving import ServedWorld
from mockserver.jobs.row_imports import MOST_CHUNKS, MOST_MANIFEST
from mockserver.testing import MockWorkspace

TASK = "query($id: ID!) {task(where: {id: $id}) {id name status type result errors metadata}}"


# Tasks


@pytest.mark.known("client")
def test_the_task_is_complete_in_the_answer_and_of_the_type_that_sdks_read(empty: MockWorkspace, dataset: str) -> None:
    task = upsert(empty, [write_item(dataset, row_data=URL)])
    assert (task["status"], task["type"], task["name"]) == ("COMPLETE", "adv-upsert-data-rows", "JSON Import")
    assert task["completionPercentage"] == 100


@pytest.mark.known("client")
def test_an_import_takes_as_long_as_its_progression_says(empty: MockWorkspace, dataset: str) -> None:
    empty.progression.imports = {"looks": 1}
    task = upsert(empty, [write_item(dataset, row_data=URL)])
    assert (task["status"], task["result"]) == ("IN_PROGRESS", None)
    assert list_successes(empty, task["id"]) == []
    statuses = [ask_in(empty, TASK, id=task["id"])["task"]["status"] for _ in range(2)]
    assert statuses == ["IN_PROGRESS", "COMPLETE"]
    assert len(list_successes(empty, task["id"])) == 1


@pytest.mark.parametrize("page", [{"first": 0}, {"first": -1}, {"from": "x"}, {"from": "1" * 10}])
@pytest.mark.parametrize("document", [SUCCESSES, FAILURES])
def test_other_pages_are_refused(empty: MockWorkspace, dataset: str, document: str, page: dict[str, Any]) -> None:
    task = upsert(empty, [write_item(dataset, row_data=URL)])
    assert refuse(empty, document, taskId=task["id"], **page)
    assert "does not exist" in refuse(empty, document, taskId="nobody")


# Changes


@pytest.mark.known("client")
@pytest.mark.parametrize("key", ["ID", "GKEY"])
def test_an_upsert_changes_what_is_sent_and_nothing_else(empty: MockWorkspace, dataset: str, key: str) -> None:
    sent = {"row_data": URL, "global_key": "key", "external_id": "old", "attachments": [{"type": "HTML", "value": "a"}]}
    [created] = import_rows(empty, dataset, [sent])
    value = created["id"] if key == "ID" else "key"
    task = import_items(empty, [write_item(dataset, key, value, external_id="new", attachments=[])])
    assert [row["id"] for row in list_successes(empty, task["id"])] == [created["id"]]
    row = find_row(empty, created["id"])
    assert (row["externalId"], row["globalKey"], row["rowData"], row["attachments"]) == ("new", "key", URL, [])


@pytest.mark.known("client")
def test_an_upsert_by_an_unknown_global_key_creates_the_row(empty: MockWorkspace, dataset: str) -> None:
    task = import_items(empty, [write_item(dataset, "GKEY", "fresh", row_data=URL)])
    assert [row["globalKey"] for row in list_successes(empty, task["id"])] == ["fresh"]


@pytest.mark.known("client")
def test_a_row_is_updated_by_itself(empty: MockWorkspace, dataset: str) -> None:
    [created] = import_rows(empty, dataset, [{"row_data": URL, "global_key": "key"}])
    document = "mutation($id: ID!, $data: DataRowData!) {updateDataRow(where: {id: $id}, data: $data) {externalId}}"
    ask_in(empty, document, id=created["id"], data={"externalId": "new", "rowData": "https://example.com/new.mp4"})
    row = find_row(empty, created["id"])
    assert (row["externalId"], row["rowData"]) == ("new", "https://example.com/new.mp4")
    assert row["mediaAttributes"]["assetType"] == "video"
    assert "does not exist" in refuse(empty, document, id="nobody", data={"externalId": "x"})


@pytest.mark.known("client")
def test_the_global_key_of_a_deleted_row_may_be_given_again(empty: MockWorkspace, dataset: str) -> None:
    """SDK tests test_data_rows.py, test_data_row_delete_and_create_with_same_global_key."""
    [first] = import_rows(empty, dataset, [{"row_data": URL, "global_key": "key"}])
    ask_in(empty, "mutation($ids: [ID!]!) {deleteDataRows(where: {dataRowIds: $ids}) {id}}", ids=[first["id"]])
    [second] = import_rows(empty, dataset, [{"row_data": URL, "global_key": "key"}])
    assert second["id"] != first["id"]


def test_ids_of_deleted_rows_never_come_back(empty: MockWorkspace, dataset: str) -> None:
    seen: set[str] = set()
    for _ in range(3):
        ids = {row["id"] for row in import_rows(empty, dataset, [{"row_data": URL}] * 3)}
        assert len(ids) == 3
        assert not ids & seen
        seen |= ids
        ask_in(empty, "mutation($ids: [ID!]!) {deleteDataRows(where: {dataRowIds: $ids}) {id}}", ids=sorted(ids))


# Refusals of a whole import


@pytest.mark.parametrize(
    "content",
    [b"", b"no JSON", b"{}", b"[{]", b"[{}, {}", b"[{} {}]", b"[1, NaN]", b"\xff\xfe", b"[" * 100_000],
)
def test_a_chunk_that_is_no_list_changes_nothing(empty: MockWorkspace, dataset: str, content: bytes) -> None:
    good = upload(empty, json.dumps([write_item(dataset, row_data=URL)]).encode())
    manifest = upload(empty, json.dumps({"chunk_uris": [good, upload(empty, content)]}).encode())
    task = ask_in(empty, UPSERT, manifestUri=manifest)["upsertDataRows"]
    assert task["status"] == "FAILED"
    assert "expected a JSON list of data rows" in task["metadata"]["failure"]
    assert requests.get(task["result"], timeout=30).json() == {"error": task["metadata"]["failure"]}
    assert count_rows(empty, dataset) == 0


def test_a_manifest_that_counts_wrongly_changes_nothing(empty: MockWorkspace, dataset: str) -> None:
    task = import_items(empty, [write_item(dataset, row_data=URL)], item_count=2)
    assert (task["status"], count_rows(empty, dataset)) == ("FAILED", 0)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"chunk_uris": "x"}', b'{"chunk_uris": ["https://example.com/a"]}'])
def test_a_manifest_that_cannot_be_read_is_refused(empty: MockWorkspace, content: bytes) -> None:
    assert refuse(empty, UPSERT, manifestUri=upload(empty, content))


def test_a_manifest_that_is_too_large_is_refused(empty: MockWorkspace) -> None:
    url = upload(empty, b" " * (MOST_MANIFEST + 1))
    assert "at most 1,048,576 are read" in refuse(empty, UPSERT, manifestUri=url)
    chunks = upload(empty, json.dumps({"chunk_uris": [url] * (MOST_CHUNKS + 1)}).encode())
    assert f"at most {MOST_CHUNKS:,} are read" in refuse(empty, UPSERT, manifestUri=chunks)


@pytest.mark.parametrize("url", ["", "nonsense", "https://example.com/manifest.json", "http://[", "file:///etc/passwd"])
def test_nothing_is_fetched_from_elsewhere(empty: MockWorkspace, dataset: str, url: str) -> None:
    assert "uploaded to this workspace" in refuse(empty, UPSERT, manifestUri=url)
    assert "uploaded to this workspace" in refuse(empty, APPEND, dataset=dataset, url=url)


def test_a_file_of_another_workspace_cannot_be_imported(server: ServedWorld, empty: MockWorkspace) -> None:
    other = server.workspace()
    url = upload(other, b"[]")
    assert "uploaded to this workspace" in refuse(empty, UPSERT, manifestUri=url)
    other.delete()


# SDKs up to 3.74


@pytest.mark.known("client")
def test_rows_are_appended_and_the_result_is_a_file(empty: MockWorkspace, dataset: str) -> None:
    """SDK dataset.py and task.py 3.40.1; keys and words as observed 2023-07 and 2024-08."""
    rows = [{"row_data": URL, "global_key": "a", "external_id": "x"}, {"row_data": URL, "global_key": "a"}]
    answer = ask_in(empty, APPEND, dataset=dataset, url=upload(empty, json.dumps(rows).encode()))["appendRowsToDataset"]
    assert (answer["accepted"], answer["errorMessage"]) == (True, None)
    task = ask_in(empty, TASK, id=answer["taskId"])["task"]
    assert (task["status"], task["name"], task["errors"]) == ("COMPLETE", "JSON Import", None)
    result = requests.get(task["result"], timeout=30).json()
    [created] = result["createdDataRows"]
    assert {name: created[name] for name in ("externalId", "rowData", "globalKey")} == {
        "externalId": "x", "rowData": URL, "globalKey": "a",
    }  # fmt: skip
    failed = {"externalId": None, "rowData": URL, "globalKey": "a", "metadata": None, "attachments": None}
    assert result["errors"] == [{"message": "Duplicate global key: 'a'", "failedDataRows": [failed]}]


@pytest.mark.known("client")
def test_rows_that_cannot_be_appended_synchronously_keep_no_other_back(empty: MockWorkspace, dataset: str) -> None:
    """SDK tests test_data_rows.py, test_data_row_bulk_creation_sync_with_same_global_keys 3.72.2."""
    rows = [{"row_data": URL, "global_key": key} for key in ("a", "a", "b")]
    message = refuse(empty, APPEND_SYNC, dataset=dataset, url=upload(empty, json.dumps(rows).encode()))
    words, url = message.split(": ", 1)
    assert (words, count_rows(empty, dataset)) == ("Some data rows were not imported. Check error output here", 2)
    [error] = requests.get(url, timeout=30).json()
    assert (error["message"], error["failedDataRows"][0]["globalKey"]) == ("Duplicate global key: 'a'", "a")


@pytest.mark.known("client")
@pytest.mark.parametrize(
    ("content", "detected"), [('{"invalid_object": "invalid_value"}', "application/json"), ("a text", "text/plain")]
)
def test_a_content_of_another_media_type_is_a_query_that_is_not_valid(
    empty: MockWorkspace, dataset: str, content: str, detected: str
) -> None:
    """InvalidQueryError: SDK tests test_data_rows.py, test_create_data_row_with_media_type and test_invalid_media_type
    3.72.2; imports of manifests say it otherwise."""
    words = f"Media type validation failed, expected: 'image/*', was: {detected}"
    row = {"rowData": content, "mediaType": "IMAGE"}
    file = upload(empty, json.dumps([row]).encode())
    for answer in (
        answer_in(empty, CREATE, data=row | {"dataset": {"connect": {"id": dataset}}}),
        answer_in(empty, APPEND_SYNC, dataset=dataset, url=file),
    ):
        [error] = answer["errors"]
        assert (error["extensions"]["code"], error["message"]) == ("GRAPHQL_VALIDATION_FAILED", words)
    assert count_rows(empty, dataset) == 0


def test_rows_that_cannot_be_read_are_appended_synchronously_all_or_none(empty: MockWorkspace, dataset: str) -> None:
    good = [{"row_data": URL, "global_key": "a"}]
    bad_rows: list[list[dict[str, str]]] = [[{}], [{"row_data": URL}] * 1_000]
    for bad in bad_rows:
        assert refuse(empty, APPEND_SYNC, dataset=dataset, url=upload(empty, json.dumps(good + bad).encode()))
        assert count_rows(empty, dataset) == 0
    ask_in(empty, APPEND_SYNC, dataset=dataset, url=upload(empty, json.dumps(good).encode()))
    assert count_rows(empty, dataset) == 1


@pytest.mark.known("client")
def test_a_row_is_created_by_itself(empty: MockWorkspace, dataset: str) -> None:
    data = {
        "rowData": URL, "externalId": "x", "globalKey": "a", "mediaType": "IMAGE",
        "dataset": {"connect": {"id": dataset}},
        "metadataFields": [{"schemaId": TAG, "value": "north"}], "attachments": [{"type": "IMAGE", "value": URL}],
    }  # fmt: skip
    created = ask_in(empty, CREATE, data=data)["createDataRow"]
    row = find_row(empty, created["id"])
    assert (row["globalKey"], row["metadataFields"][0]["value"], len(row["attachments"])) == ("a", "north", 1)
    answer = answer_in(empty, CREATE, data=data | {"globalKey": "b", "dataset": {"connect": {"id": "nobody"}}})
    assert answer["errors"][0]["extensions"]["code"] == "RESOURCE_NOT_FOUND"
