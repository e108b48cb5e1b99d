"""Imports of data rows: what was sent is there, and what cannot be is refused row by row."""

import json
from typing import Any

import pytest
import requests

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.rules.api.uploading import (
    FAILURES,
    SUCCESSES,
    UPSERT,
    create_dataset,
    import_rows,
    list_failures,
    list_successes,
    refuse,
    upload,
    upload_manifest,
    upsert,
    wait_for_task,
    write_item,
)
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace
from mockserver.workspaces.row_imports import MOST_CHUNKS, MOST_MANIFEST

ROW = (
    "query($id: ID!) {dataRow(where: {id: $id}) {id externalId globalKey rowData mediaAttributes createdAt updatedAt"
    " metadataFields {schemaId name value kind} customMetadata {schemaId value} attachments {type value name}"
    " dataset {id} createdBy {email}}}"
)
CREATE = "mutation($data: DataRowData!) {createDataRow(data: $data) {id externalId globalKey rowData mediaAttributes}}"
APPEND = (
    "mutation($dataset: ID!, $url: String!) {appendRowsToDataset(data: {datasetId: $dataset, jsonFileUrl: $url})"
    " {taskId accepted errorMessage}}"
)
APPEND_SYNC = (
    "mutation($dataset: ID!, $url: String!) {appendRowsToDatasetSync(data: {datasetId: $dataset, jsonFileUrl: $url})"
    " {dataset {id}}}"
)
TASK = "query($id: ID!) {task(where: {id: $id}) {id name status type result errors metadata}}"
COUNT = "query($id: ID!) {dataset(where: {id: $id}) {rowCount}}"
URL = "https://example.com/picture.jpg"
TAG, SPLIT, TRAIN = "cko8s9r5v0001h2dk9elqdidh", "cko8sbczn0002h2dkdaxb5kal", "cko8sbscr0003h2dk04w86hof"
TALK = {
    "type": "application/vnd.labelbox.conversational",
    "version": 1,
    "messages": [{"messageId": "a", "content": "hello", "canLabel": True}, {"messageId": "b", "content": "שלום"}],
}
PDF = "https://example.com/report.pdf"
TILES = {"tileLayerUrl": "https://example.com/{z}/{x}/{y}.png", "epsg": "EPSG4326"}


@pytest.fixture
def dataset(empty: MockWorkspace) -> str:
    return create_dataset(empty)


def find_row(empty: MockWorkspace, row_id: str) -> Any:
    return ask_in(empty, ROW, id=row_id)["dataRow"]


def count_rows(empty: MockWorkspace, dataset: str) -> int:
    return int(ask_in(empty, COUNT, id=dataset)["dataset"]["rowCount"])


# What is sent is there


@pytest.mark.known("client")
def test_an_imported_row_has_everything_that_was_sent(empty: MockWorkspace, dataset: str) -> None:
    fields = [{"schemaId": TAG, "value": "north"}, {"schemaId": SPLIT, "value": {}}, {"schemaId": TRAIN, "value": {}}]
    attachment = {"type": "RAW_TEXT", "value": "a note", "name": "note"}
    sent = {
        "row_data": URL, "external_id": "picture.jpg", "global_key": "key-1",
        "metadata_fields": fields, "attachments": [attachment],
    }  # fmt: skip
    [created] = import_rows(empty, dataset, [sent])
    row = find_row(empty, created["id"])
    assert created == {"id": row["id"], "externalId": "picture.jpg", "globalKey": "key-1", "rowData": URL}
    assert (row["rowData"], row["dataset"]["id"]) == (URL, dataset)
    assert {field["name"]: field["value"] for field in row["metadataFields"]} == {"tag": "north", "split": "train"}
    assert row["attachments"] == [attachment]
    assert row["mediaAttributes"]["mimeType"] == "image/jpeg"
    assert row["createdBy"]["email"]


@pytest.mark.known("client")
def test_the_task_is_complete_in_the_answer_and_of_the_type_that_sdks_read(empty: MockWorkspace, dataset: str) -> None:
    task = upsert(empty, [write_item(dataset, row_data=URL)])
    assert (task["status"], task["type"], task["name"]) == ("COMPLETE", "adv-upsert-data-rows", "JSON Import")
    assert task["completionPercentage"] == 100


