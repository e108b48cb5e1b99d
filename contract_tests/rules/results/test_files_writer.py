"""Files that are written in a thread of their own are those that are written directly, or none of them is complete."""

import threading
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.results.memory_results import MemoryResults, MemoryWriter
from mockserver.errors import ResourceFailed
from mockserver.results.files_writer import PIECE, open_files_writer


class RemoteResults(MemoryResults):
    """Results that are written in a thread. The write with the number `failing` fails."""

    remote = True

    def __init__(self, failing: int | None = None) -> None:
        super().__init__()
        self.failing = failing
        self.writes = 0
        self.complete: list[str] = []
        self.threads: set[str] = set()

    def create(self, name: str) -> MemoryWriter:
        return RemoteWriter(self, name, super().create(name))


class RemoteWriter(MemoryWriter):
    def __init__(self, results: RemoteResults, name: str, writer: MemoryWriter) -> None:
        self._results, self._name, self._writer = results, name, writer

    def write(self, data: bytes) -> None:
        if self._results.writes == self._results.failing:
            raise ResourceFailed("the store is gone")
        self._results.writes += 1
        self._results.threads.add(threading.current_thread().name)
        self._writer.write(data)

    def close(self) -> None:
        self._results.complete.append(self._name)

    def abandon(self) -> None:
        pass


BATCHES = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([b"", b"a", b"bc" * 1_000, b"d" * PIECE, b"e" * (2 * PIECE + 1)])),
    min_size=1,
    max_size=12,
).map(lambda batches: sorted(batches, key=lambda batch: batch[0]))
"""Numbers of files in their order, each with some bytes."""


def write(results: MemoryResults, batches: list[tuple[int, bytes]]) -> None:
    writer = open_files_writer(results)
    try:
        for number, data in batches:
            writer.write(f"{number}.ndjson", data)
        writer.close()
    except BaseException:
        writer.abandon()
        raise


@given(batches=BATCHES)
@settings(max_examples=50, deadline=None)
def test_each_file_is_its_bytes_in_order(batches: list[tuple[int, bytes]]) -> None:
    results = RemoteResults()
    write(results, batches)
    expected = {
        f"{number}.ndjson": b"".join(data for _, data in group)
        for number, group in groupby(batches, lambda batch: batch[0])
    }
    assert results.complete == list(expected)
    for name, content in expected.items():
        reader = results.open(name)
        assert reader.read(0, reader.size) == content


@given(batches=BATCHES, failing=st.integers(0, 12))
@settings(max_examples=50, deadline=None)
def test_no_file_is_complete_that_lacks_bytes(batches: list[tuple[int, bytes]], failing: int) -> None:
    whole = RemoteResults()
    write(whole, batches)
    results = RemoteResults(failing)
    if failing >= whole.writes:
        write(results, batches)
        assert results.complete == whole.complete
        return
    with pytest.raises(ResourceFailed, match="the store is gone"):
        write(results, batches)
    for name in results.complete:
        assert results.size(name) == whole.size(name)


def test_only_large_exports_have_a_thread() -> None:
    own_thread = threading.current_thread().name
    small, large = RemoteResults(), RemoteResults()
    write(small, [(0, b"a" * (PIECE - 1)), (0, b"a")])
    write(large, [(0, b"a" * PIECE), (0, b"a")])
    assert small.threads == {own_thread}
    assert own_thread not in large.threads


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    write(RemoteResults(), [(number, b"a" * PIECE) for number in range(4)])
    with pytest.raises(ResourceFailed):
        write(RemoteResults(2), [(number, b"a" * PIECE) for number in range(4)])
    assert threading.active_count() == before


def test_a_machine_without_another_thread_writes_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    results = RemoteResults()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        write(results, [(number, bytes([number]) * PIECE) for number in range(4)])
    assert [results.open(name).read(0, 1) for name in results.complete] == [b"\x00", b"\x01", b"\x02", b"\x03"]
