"""Result files on disk: the pieces joined are the whole, and every file ends at a newline."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.exports import chunks
from mockserver.exports.streams import ERRORS, RESULT, RowBatch, Streams, TaskResults, file_name, parse_streams
from mockserver.results.budget import Budget
from mockserver.results.folder_results import FolderResults

LINES = st.lists(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b" ") + b"\n"), min_size=1))


@given(pieces=LINES, target=st.integers(1, 100))
@settings(max_examples=40, deadline=None)
def test_the_files_joined_are_the_pieces_joined(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[list[bytes]], target: int
) -> None:
    folder = tmp_path_factory.mktemp("results")
    results = TaskResults(FolderResults(folder), Budget(2**40))
    with pytest.MonkeyPatch.context() as patch:  # a target of 4 MiB would need pieces as large
        patch.setattr(chunks.ChunkPlanner.__init__, "__defaults__", (target,))
        stream = results.write(
            "task", RESULT, [RowBatch(b"".join(lines), len(lines)) for lines in pieces], lambda lines: None
        )
    bodies = [(folder / file_name("task", RESULT, chunk.file)).read_bytes() for chunk in stream.chunks]
    assert b"".join(bodies) == b"".join(map(b"".join, pieces))
    assert all(body.endswith(b"\n") for body in bodies)
    assert [len(body) for body in bodies] == [chunk.end - chunk.start + 1 for chunk in stream.chunks]
    assert [body.count(b"\n") for body in bodies] == [c.last_line - c.first_line + 1 for c in stream.chunks]


def test_a_listener_hears_of_every_batch(tmp_path: Path) -> None:
    heard: list[int] = []
    TaskResults(FolderResults(tmp_path), Budget(2**40)).write(
        "task", RESULT, [RowBatch(b"1\n2\n", 2), RowBatch(b"3\n", 1)], heard.append
    )
    assert heard == [2, 3]


def test_a_writer_that_is_stopped_leaves_no_file_open(tmp_path: Path) -> None:
    def stop(_lines: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        TaskResults(FolderResults(tmp_path), Budget(2**40)).write("task", RESULT, [RowBatch(b"1\n", 1)], stop)
    TaskResults(FolderResults(tmp_path), Budget(2**40)).delete("task")
    assert list((tmp_path / "results").iterdir()) == []


def test_streams_are_read_back_as_they_were_written() -> None:
    streams = Streams(RESULT=chunks.Stream((chunks.Chunk(0, 9, 0, 1, "0.ndjson"),)))
    assert parse_streams(streams.text()) == streams
    assert (streams.stream(RESULT).total_size, streams.stream(ERRORS).total_size) == (10, 0)
