"""Exports of both kinds, wherever their results are kept: the same bytes as from the world itself."""

import errno
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contract_tests.rules.exports.rows import EVERY_SECTION
from contract_tests.rules.results.test_results import read
from contract_tests.rules.workspaces.test_kept_faults import open_faults
from contract_tests.rules.worlds import build_database, open_store
from mockserver.errors import Conflict
from mockserver.exports.legacy.files import LegacyFiles
from mockserver.exports.legacy.files import file_name as legacy_file_name
from mockserver.exports.legacy.labels import LabelElements
from mockserver.exports.legacy.requests import parse_labels_request
from mockserver.exports.limits import TODAY
from mockserver.exports.request import ExportRequest
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import build_scope
from mockserver.exports.streams import ERRORS, RESULT, file_name
from mockserver.exports.tasks import Exports, get_streams
from mockserver.faults.rule import FaultRule
from mockserver.links import Links
from mockserver.results.budget import MEGABYTE, Budget
from mockserver.results.interface import Results
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.changes.tasks import TaskChanges
from mockserver.world.clause import Clause
from mockserver.world.progression import Delay, Progression
from mockserver.world.records.legacy import LegacyFile
from mockserver.world.records.projects import Project
from mockserver.world.records.tasks import Task, TaskStatus
from mockserver.world.store import Store

HOST = "http://mock"
LINKS = Links.from_name("key", 0)
WAIT = 60
"""Seconds that an export may take on a busy machine."""


class Bench:
    """Both kinds of export over one world and one place for results."""

    def __init__(self, store: Store, results: Results, threads: ThreadPoolExecutor, budget: Budget) -> None:
        self.store, self.results, self.budget = store, results, budget
        self.faults = open_faults(store)
        self._threads = threads
        self.exports = self.reopen()
        self.legacy = LegacyFiles(store, LINKS, results, threads, budget)
        with store.reading() as connection:
            self.project = connection.select(Project, order="created_at, id")[0].id
        self.request = ExportRequest(project_id=self.project, params=EVERY_SECTION)

    def reopen(self) -> Exports:
        """The exports as the next server has them."""
        return Exports(self.store, LINKS, self.results, self._threads, self.budget, self.faults)

    def export(self) -> Task:
        task, future = self.exports.create(self.request, name=None, base_url=HOST)
        future.result(WAIT)
        return self.task(task.id)

    def task(self, task_id: str) -> Task:
        with self.store.reading() as connection:
            [task] = connection.select(Task, Clause("id = :id", id=task_id))
        return task

    def export_labels(self) -> LegacyFile:
        request = parse_labels_request({"projectId": self.project})
        file, future = self.legacy.find_or_start(request, base_url=HOST)
        if future is not None:
            future.result(WAIT)
        return self.legacy.poll(file.id)

    def stream(self, task: Task, name: str) -> bytes:
        chunks = get_streams(task).stream(name).chunks
        return b"".join(read(self.results, file_name(task.id, name, chunk.file)) for chunk in chunks)

    def names(self) -> list[str]:
        return [file.name for below in ("results", "legacy") for file in self.results.list(below)]


@pytest.fixture
def bench(tmp_path: Path, results: Results) -> Iterator[Bench]:
    with open_store(build_database(tmp_path)) as store, ThreadPoolExecutor(2) as threads:
        yield (bench := Bench(store, results, threads, Budget(100 * MEGABYTE)))
        bench.exports.close()
        bench.legacy.close()


def test_a_result_of_v2_is_the_rows_of_the_world(bench: Bench) -> None:
    task = bench.export()
    with bench.store.reading() as connection:
        scope = build_scope(connection, bench.request)
        rows = ExportRows(
            connection, scope, EVERY_SECTION, links=LINKS, host=HOST, task_id=task.id, now=task.created_at
        )
        assert bench.stream(task, RESULT) == rows.render()
    assert bench.budget.used == sum(file.size for file in bench.results.list("results")) > 0


def test_rows_that_fail_are_in_the_stream_of_errors(bench: Bench) -> None:
    rows = ["image-highway-scene-0001"]
    bench.faults.add(FaultRule(fault="export_rows_fail", message="too large", data_rows=rows))
    task = bench.export()
    assert b"too large" in bench.stream(task, ERRORS)
    assert b"image-highway-scene-0001" not in bench.stream(task, RESULT)


def test_an_export_that_fails_leaves_nothing(bench: Bench) -> None:
    bench.faults.add(FaultRule(fault="export_fails", message="all of it"))
    task = bench.export()
    assert (task.status, task.failure, bench.names()) == (TaskStatus.FAILED, "all of it", [])