@pytest.mark.known("inferred")
@pytest.mark.parametrize(
    ("row_data", "asset_type", "more"),
    [
        ("https://example.com/a.PNG?x=1", "image", {"mimeType": "image/png", "width": 1280, "height": 720}),
        ("https://example.com/a-640x480.jpg", "image", {"width": 640, "height": 480, "exifRotation": 1}),
        ("https://example.com/200/300", "image", {"width": 200, "height": 300}),
        ("gs://bucket/clip.mov", "video", {"mimeType": "video/quicktime", "frameRate": 30}),
        ("s3://bucket/sound.mp3", "audio", {"mimeType": "audio/mpeg"}),
        ("https://example.com/report.pdf", "pdf", {"mimeType": "application/pdf"}),
        ("https://example.com/page.html", "html", {"mimeType": "text/html"}),
        ("https://example.com/scan.dcm", "dicom", {"mimeType": "application/dicom"}),
        ("https://example.com/note.txt", "text", {"mimeType": "text/plain"}),
        ("A text, and no URL: it stays", "text", {"mimeType": "text/plain"}),
        (TALK, "conversational", {"labelableIds": ["a"], "messageCount": 2}),
        ({"tileLayerUrl": "https://t/{z}/{x}/{y}.png", "epsg": "EPSG4326"}, "tms_geo", {}),
        ({"tile_layer_url": "https://t/{z}/{x}/{y}.png", "min_zoom": 1, "epsg": "EPSG4326"}, "tms_geo", {}),
        ({"tileLayerUrl": "https://t/{z}/{x}/{y}.png", "epsg": "Simple"}, "tms_simple", {}),
        (
            {"pdf_url": "https://e/a.pdf", "text_layer_url": "https://e/a.json"},
            "pdf",
            {"textLayerUrl": "https://e/a.json"},
        ),
        ({"anything": [1, 2.5, None]}, "json", {"mimeType": "application/json"}),
    ],
)
def test_the_media_type_follows_from_what_was_sent(
    empty: MockWorkspace, dataset: str, row_data: Any, asset_type: str, more: dict[str, Any]
) -> None:
    [created] = import_rows(empty, dataset, [{"row_data": row_data}])
    attributes = find_row(empty, created["id"])["mediaAttributes"]
    assert attributes["assetType"] == asset_type
    assert {name: attributes[name] for name in more} == more


@pytest.mark.known("client")
def test_a_media_type_that_is_sent_decides(empty: MockWorkspace, dataset: str) -> None:
    [created] = import_rows(empty, dataset, [{"row_data": "https://example.com/x", "media_type": "VIDEO"}])
    assert find_row(empty, created["id"])["mediaAttributes"]["mimeType"] == "video/mp4"


@pytest.mark.known("client")
@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize("media_type", [{}, {"media_type": "CONVERSATIONAL"}])
def test_a_conversation_comes_back_as_it_was_sent_and_exports_link_it(
    empty: MockWorkspace, dataset: str, media_type: dict[str, str], *, as_text: bool
) -> None:
    """SDK tests test_data_rows.py, test_create_conversational_text."""
    [created] = import_rows(empty, dataset, [{"row_data": json.dumps(TALK) if as_text else TALK} | media_type])
    assert json.loads(created["rowData"]) == TALK == json.loads(find_row(empty, created["id"])["rowData"])
    [exported] = empty.expected_rows(catalog=True)
    assert requests.get(exported["data_row"]["row_data"], timeout=30).json() == TALK


@pytest.mark.known("client")
def test_the_keys_of_an_object_become_camel_case_and_those_within_it_stay(empty: MockWorkspace, dataset: str) -> None:
    """SDK tests v.5.2.1 test_mmc_data_rows.py, test_mmc_all."""
    sent = {"type": f"{TALK['type']}.model-chat-evaluation", "global_key": "key", "messages": {"message_1": {}}}
    [created] = import_rows(empty, dataset, [{"row_data": sent}])
    expected = {"type": sent["type"], "globalKey": "key", "messages": {"message_1": {}}}
    assert json.loads(created["rowData"]) == expected


