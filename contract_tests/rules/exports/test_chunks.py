"""Chunk arithmetic: offsets and lines are global, zero-based and inclusive (SDK export_task.py)."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.exports.chunks import TARGET, Chunk, ChunkPlanner, Stream

BATCHES = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 5)).map(lambda pair: (max(pair), pair[1])), max_size=30)
"""(bytes, whole lines), each line at least its newline."""
TARGETS = st.integers(1, 120)


def cut(batches: list[tuple[int, int]], target: int) -> tuple[list[str], Stream]:
    """The file of each batch, and the stream."""
    planner = ChunkPlanner(target)
    return [planner.place(size, lines) for size, lines in batches], planner.build_stream()


@given(BATCHES, TARGETS)
def test_files_follow_one_another_without_gap_or_overlap(batches: list[tuple[int, int]], target: int) -> None:
    _, stream = cut(batches, target)
    starts = [(chunk.start, chunk.first_line) for chunk in stream.chunks]
    ends = [(chunk.end + 1, chunk.last_line + 1) for chunk in stream.chunks]
    assert starts == [(0, 0), *ends][: len(starts)]
    assert [chunk.file for chunk in stream.chunks] == [f"{index}.ndjson" for index in range(len(starts))]


@given(BATCHES, TARGETS)
def test_the_batches_of_a_file_are_its_bytes_and_lines(batches: list[tuple[int, int]], target: int) -> None:
    places, stream = cut(batches, target)
    for chunk in stream.chunks:
        inside = [batch for batch, place in zip(batches, places, strict=True) if place == chunk.file]
        assert chunk.end - chunk.start + 1 == sum(size for size, _ in inside)
        assert chunk.last_line - chunk.first_line + 1 == sum(lines for _, lines in inside)
        assert len(inside) == 1 or chunk.end - chunk.start + 1 <= target


@given(BATCHES, TARGETS)
def test_a_file_is_only_begun_when_the_next_batch_would_pass_the_target(
    batches: list[tuple[int, int]], target: int
) -> None:
    places, _ = cut(batches, target)
    filled = 0
    for index, (size, _) in enumerate(batches):
        new = index == 0 or places[index] != places[index - 1]
        assert new == (index == 0 or filled + size > target)
        filled = size if new else filled + size


@given(BATCHES, TARGETS)
def test_the_whole_is_the_sum_of_its_batches(batches: list[tuple[int, int]], target: int) -> None:
    _, stream = cut(batches, target)
    assert stream.total_size == sum(size for size, _ in batches)
    assert stream.total_lines == sum(lines for _, lines in batches)


@given(BATCHES, TARGETS, st.integers(-3, 1300))
def test_a_byte_and_a_line_are_found_where_a_linear_search_finds_them(
    batches: list[tuple[int, int]], target: int, at: int
) -> None:
    _, stream = cut(batches, target)
    assert stream.find_by_offset(at) == next((c for c in stream.chunks if c.start <= at <= c.end), None)
    assert stream.find_by_line(at) == next((c for c in stream.chunks if c.first_line <= at <= c.last_line), None)


@pytest.mark.known("client")
@given(BATCHES.filter(bool), TARGETS)
def test_the_sdks_walk_reads_every_byte_once(batches: list[tuple[int, int]], target: int) -> None:
    """It requests the file at end + 1 until that reaches the total (export_task.py 7.17.0)."""
    _, stream = cut(batches, target)
    offset, seen = 0, []
    while offset < stream.total_size:
        chunk = stream.find_by_offset(offset)
        assert chunk is not None
        seen.append(chunk.end - chunk.start + 1)
        offset = chunk.end + 1
    assert list(accumulate(seen))[-1] == stream.total_size


@pytest.mark.known("client")
def test_an_empty_stream_holds_nothing_at_all() -> None:
    """Its header on the wire is null, not {0, 0} (wire trap 12)."""
    stream = ChunkPlanner().build_stream()
    assert (stream.chunks, stream.total_size, stream.total_lines) == ((), 0, 0)
    assert (stream.find_by_offset(0), stream.find_by_line(0)) == (None, None)


def test_a_batch_larger_than_the_target_has_a_file_of_its_own() -> None:
    places, stream = cut([(10, 1), (TARGET + 1, 2), (10, 1)], TARGET)
    assert places == ["0.ndjson", "1.ndjson", "2.ndjson"]
    assert stream.chunks[1] == Chunk(10, TARGET + 10, 1, 2, "1.ndjson")
