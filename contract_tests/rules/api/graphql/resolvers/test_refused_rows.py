"""Data rows that cannot be imported are refused one by one, each with its reason, and keep no other back."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.graphql.resolvers.imported_rows import CREATE, PDF, SPLIT, TAG, TALK, URL, count_rows
from contract_tests.rules.api.uploading import (
    SUCCESSES,
    UPSERT,
    import_items,
    list_failures,
    list_successes,
    refuse,
    upload_manifest,
    wait_for_task,
    write_item,
)
from mockserver.testing import MockWorkspace

TILES = {"tileLayerUrl": "https://example.com/{z}/{x}/{y}.png", "epsg": "EPSG4326"}


@pytest.mark.known("client")
def test_a_global_key_is_given_once_within_a_call_and_in_the_world(empty: MockWorkspace, dataset: str) -> None:
    """SDK tests test_data_rows.py, test_data_row_bulk_creation_with_same_global_keys."""
    twice = [write_item(dataset, row_data=f"{URL}?{number}", global_key="same") for number in range(2)]
    task = import_items(empty, twice)
    assert [row["rowData"] for row in list_successes(empty, task["id"])] == [f"{URL}?0"]
    [failure] = list_failures(empty, task["id"])
    assert failure == {
        "message": "Duplicate global key: 'same'",
        "spec": {
            "externalId": None, "globalKey": "same", "rowData": f"{URL}?1", "metadata": None, "attachments": None,
        },
    }  # fmt: skip
    again = import_items(empty, twice[:1])
    assert again["status"] == "COMPLETE"
    assert list_successes(empty, again["id"]) == []
    assert refuse(
        empty, CREATE, data={"rowData": URL, "globalKey": "same", "dataset": {"connect": {"id": dataset}}}
    ) == ("Duplicate global key: 'same'")


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
    task = import_items(empty, [good, write_item(dataset, **row), good])
    assert task["status"] == "COMPLETE"
    assert len(list_successes(empty, task["id"])) == 2
    [failure] = list_failures(empty, task["id"])
    assert message in failure["message"]


@pytest.mark.parametrize(
    "item", [None, 3, "x", {}, {"payload": None}, {"id": {"type": "NAME"}, "payload": {}}, {"id": 3}]
)
def test_an_item_of_another_shape_is_refused(empty: MockWorkspace, dataset: str, item: Any) -> None:
    task = import_items(empty, [item, write_item(dataset, row_data=URL)])
    assert (len(list_successes(empty, task["id"])), len(list_failures(empty, task["id"]))) == (1, 1)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "a\0b"])
@pytest.mark.parametrize("key", ["row_data", "global_key", "external_id", "attachments"])
def test_a_text_that_cannot_be_kept_is_refused_alone(empty: MockWorkspace, dataset: str, key: str, text: str) -> None:
    """Half of a surrogate pair, and the character NUL."""
    value: Any = [{"type": "RAW_TEXT", "value": text}] if key == "attachments" else text
    wrong = {"row_data": URL, key: value}
    task = import_items(empty, [write_item(dataset, row_data=URL), write_item(dataset, **wrong)])
    assert (task["status"], count_rows(empty, dataset)) == ("COMPLETE", 1)
    [failure] = list_failures(empty, task["id"])
    assert "expected" in failure["message"]


@pytest.mark.parametrize("key", [("ID", "nobody"), ("GKEY", "nobody")])
def test_a_row_that_does_not_exist_cannot_be_changed(empty: MockWorkspace, dataset: str, key: tuple[str, str]) -> None:
    task = import_items(empty, [write_item(dataset, *key, external_id="x")])
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
