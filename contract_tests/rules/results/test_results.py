"""The laws of the interface behind which results are kept; every implementation keeps them."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.errors import ResourceFailed
from mockserver.results.folder_results import FolderResults
from mockserver.results.interface import Results

CONTENT = bytes(range(100))


def write(results: Results, name: str, *parts: bytes) -> None:
    writer = results.create(name)
    for part in parts:
        writer.write(part)
    writer.close()


def read(results: Results, name: str) -> bytes:
    reader = results.open(name)
    try:
        return reader.read(0, reader.size)
    finally:
        reader.close()


def names(results: Results, below: str) -> list[str]:
    return [file.name for file in results.list(below)]


@given(parts=st.lists(st.binary(max_size=50), max_size=5))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_is_its_parts_in_order(results: Results, parts: list[bytes]) -> None:
    write(results, "results/task/RESULT/0.ndjson", *parts)
    content = b"".join(parts)
    assert read(results, "results/task/RESULT/0.ndjson") == content
    assert results.size("results/task/RESULT/0.ndjson") == len(content)


@pytest.mark.parametrize(("first", "most"), [(0, 100), (0, 0), (10, 20), (99, 5), (100, 1), (500, 1)])
def test_any_range_can_be_read(results: Results, first: int, most: int) -> None:
    write(results, "legacy/a.json", CONTENT)
    reader = results.open("legacy/a.json")
    assert (reader.size, reader.read(first, most)) == (100, CONTENT[first : first + most])
    assert reader.read(0, 1) == CONTENT[:1], "ranges may be read in any order"
    reader.close()


def test_a_file_replaces_an_earlier_one_of_its_name(results: Results) -> None:
    write(results, "legacy/a.json", b"earlier and longer")
    write(results, "legacy/a.json", b"later")
    assert read(results, "legacy/a.json") == b"later"
    assert names(results, "legacy") == ["legacy/a.json"]


def test_an_open_file_stays_readable_when_it_is_deleted(results: Results) -> None:
    write(results, "legacy/a.json", CONTENT)
    reader = results.open("legacy/a.json")
    results.delete("legacy/a.json")
    assert reader.read(50, 10) == CONTENT[50:60]
    reader.close()


@pytest.mark.parametrize("name", ["legacy/missing.json", "missing/0.ndjson", "legacy/a.json/0.ndjson"])
def test_a_missing_file_is_not_found(results: Results, name: str) -> None:
    write(results, "legacy/a.json", CONTENT)
    with pytest.raises(FileNotFoundError):
        results.open(name)
    with pytest.raises(FileNotFoundError):
        results.size(name)
    results.delete(name)
    assert names(results, "legacy") == ["legacy/a.json"]


def test_all_files_below_a_name_are_listed_and_deleted_together(results: Results) -> None:
    for name in ("results/b/RESULT/0.ndjson", "results/a/RESULT/1.ndjson", "results/a/ERRORS/0.ndjson", "legacy/a"):
        write(results, name, b"123")
    assert [(file.name, file.size) for file in results.list("results")] == [
        ("results/a/ERRORS/0.ndjson", 3),
        ("results/a/RESULT/1.ndjson", 3),
        ("results/b/RESULT/0.ndjson", 3),
    ]
    results.delete("results/a")
    assert (names(results, "results"), names(results, "legacy")) == (["results/b/RESULT/0.ndjson"], ["legacy/a"])


def test_a_name_that_begins_like_another_is_not_below_it(results: Results) -> None:
    write(results, "results/task/0.ndjson", b"1")
    write(results, "results/task-2/0.ndjson", b"2")
    results.delete("results/task")
    assert names(results, "results") == ["results/task-2/0.ndjson"]


def test_files_say_in_which_order_they_were_written(results: Results) -> None:
    for name in "cab":
        write(results, f"legacy/{name}", b"1")
    files = sorted(results.list("legacy"), key=lambda file: file.modified_at)
    times = [file.modified_at for file in files]
    assert times == sorted(times)
    assert {file.name for file in files} == {"legacy/a", "legacy/b", "legacy/c"}


def test_a_folder_of_results_that_is_gone_is_not_created_again(tmp_path: Path) -> None:
    """An export that begins while its workspace is deleted would leave a folder in the way of the next one."""
    results = FolderResults(tmp_path / "deleted" / "life")
    with pytest.raises(ResourceFailed, match="It was deleted or moved"):
        results.create("results/task/RESULT/0.ndjson")
    assert not (tmp_path / "deleted").exists()