@pytest.mark.known("client")
def test_tiles_may_be_sent_in_the_place_of_a_row(empty: MockWorkspace, dataset: str) -> None:
    """SDK tests test_data_rows.py, test_create_tiled_layer."""
    tiles = {"tileLayerUrl": "https://t/{z}/{x}/{y}.png", "bounds": [[1, 2], [3, 4]], "minZoom": 1, "epsg": "EPSG4326"}
    url = upload(empty, json.dumps([tiles | {"external_id": "map"}]).encode())
    ask_in(empty, APPEND_SYNC, dataset=dataset, url=url)
    [row] = ask_in(empty, "query($id: ID!) {datasetDataRows(id: $id) {nodes {rowData externalId}}}", id=dataset)[
        "datasetDataRows"
    ]["nodes"]
    assert (json.loads(row["rowData"]), row["externalId"]) == (tiles, "map")


@pytest.mark.known("client")
@pytest.mark.parametrize("layer", ["text_layer_url", "textLayerUrl", "tileLayerUrl"])
def test_a_document_becomes_its_file_and_its_text_layer_an_attribute(
    empty: MockWorkspace, dataset: str, layer: str
) -> None:
    """SDK tests test_data_rows.py, test_data_row_update."""
    [created] = import_rows(empty, dataset, [{"row_data": {"pdfUrl": PDF, layer: f"{PDF}.json"}}])
    row = find_row(empty, created["id"])
    assert (row["rowData"], row["mediaAttributes"]["textLayerUrl"]) == (PDF, f"{PDF}.json")


@pytest.mark.parametrize("text", ["שלום 🙂", "line\u2028break", "<b>&amp;", "x" * 100_000, ' {"not": "a document'])
def test_a_text_stays_as_it_is(empty: MockWorkspace, dataset: str, text: str) -> None:
    [created] = import_rows(empty, dataset, [{"row_data": text}])
    assert created["rowData"] == text == find_row(empty, created["id"])["rowData"]


# Changing


@pytest.mark.known("client")
@pytest.mark.parametrize("key", ["ID", "GKEY"])
def test_an_upsert_changes_what_is_sent_and_nothing_else(empty: MockWorkspace, dataset: str, key: str) -> None:
    sent = {"row_data": URL, "global_key": "key", "external_id": "old", "attachments": [{"type": "HTML", "value": "a"}]}
    [created] = import_rows(empty, dataset, [sent])
    value = created["id"] if key == "ID" else "key"
    task = upsert(empty, [write_item(dataset, key, value, external_id="new", attachments=[])])
    assert [row["id"] for row in list_successes(empty, task["id"])] == [created["id"]]
    row = find_row(empty, created["id"])
    assert (row["externalId"], row["globalKey"], row["rowData"], row["attachments"]) == ("new", "key", URL, [])


@pytest.mark.known("client")
def test_an_upsert_by_an_unknown_global_key_creates_the_row(empty: MockWorkspace, dataset: str) -> None:
    task = upsert(empty, [write_item(dataset, "GKEY", "fresh", row_data=URL)])
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


# Refusals, row by row


@pytest.mark.known("client")
def test_a_global_key_is_given_once_within_a_call_and_in_the_world(empty: MockWorkspace, dataset: str) -> None:
    """SDK tests test_data_rows.py, test_data_row_bulk_creation_with_same_global_keys."""
    twice = [write_item(dataset, row_data=f"{URL}?{number}", global_key="same") for number in range(2)]
    task = upsert(empty, twice)
    assert [row["rowData"] for row in list_successes(empty, task["id"])] == [f"{URL}?0"]
    [failure] = list_failures(empty, task["id"])
    assert failure == {
        "message": "Duplicate global key: 'same'",
        "spec": {
            "externalId": None, "globalKey": "same", "rowData": f"{URL}?1", "metadata": None, "attachments": None,
        },
    }  # fmt: skip
    again = upsert(empty, twice[:1])
    assert again["status"] == "COMPLETE"
    assert list_successes(empty, again["id"]) == []
    assert refuse(
        empty, CREATE, data={"rowData": URL, "globalKey": "same", "dataset": {"connect": {"id": dataset}}}
    ) == ("Duplicate global key: 'same'")


