"""Bodies of any size take little memory before they are sent, and arrive whole."""

import tempfile
import tracemalloc
from pathlib import Path

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.worlds import many_boxes
from contract_tests.serving import ServedWorld
from mockserver.control.spooled import CHUNK, IN_MEMORY, SpooledBody
from mockserver.errors import ResourceFailed

MEGABYTE = 1024 * 1024


def read(body: SpooledBody) -> bytes:
    content = b"".join(iter(lambda: body.read(CHUNK), b""))
    body.close()
    return content


@given(sizes=st.lists(st.sampled_from([0, 1, CHUNK, IN_MEMORY - 1, IN_MEMORY, IN_MEMORY + 1]), max_size=4))
@settings(max_examples=30, deadline=None)
def test_a_body_is_its_texts_in_order(sizes: list[int]) -> None:
    texts = [bytes([number]) * size for number, size in enumerate(sizes)]
    body = SpooledBody(iter(texts))
    assert body.size == sum(sizes)
    assert read(body) == b"".join(texts)


def test_a_long_body_is_not_in_memory() -> None:
    text = b"a" * MEGABYTE
    tracemalloc.start()
    body = SpooledBody(text for _ in range(64))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert body.size == 64 * MEGABYTE
    body.close()
    assert peak < 16 * MEGABYTE


def test_a_missing_folder_for_temporary_files_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert read(SpooledBody([b"short"])) == b"short", "what is short needs no file"
    with pytest.raises(ResourceFailed, match="gone"):
        SpooledBody(b"a" * MEGABYTE for _ in range(5))


def test_expected_rows_of_many_megabytes_arrive_whole(tmp_path: Path) -> None:
    with ServedWorld(scenario=str(many_boxes(tmp_path, labelled=3_000))) as server:
        params = {"label_details": True, "project_details": True, "data_row_details": True, "attachments": True}
        url = f"{server.url}/_mock/expected"
        answer = requests.post(
            url, params={"api_key": server.api_key}, json={"project": "many", "params": params}, timeout=60
        )
        assert len(answer.content) == int(answer.headers["content-length"]) > IN_MEMORY
        assert answer.headers["content-type"] == "application/x-ndjson; charset=utf-8"
        assert len({row["data_row"]["id"] for row in server.own.expected_rows("many", params=params)}) == 3_000
