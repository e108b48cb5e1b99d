"""Chunk arithmetic: offsets and lines are global, zero-based and inclusive (SDK export_task.py)."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.exports.chunks import TARGET, Chunk, ChunkPlanner, Stream

PIECES = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 5)).map(lambda pair: (max(pair), pair[1])), max_size=30)
"""(bytes, whole lines), each line at least its newline."""
TARGETS = st.integers(1, 120)


def cut(pieces: list[tuple[int, int]], target: int) -> tuple[list[str], Stream]:
    """Where each piece went, and the stream."""
    cutter = ChunkPlanner(target)
    return [cutter.place(size, lines) for size, lines in pieces], cutter.stream()


@given(PIECES, TARGETS)
def test_files_follow_one_another_without_gap_or_overlap(pieces: list[tuple[int, int]], target: int) -> None:
    _, stream = cut(pieces, target)
    starts = [(chunk.start, chunk.first_line) for chunk in stream.chunks]
    ends = [(chunk.end + 1, chunk.last_line + 1) for chunk in stream.chunks]
    assert starts == [(0, 0), *ends][: len(starts)]
    assert [chunk.file for chunk in stream.chunks] == [f"{index}.ndjson" for index in range(len(starts))]


@given(PIECES, TARGETS)
def test_the_pieces_of_a_file_are_its_bytes_and_lines(pieces: list[tuple[int, int]], target: int) -> None:
    places, stream = cut(pieces, target)
    for chunk in stream.chunks:
        inside = [piece for piece, place in zip(pieces, places, strict=True) if place == chunk.file]
        assert chunk.end - chunk.start + 1 == sum(size for size, _ in inside)
        assert chunk.last_line - chunk.first_line + 1 == sum(lines for _, lines in inside)
        assert len(inside) == 1 or chunk.end - chunk.start + 1 <= target


@given(PIECES, TARGETS)
def test_a_file_is_only_begun_when_the_next_piece_would_pass_the_target(
    pieces: list[tuple[int, int]], target: int
) -> None:
    places, _ = cut(pieces, target)
    filled = 0
    for index, (size, _) in enumerate(pieces):
        new = index == 0 or places[index] != places[index - 1]
        assert new == (index == 0 or filled + size > target)
        filled = size if new else filled + size


@given(PIECES, TARGETS)
def test_the_whole_is_the_sum_of_its_pieces(pieces: list[tuple[int, int]], target: int) -> None:
    _, stream = cut(pieces, target)
    assert stream.total_size == sum(size for size, _ in pieces)
    assert stream.total_lines == sum(lines for _, lines in pieces)


@given(PIECES, TARGETS, st.integers(-3, 1300))
def test_a_byte_and_a_line_are_found_where_a_patient_search_finds_them(
    pieces: list[tuple[int, int]], target: int, at: int
) -> None:
    _, stream = cut(pieces, target)
    assert stream.at_offset(at) == next((c for c in stream.chunks if c.start <= at <= c.end), None)
    assert stream.at_line(at) == next((c for c in stream.chunks if c.first_line <= at <= c.last_line), None)


@pytest.mark.known("client")
@given(PIECES.filter(bool), TARGETS)
def test_the_sdks_walk_reads_every_byte_once(pieces: list[tuple[int, int]], target: int) -> None:
    """It asks for the file at end + 1 until that reaches the total (export_task.py 7.17.0)."""
    _, stream = cut(pieces, target)
    offset, seen = 0, []
    while offset < stream.total_size:
        chunk = stream.at_offset(offset)
        assert chunk is not None
        seen.append(chunk.end - chunk.start + 1)
        offset = chunk.end + 1
    assert list(accumulate(seen))[-1] == stream.total_size


@pytest.mark.known("client")
def test_an_empty_stream_holds_nothing_at_all() -> None:
    """Its header on the wire is null, not {0, 0} (wire trap 12)."""
    stream = ChunkPlanner().stream()
    assert (stream.chunks, stream.total_size, stream.total_lines) == ((), 0, 0)
    assert (stream.at_offset(0), stream.at_line(0)) == (None, None)


def test_a_piece_larger_than_the_target_has_a_file_of_its_own() -> None:
    places, stream = cut([(10, 1), (TARGET + 1, 2), (10, 1)], TARGET)
    assert places == ["0.ndjson", "1.ndjson", "2.ndjson"]
    assert stream.chunks[1] == Chunk(10, TARGET + 10, 1, 2, "1.ndjson")