@pytest.mark.known("client")
def test_the_global_key_of_a_deleted_row_may_be_given_again(empty: MockWorkspace, dataset: str) -> None:
    """SDK tests test_data_rows.py, test_data_row_delete_and_create_with_same_global_key."""
    [first] = import_rows(empty, dataset, [{"row_data": URL, "global_key": "key"}])
    ask_in(empty, "mutation($ids: [ID!]!) {deleteDataRows(where: {dataRowIds: $ids}) {id}}", ids=[first["id"]])
    [second] = import_rows(empty, dataset, [{"row_data": URL, "global_key": "key"}])
    assert second["id"] != first["id"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "no row_data"),
        ({"row_data": ""}, "row_data is ''"),
        ({"row_data": 7}, "row_data is '7'"),
        ({"row_data": [URL]}, "row_data is"),
        ({"row_data": URL, "media_type": "PICTURE"}, "Unknown media_type 'PICTURE'"),
        ({"row_data": URL, "global_key": 3}, "global_key is '3'"),
        ({"row_data": URL, "external_id": "x" * 10_001}, "external_id is"),
        ({"row_data": URL, "attachment": []}, "unknown key 'attachment'; the nearest known are attachments"),
        ({"row_data": URL, "attachments": "no"}, "must be a list"),
        ({"row_data": URL, "attachments": [{"type": "PICTURE", "value": URL}]}, "the nearest known are"),
        ({"row_data": URL, "attachments": [{"type": "IMAGE"}]}, "expected a URL or a text"),
        ({"row_data": URL, "metadata_fields": {}}, "expected a list of fields"),
        ({"row_data": URL, "metadata_fields": [{"schemaId": "none", "value": 1}]}, "No metadata schema"),
        ({"row_data": URL, "metadata_fields": [{"name": "tags", "value": "x"}]}, "nearest known names are tag"),
        ({"row_data": URL, "metadata_fields": [{"schemaId": TAG, "value": 1}]}, "expected a text"),
        ({"row_data": URL, "metadata_fields": [{"name": "captureDateTime", "value": "soon"}]}, "ISO 8601"),
        ({"row_data": URL, "metadata_fields": [{"schemaId": SPLIT, "value": {}}]}, "without an option"),
        ({"row_data": URL, "metadata_fields": [{"schemaId": SPLIT, "value": "tomorrow"}]}, "one of its options"),
        (
            {"row_data": URL, "metadata_fields": [{"schemaId": TAG, "value": "a"}] * 2},
            f"A schemaId can only be specified once per DataRow : [{TAG}]",
        ),
        ({"row_data": URL, "embeddings": [{"embeddingId": "none", "vector": []}]}, "expected an embeddingId"),
        ({"row_data": URL, "dataset_id": "elsewhere"}, "Dataset not found: 'elsewhere'"),
        ({"row_data": {"type": TALK["type"], "messages": ["hello"]}}, "messages of a conversation"),
        ({"row_data": {"a": 1}, "media_type": "IMAGE"}, "Expected type image/*, detected: application/json"),
        ({"row_data": TALK, "media_type": "image"}, "Expected type image/*, detected: application/json"),
        ({"row_data": TALK, "media_type": "VIDEO"}, "Expected type video/*, detected: application/json"),
        ({"row_data": TALK, "media_type": "TMS_GEO"}, "Found invalid contents for media type: 'TMS_GEO'"),
        (
            {"row_data": TILES, "media_type": "CONVERSATIONAL"},
            "Found invalid contents for media type: 'CONVERSATIONAL'",
        ),
        ({"row_data": {"pdf_url": PDF}, "media_type": "TEXT"}, "Expected type text/*, detected: application/pdf"),
        ({"row_data": {"pdf_url": PDF}, "media_type": "AUDIO"}, "Expected type audio/*, detected: application/pdf"),
        ({"row_data": "a text", "media_type": "IMAGE"}, "Expected type image/*, detected: text/plain"),
    ],
)
def test_a_row_that_cannot_be_is_refused_and_keeps_no_other_back(
    empty: MockWorkspace, dataset: str, row: dict[str, Any], message: str
) -> None:
    good = write_item(dataset, row_data=URL)
    task = upsert(empty, [good, write_item(dataset, **row), good])
    assert task["status"] == "COMPLETE"
    assert len(list_successes(empty, task["id"])) == 2
    [failure] = list_failures(empty, task["id"])
    assert message in failure["message"]