@pytest.fixture
def unwritable_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """No failure of a task can be written to the database."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TaskChanges, "fail_task", refuse)


def start_failing(bench: Bench) -> Task:
    """An export that fails after two polls."""
    WorkspaceSettings(bench.store).set_progression(Progression(exports=Delay(looks=2)))
    bench.faults.add(FaultRule(fault="export_fails", message="all of it"))
    task, future = bench.exports.create(bench.request, name=None, base_url=HOST)
    future.result(WAIT)
    return task


@pytest.mark.usefixtures("unwritable_failures")
def test_a_requested_failure_that_is_not_written_yet_is_seen_at_its_time(bench: Bench) -> None:
    task = start_failing(bench)
    polls = [bench.exports.poll(bench.task(task.id)) for _ in range(3)]
    assert [(poll.status, poll.failure) for poll in polls] == [
        *[(TaskStatus.IN_PROGRESS, None)] * 2,
        (TaskStatus.FAILED, "all of it"),
    ]


def test_an_export_that_fails_while_it_is_cancelled_is_cancelled(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    task = start_failing(bench)
    cancel_task, states = TaskChanges.cancel_task, [TaskStatus.IN_PROGRESS]

    def cancel_late(tasks: TaskChanges, task_id: str, state: TaskStatus) -> bool:
        """The first time as if it had been running a moment ago."""
        return cancel_task(tasks, task_id, states.pop() if states else state)

    monkeypatch.setattr(TaskChanges, "cancel_task", cancel_late)
    bench.exports.cancel(task.id)
    assert bench.exports.poll(bench.task(task.id)).status == TaskStatus.CANCELED


def test_a_result_that_is_cancelled_before_anybody_saw_it_is_deleted(bench: Bench) -> None:
    task = bench.export()
    bench.exports.cancel(task.id)
    assert (bench.names(), bench.budget.used) == ([], 0)


def test_the_next_server_counts_the_exports_that_seem_to_run(bench: Bench) -> None:
    WorkspaceSettings(bench.store).set_progression(Progression(exports=Delay(seconds=60)))
    bench.store.clock.freeze()
    for _ in range(TODAY.project):
        bench.export()
    later = bench.reopen()
    with pytest.raises(Conflict, match="10 exports of project"):
        later.create(bench.request, name=None, base_url=HOST)
    bench.store.clock.advance(60_000_000)
    later.create(bench.request, name=None, base_url=HOST)


def test_the_next_server_shows_new_exports_as_complete(bench: Bench) -> None:
    task = bench.export()
    assert bench.exports.fresh.is_fresh(task, task.created_at)
    later = bench.reopen()
    assert not later.fresh.is_fresh(task, task.created_at)
    with pytest.raises(Conflict, match="is COMPLETE"):
        later.cancel(task.id)


def test_a_file_of_v1_is_the_labels_of_the_world(bench: Bench) -> None:
    file = bench.export_labels()
    with bench.store.reading() as connection:
        elements = LabelElements(connection, links=LINKS, host=HOST, now=file.created_at)
        labels = elements.pieces(Clause("l.project_id = :id AND NOT l.deleted", id=bench.project))
        expected = b"[" + b"".join(batch.text for batch in labels) + b"]"
    assert read(bench.results, legacy_file_name(file)) == expected


def test_a_file_of_v1_that_was_deleted_is_written_again(bench: Bench) -> None:
    first = bench.export_labels()
    assert bench.export_labels().id == first.id, "it is returned again"
    bench.results.delete(legacy_file_name(first))
    second = bench.export_labels()
    assert (second.id != first.id, bench.names()) == (True, [legacy_file_name(second)])


def test_results_are_deleted_when_their_links_have_expired(bench: Bench) -> None:
    bench.export()
    bench.export_labels()
    assert len(bench.names()) == 2
    bench.store.clock.advance(20 * 24 * 3600 * 1_000_000)
    bench.exports.sweep()
    bench.legacy.sweep()
    assert (bench.names(), bench.budget.used) == ([], 0)


def test_an_export_that_does_not_fit_fails_and_leaves_nothing(tmp_path: Path, results: Results) -> None:
    with open_store(build_database(tmp_path)) as store, ThreadPoolExecutor(2) as threads:
        bench = Bench(store, results, threads, Budget(10))
        task = bench.export()
        assert (task.status, "--results-limit" in str(task.failure)) == (TaskStatus.FAILED, True)
        assert bench.export_labels().status == TaskStatus.FAILED
        assert (bench.names(), bench.budget.used) == ([], 0)


def test_results_of_an_earlier_run_are_counted_and_unfinished_ones_deleted(tmp_path: Path, results: Results) -> None:
    with open_store(build_database(tmp_path)) as store, ThreadPoolExecutor(2) as threads:
        bench = Bench(store, results, threads, Budget(100 * MEGABYTE))
        bench.export()
        bench.export_labels()
        finished = bench.names()
        for name in ("results/unknown/RESULT/0.ndjson", "legacy/unfinished.json"):
            writer = results.create(name)
            writer.write(b"half")
            writer.close()
        again = Bench(store, results, threads, Budget(100 * MEGABYTE))
        assert set(again.names()) - {"results/unknown/RESULT/0.ndjson"} == set(finished)
        assert again.budget.used == sum(results.size(name) for name in again.names())
