"""An imported data row is there as it was sent, with the media type that follows from it."""

import json
from typing import Any

import pytest
import requests

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.graphql.resolvers.imported_rows import (
    APPEND_SYNC,
    PDF,
    SPLIT,
    TAG,
    TALK,
    TRAIN,
    URL,
    find_row,
)
from contract_tests.rules.api.uploading import import_rows, upload
from mockserver.testing import MockWorkspace


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