@pytest.mark.parametrize(
    "item", [None, 3, "x", {}, {"payload": None}, {"id": {"type": "NAME"}, "payload": {}}, {"id": 3}]
)
def test_an_item_of_another_shape_is_refused(empty: MockWorkspace, dataset: str, item: Any) -> None:
    task = upsert(empty, [item, write_item(dataset, row_data=URL)])
    assert (len(list_successes(empty, task["id"])), len(list_failures(empty, task["id"]))) == (1, 1)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "a\0b"])
@pytest.mark.parametrize("key", ["row_data", "global_key", "external_id", "attachments"])
def test_a_text_that_cannot_be_kept_is_refused_alone(empty: MockWorkspace, dataset: str, key: str, text: str) -> None:
    """Half of a surrogate pair, and the character NUL."""
    value: Any = [{"type": "RAW_TEXT", "value": text}] if key == "attachments" else text
    wrong = {"row_data": URL, key: value}
    task = upsert(empty, [write_item(dataset, row_data=URL), write_item(dataset, **wrong)])
    assert (task["status"], count_rows(empty, dataset)) == ("COMPLETE", 1)
    [failure] = list_failures(empty, task["id"])
    assert "expected" in failure["message"]


@pytest.mark.parametrize("key", [("ID", "nobody"), ("GKEY", "nobody")])
def test_a_row_that_does_not_exist_cannot_be_changed(empty: MockWorkspace, dataset: str, key: tuple[str, str]) -> None:
    task = upsert(empty, [write_item(dataset, *key, external_id="x")])
    assert len(list_failures(empty, task["id"])) == 1
    assert count_rows(empty, dataset) == 0


def test_one_bad_row_of_ten_thousand_is_the_only_one_that_is_missing(empty: MockWorkspace, dataset: str) -> None:
    items = [write_item(dataset, row_data=f"{URL}?{number}") for number in range(10_000)]
    items[7_777]["payload"]["media_type"] = "NONE"
    manifest = upload_manifest(empty, items[:5_000], items[5_000:])
    task_id = ask_in(empty, UPSERT, manifestUri=manifest)["upsertDataRows"]["id"]
    wait_for_task(empty, task_id)
    assert count_rows(empty, dataset) == 9_999
    [failure] = list_failures(empty, task_id)
    assert failure["spec"]["rowData"] == f"{URL}?7777"
    page = ask_in(empty, SUCCESSES, taskId=task_id, first=4_000)["successesfulDataRowImports"]
    assert (len(page["nodes"]), page["total"]) == (4_000, 9_999)
    rows, after = page["nodes"], page["after"]
    while after is not None:
        page = ask_in(empty, SUCCESSES, **{"taskId": task_id, "first": 4_000, "from": after})[
            "successesfulDataRowImports"
        ]
        rows, after = rows + page["nodes"], page["after"]
    assert len({row["id"] for row in rows}) == 9_999


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
    task = upsert(empty, [write_item(dataset, row_data=URL)], item_count=2)
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
def test_rows_are_appended_synchronously_all_or_none(empty: MockWorkspace, dataset: str) -> None:
    good = [{"row_data": URL, "global_key": "a"}]
    bad_rows: list[list[dict[str, str]]] = [[{"row_data": URL, "global_key": "a"}], [{}], [{"row_data": URL}] * 1_000]
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


# Progression and pages


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


def test_ids_of_deleted_rows_never_come_back(empty: MockWorkspace, dataset: str) -> None:
    seen: set[str] = set()
    for _ in range(3):
        ids = {row["id"] for row in import_rows(empty, dataset, [{"row_data": URL}] * 3)}
        assert len(ids) == 3
        assert not ids & seen
        seen |= ids
        ask_in(empty, "mutation($ids: [ID!]!) {deleteDataRows(where: {dataRowIds: $ids}) {id}}", ids=sorted(ids))
