"""The media attributes of clips, in every answer: eleven keys with the figures of the file that is served."""

import json
import struct
from typing import Any

import pytest

from contract_tests.rules.api.asking import ask, get
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for

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
    data_rows = ask(server, ROWS, {"id": server.own.dataset("video rows")}).data["dataset"]["dataRows"]
    return {row["id"]: row for row in data_rows}


@pytest.mark.known("sample")
def test_the_figures_of_a_clip_are_those_of_its_file(server: ServedWorld, rows: dict[str, Any]) -> None:
    for row in rows.values():
        attributes, file = row["mediaAttributes"], get(server, row["rowData"])
        assert [*attributes] == KEYS
        assert attributes["contentLength"] == len(file.body) == int(file.headers["content-length"])
        assert attributes["mimeType"] == file.headers["content-type"]
        width, height = struct.unpack(">II", part(file.body, b"tkhd")[-8:])  # in 65536ths of a pixel
        assert (attributes["width"] << 16, attributes["height"] << 16) == (width, height)
        ticks, length = struct.unpack(">II", part(file.body, b"mvhd")[12:20])
        assert attributes["duration"] == round(length / ticks)
        count, ticks_of_each = struct.unpack(">II", part(file.body, b"stts")[8:16])
        assert attributes["frameCount"] == count
        assert attributes["frameRate"] == pytest.approx(ticks / ticks_of_each)
        assert attributes["codec"].encode() == part(file.body, b"stsd")[12:16]
        assert int(attributes["codecTag"], 16).to_bytes(4, "little").decode() == attributes["codec"]
        assert (attributes["codecName"], attributes["sampleAspectRatio"]) == ("h264", "1:1")


def part(file: bytes, kind: bytes) -> bytes:
    """The content of a box of an MP4."""
    start = file.index(kind)
    size = int.from_bytes(file[start - 4 : start], "big")
    return file[start + 4 : start - 4 + size]


def download(server: ServedWorld, mutation: str, name: str, id_: str) -> bytes:
    """Requests a file of Export V1 until it is finished, and downloads it."""
    url = wait_for(lambda: ask(server, FILE % (mutation, name), {"id": id_}).data[mutation]["downloadUrl"])
    return get(server, url).body


@pytest.mark.known("sample")
@pytest.mark.parametrize(
    ("mutation", "name"), [("exportDatasetDataRows", "datasetId"), ("exportQueuedDataRows", "projectId")]
)
def test_files_of_data_rows_have_the_same_figures(
    server: ServedWorld, rows: dict[str, Any], mutation: str, name: str
) -> None:
    variables = {"datasetId": server.own.dataset("video rows"), "projectId": server.projects["video"]}
    lines = [json.loads(line) for line in download(server, mutation, name, variables[name]).splitlines()]
    assert lines
    for line in lines:
        assert list(line["mediaAttributes"].items()) == list(rows[line["id"]]["mediaAttributes"].items())


@pytest.mark.known("inferred")
def test_labels_of_clips_have_the_same_figures(server: ServedWorld, rows: dict[str, Any]) -> None:
    labels = json.loads(download(server, "exportLabels", "projectId", server.projects["video"]))
    assert labels
    for element in labels:
        assert element["Media Attributes"] == rows[element["DataRow ID"]]["mediaAttributes"]


@pytest.mark.known("client")
def test_numbers_of_media_attributes_are_whole_where_they_can_be(rows: dict[str, Any]) -> None:
    rates = [row["mediaAttributes"]["frameRate"] for row in rows.values()]
    assert all(isinstance(rate, int) for rate in rates if rate == int(rate))
