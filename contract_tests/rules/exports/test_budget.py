"""Disk space for results: the oldest give way, and what cannot fit says so."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.exports.budget import Budget, OutOfSpace
from mockserver.exports.results import RESULT, Results, RowBatch


def written(results: Results, task: str, size: int) -> None:
    pieces = (RowBatch(b"x" * 9 + b"\n", 1) for _ in range(size // 10))
    results.write(task, RESULT, pieces, lambda _: None)
    results.finish(task)


def test_the_oldest_results_give_way(tmp_path: Path) -> None:
    space = Budget(100)
    results = Results(tmp_path, space)
    for task in "abcd":
        written(results, task, 40)
    assert sorted(results.task_ids()) == ["c", "d"]
    assert space.taken == 80


def test_results_of_all_workspaces_share_the_space(tmp_path: Path) -> None:
    space = Budget(100)
    one, other = Results(tmp_path / "1", space), Results(tmp_path / "2", space)
    written(one, "a", 60)
    written(other, "b", 60)
    assert (one.task_ids(), other.task_ids()) == ([], ["b"])


def test_an_export_that_cannot_fit_is_told_the_limit_and_the_setting(tmp_path: Path) -> None:
    results = Results(tmp_path, Budget(2 * 1024 * 1024))
    written(results, "old", 100)
    with pytest.raises(OutOfSpace, match=r"passes the limit of 2 MiB; .*--results-limit"):
        results.write("new", RESULT, [RowBatch(b"x" * 2**20, 1)] * 3, lambda _: None)
    assert "old" not in results.task_ids()
    results.delete("new")
    written(results, "next", 1000)


def test_exports_that_crowd_each_other_out_are_told_so(tmp_path: Path) -> None:
    results = Results(tmp_path, Budget(100))
    results.write("one", RESULT, [RowBatch(b"x" * 60, 1)], lambda _: None)
    with pytest.raises(OutOfSpace, match="2 exports at once"):
        results.write("two", RESULT, [RowBatch(b"x" * 60, 1)], lambda _: None)


def test_what_is_being_written_does_not_give_way(tmp_path: Path) -> None:
    results = Results(tmp_path, Budget(100))
    results.write("growing", RESULT, [RowBatch(b"x" * 50, 1)], lambda _: None)
    written(results, "a", 40)
    written(results, "b", 40)
    assert sorted(results.task_ids()) == ["b", "growing"]


def test_results_of_an_earlier_run_count(tmp_path: Path) -> None:
    written(Results(tmp_path, Budget(1000)), "kept", 70)
    space = Budget(100)
    again = Results(tmp_path, space)
    assert space.taken == 70
    written(again, "new", 40)
    assert again.task_ids() == ["new"]


def test_single_files_count_beside_folders_and_the_oldest_of_both_gives_way(tmp_path: Path) -> None:
    space = Budget(100)
    results, file = Results(tmp_path / "results", space), tmp_path / "labels.json"
    file.write_bytes(b"x" * 40)
    space.take(file, 40)
    space.finish(file)
    written(results, "a", 40)
    written(results, "b", 40)
    assert (file.exists(), sorted(results.task_ids()), space.taken) == (False, ["a", "b"], 80)


def test_of_an_earlier_run_the_oldest_gives_way_whichever_workspace_it_is_of(tmp_path: Path) -> None:
    for age, name in enumerate(["2/old", "1/older"]):
        place = tmp_path / name
        place.mkdir(parents=True)
        (place / "0.ndjson").write_bytes(b"x" * 40)
        os.utime(place, (1_000_000 - age, 1_000_000 - age))
    space = Budget(100)
    first, second = Results(tmp_path / "1", space), Results(tmp_path / "2", space)
    written(first, "new", 40)
    assert (first.task_ids(), second.task_ids()) == (["new"], ["old"])


def test_a_folder_that_is_gone_frees_what_stood_below(tmp_path: Path) -> None:
    space = Budget(1000)
    written(Results(tmp_path / "w" / "results", space), "a", 70)
    written(Results(tmp_path / "wx" / "results", space), "a", 30)
    space.free(tmp_path / "w")
    assert space.taken == 30


@given(sizes=st.lists(st.integers(0, 60).map(lambda tens: 10 * tens), max_size=12))
@settings(max_examples=30, deadline=None)
def test_never_more_is_on_the_disk_than_is_allowed(tmp_path_factory: pytest.TempPathFactory, sizes: list[int]) -> None:
    folder = tmp_path_factory.mktemp("space")
    space = Budget(600)
    results = Results(folder, space)
    for number, size in enumerate(sizes):
        written(results, str(number), size)
        there = sum(path.stat().st_size for path in folder.rglob("*.ndjson"))
        assert there == space.taken <= 600
