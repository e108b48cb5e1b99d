"""The limit of bytes for results: the oldest are deleted, and an export that cannot fit names the limit."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.exports.streams import RESULT, RowBatch, TaskResults
from mockserver.results.budget import Budget, OutOfSpace
from mockserver.results.folder_results import FolderResults


def write(results: TaskResults, task: str, size: int) -> None:
    batches = (RowBatch(b"x" * 9 + b"\n", 1) for _ in range(size // 10))
    results.write(task, RESULT, batches, lambda _: None)
    results.finish(task)


def results_in(folder: Path) -> FolderResults:
    """Results in a folder, which is created if needed."""
    folder.mkdir(exist_ok=True)
    return FolderResults(folder)


def test_the_oldest_results_are_deleted(tmp_path: Path) -> None:
    budget = Budget(100)
    results = TaskResults(FolderResults(tmp_path), budget)
    for task in "abcd":
        write(results, task, 40)
    assert sorted(results.task_ids()) == ["c", "d"]
    assert budget.used == 80


def test_results_of_all_workspaces_share_the_space(tmp_path: Path) -> None:
    budget = Budget(100)
    one, other = TaskResults(results_in(tmp_path / "1"), budget), TaskResults(results_in(tmp_path / "2"), budget)
    write(one, "a", 60)
    write(other, "b", 60)
    assert (one.task_ids(), other.task_ids()) == ([], ["b"])


def test_an_export_that_cannot_fit_names_the_limit_and_the_setting(tmp_path: Path) -> None:
    results = TaskResults(FolderResults(tmp_path), Budget(2 * 1024 * 1024))
    write(results, "old", 100)
    with pytest.raises(OutOfSpace, match=r"exceeds the limit of 2 MiB; .*--results-limit"):
        results.write("new", RESULT, [RowBatch(b"x" * 2**20, 1)] * 3, lambda _: None)
    assert "old" not in results.task_ids()
    results.delete("new")
    write(results, "next", 1000)


def test_exports_that_exceed_the_limit_together_say_so(tmp_path: Path) -> None:
    results = TaskResults(FolderResults(tmp_path), Budget(100))
    results.write("one", RESULT, [RowBatch(b"x" * 60, 1)], lambda _: None)
    with pytest.raises(OutOfSpace, match="2 simultaneous exports"):
        results.write("two", RESULT, [RowBatch(b"x" * 60, 1)], lambda _: None)


def test_results_that_are_being_written_are_not_deleted(tmp_path: Path) -> None:
    results = TaskResults(FolderResults(tmp_path), Budget(100))
    results.write("growing", RESULT, [RowBatch(b"x" * 50, 1)], lambda _: None)
    write(results, "a", 40)
    write(results, "b", 40)
    assert sorted(results.task_ids()) == ["b", "growing"]


def test_results_of_an_earlier_run_count(tmp_path: Path) -> None:
    write(TaskResults(FolderResults(tmp_path), Budget(1000)), "kept", 70)
    budget = Budget(100)
    again = TaskResults(FolderResults(tmp_path), budget)
    assert budget.used == 70
    write(again, "new", 40)
    assert again.task_ids() == ["new"]


def test_single_files_count_like_folders_and_the_oldest_of_both_is_deleted(tmp_path: Path) -> None:
    budget = Budget(100)
    folder = FolderResults(tmp_path)
    results = TaskResults(folder, budget)
    file = folder.create("legacy/labels.json")
    file.write(b"x" * 40)
    file.close()
    budget.take(folder, "legacy/labels.json", 40)
    budget.finish(folder, "legacy/labels.json")
    write(results, "a", 40)
    write(results, "b", 40)
    assert (folder.list("legacy"), sorted(results.task_ids()), budget.used) == ([], ["a", "b"], 80)


def test_the_oldest_results_of_an_earlier_run_are_deleted_in_every_workspace(tmp_path: Path) -> None:
    for age, name in enumerate(["2/results/old", "1/results/older"]):
        file = tmp_path / name / "RESULT" / "0.ndjson"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x" * 40)
        os.utime(file, (1_000_000 - age, 1_000_000 - age))
    budget = Budget(100)
    first, second = (
        TaskResults(results_in(tmp_path / "1"), budget),
        TaskResults(results_in(tmp_path / "2"), budget),
    )
    write(first, "new", 40)
    assert (first.task_ids(), second.task_ids()) == (["new"], ["old"])


def test_results_that_were_deleted_as_a_whole_are_not_counted(tmp_path: Path) -> None:
    budget = Budget(1000)
    one, other = results_in(tmp_path / "w"), results_in(tmp_path / "wx")
    write(TaskResults(one, budget), "a", 70)
    write(TaskResults(other, budget), "a", 30)
    budget.forget(one)
    assert budget.used == 30


@given(sizes=st.lists(st.integers(0, 60).map(lambda tens: 10 * tens), max_size=12))
@settings(max_examples=30, deadline=None)
def test_never_more_is_on_the_disk_than_is_allowed(tmp_path_factory: pytest.TempPathFactory, sizes: list[int]) -> None:
    folder = tmp_path_factory.mktemp("space")
    budget = Budget(600)
    results = TaskResults(FolderResults(folder), budget)
    for number, size in enumerate(sizes):
        write(results, str(number), size)
        size_on_disk = sum(path.stat().st_size for path in folder.rglob("*.ndjson"))
        assert size_on_disk == budget.used <= 600
