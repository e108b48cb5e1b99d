"""The media attributes of clips, wherever they are told: eleven keys with the figures of the file that is served."""

import json
import struct
import time
from typing import Any

import pytest

from contract_tests.rules.api.asking import PATIENCE, ask, get
from contract_tests.serving import ServedWorld

KEYS = [
    "codec", "width", "height", "codecTag", "duration", "mimeType", "codecName", "frameRate", "frameCount",
    "contentLength", "sampleAspectRatio",
]  # fmt: skip
"""Of the sample of 2023-02, in its order."""
ROWS = "query($id: ID!){dataset(where: {id: $id}){dataRows{id rowData mediaAttributes}}}"
FILE = "mutation($id: ID!){%s(data: {%s: $id}){downloadUrl}}"


@pytest.fixture(scope="module")
def rows(server: ServedWorld) -> dict[str, Any]:
    """The clips of the default world by their id."""
    found = ask(server, ROWS, {"id": server.own.dataset("video rows")}).data["dataset"]["dataRows"]
    return {row["id"]: row for row in found}


@pytest.mark.known("sample")
def test_the_figures_of_a_clip_are_those_of_its_file(server: ServedWorld, rows: dict[str, Any]) -> None:
    for row in rows.values():
        told, file = row["mediaAttributes"], get(server, row["rowData"])
        assert [*told] == KEYS
        assert told["contentLength"] == len(file.body) == int(file.headers["content-length"])
        assert told["mimeType"] == file.headers["content-type"]
        width, height = struct.unpack(">II", part(file.body, b"tkhd")[-8:])  # in 65536ths of a pixel
        assert (told["width"] << 16, told["height"] << 16) == (width, height)
        ticks, length = struct.unpack(">II", part(file.body, b"mvhd")[12:20])
        assert told["duration"] == round(length / ticks)
        count, ticks_of_each = struct.unpack(">II", part(file.body, b"stts")[8:16])
        assert told["frameCount"] == count
        assert told["frameRate"] == pytest.approx(ticks / ticks_of_each)
        assert told["codec"].encode() == part(file.body, b"stsd")[12:16]
        assert int(told["codecTag"], 16).to_bytes(4, "little").decode() == told["codec"]
        assert (told["codecName"], told["sampleAspectRatio"]) == ("h264", "1:1")


def part(file: bytes, kind: bytes) -> bytes:
    """What a box of an MP4 holds."""
    start = file.index(kind)
    size = int.from_bytes(file[start - 4 : start], "big")
    return file[start + 4 : start - 4 + size]


def downloaded(server: ServedWorld, mutation: str, name: str, id_: str) -> bytes:
    """A file of Export V1, asked for until it is there."""
    until = time.monotonic() + PATIENCE
    while (url := ask(server, FILE % (mutation, name), {"id": id_}).data[mutation]["downloadUrl"]) is None:
        assert time.monotonic() < until
        time.sleep(0.05)
    return get(server, url).body


@pytest.mark.known("sample")
@pytest.mark.parametrize(
    ("mutation", "name"), [("exportDatasetDataRows", "datasetId"), ("exportQueuedDataRows", "projectId")]
)
def test_files_of_data_rows_tell_the_same(server: ServedWorld, rows: dict[str, Any], mutation: str, name: str) -> None:
    asked = {"datasetId": server.own.dataset("video rows"), "projectId": server.projects["video"]}
    lines = [json.loads(line) for line in downloaded(server, mutation, name, asked[name]).splitlines()]
    assert lines
    for line in lines:
        assert list(line["mediaAttributes"].items()) == list(rows[line["id"]]["mediaAttributes"].items())


@pytest.mark.known("inferred")
def test_labels_of_clips_tell_the_same(server: ServedWorld, rows: dict[str, Any]) -> None:
    found = json.loads(downloaded(server, "exportLabels", "projectId", server.projects["video"]))
    assert found
    for element in found:
        assert element["Media Attributes"] == rows[element["DataRow ID"]]["mediaAttributes"]


@pytest.mark.known("client")
def test_numbers_of_media_attributes_are_whole_where_they_can_be(rows: dict[str, Any]) -> None:
    rates = [row["mediaAttributes"]["frameRate"] for row in rows.values()]
    assert all(isinstance(rate, int) for rate in rates if rate == int(rate))
