"""Export V2: a snapshot and a record immediately, then one thread that writes the files.

An export of one row takes the same path as one of a million. The thread uses only its own snapshot and the store's
methods.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import msgspec

from mockserver.conversion import decode
from mockserver.errors import Conflict, MockserverError
from mockserver.exports.chunks import build_single_stream
from mockserver.exports.failures import render_failed_rows, render_failure
from mockserver.exports.fair_lock import EXPORT_LOCK
from mockserver.exports.fresh_exports import FreshExports
from mockserver.exports.jobs import Jobs, JobStopped, Kind
from mockserver.exports.limits import check_limits, get_limits
from mockserver.exports.request import ExportParams, ExportRequest
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import Scope, build_scope
from mockserver.exports.streams import ERRORS, FOLDER, RESULT, Streams, TaskResults, parse_streams
from mockserver.faults.armed import Faults
from mockserver.faults.rule import FaultRule
from mockserver.links import RESULT_DAYS, Links, good_until
from mockserver.results.budget import Budget
from mockserver.results.interface import Results
from mockserver.world.changes.polls import Polls, find_share
from mockserver.world.changes.tasks import TaskChanges
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.progression import AT_ONCE
from mockserver.world.record import JsonText
from mockserver.world.records.tasks import EXPORT, Task, TaskStatus
from mockserver.world.store import Store

MOST_RUNNING = 2
"""Exports of one workspace that are written at the same time; the server has eight threads for all."""
REPORT_EVERY = 20_000
"""Rows between two reports of progress: each is a transaction."""


_MAY_SEEM_TO_RUN = Clause(
    "type = :type AND (status = :running OR pace <> :pace)", type=EXPORT, running=TaskStatus.IN_PROGRESS, pace=AT_ONCE
)


class RequestedFailure(MockserverError):
    """A test has requested an export that fails as a whole."""


class ExportJob(NamedTuple):
    """An export that waits for a thread or is being written."""

    task: Task
    snapshot: Connection
    scope: Scope
    params: ExportParams
    fault: FaultRule | None

    @property
    def id(self) -> str:
        return self.task.id

    def has_fault(self, name: str) -> bool:
        """Whether this fault hits the export."""
        return self.fault is not None and self.fault.fault == name

    @property
    def failing_rows(self) -> frozenset[str]:
        """The ids or global keys of the data rows that cannot be exported."""
        if self.fault is None or not self.has_fault("export_rows_fail"):
            return frozenset()
        return frozenset(self.fault.option("data_rows"))

    @property
    def kept_frames(self) -> int:
        """The number of frames of which one is written."""
        return self.fault.option("keep") if self.fault is not None and self.has_fault("export_frames_missing") else 1

    def interrupt(self) -> None:
        self.snapshot.interrupt()

    def close(self) -> None:
        self.snapshot.close()


class Exports:
    """The exports of one workspace."""

    def __init__(
        self, store: Store, links: Links, results: Results, threads: ThreadPoolExecutor, budget: Budget, faults: Faults
    ) -> None:
        self._faults = faults
        self._store, self._links = store, links
        self._results = TaskResults(results, budget)
        self._tasks = TaskChanges(store)
        kind = Kind(
            noun="export",
            place=results.find_path(FOLDER),
            run=self._write,
            discard=self._discard,
            record_failure=self._tasks.fail_task,
            delete_expired=self._delete_expired,
            most_running=MOST_RUNNING,
        )
        self._jobs = Jobs(kind, threads, store.clock)
        self._polls = Polls(store)
        self._creating = threading.Lock()
        """Is held while an export is created, so that those that are created together keep to the limits."""
        with store.reading() as connection:
            self.fresh = FreshExports(connection.next_number(Task))
            earlier = connection.select(Task, _MAY_SEEM_TO_RUN, order="no")
        self._requests = {task.id: decode(task.request, ExportRequest) for task in earlier}
        """The exports that may count as running, by task id."""
        self.sweep()

    def create(self, request: ExportRequest, *, name: str | None, base_url: str) -> tuple[Task, Future[None]]:
        """Starts an export of the world as it is now. The future is done when the task has ended.

        Raises MalformedRequest, and Conflict when too many run.
        """
        self.sweep()
        with self._creating:
            task, job = self._create(request, name=name, base_url=base_url)
        if job.has_fault("export_hangs"):
            job.close()
            return task, Future()
        return task, self._jobs.start(job)

    def _create(self, request: ExportRequest, *, name: str | None, base_url: str) -> tuple[Task, ExportJob]:
        """Creates the task, and opens a snapshot of the world as it is now."""
        check_limits(self._list_running(), request, get_limits(self._store.workspace.payload_date))
        text = JsonText(msgspec.json.encode(request).decode())
        snapshot = self._store.snapshot()
        try:
            scope = build_scope(snapshot, request)
            with self._jobs.fail_unconfirmed() as created, self._store.change():
                task = self._tasks.create_task(type=EXPORT, name=name, request=text, base_url=base_url)
                created.append(task.id)
                job = ExportJob(task, snapshot, scope, request.params, self._faults.hit_export())
                self._record_fault(job)
        except BaseException:
            snapshot.close()
            raise
        self._requests[task.id] = request
        return task, job

    def _record_fault(self, job: ExportJob) -> None:
        """Records how a test wants the export to end: it ends so although the server is stopped before."""
        if job.fault is not None and job.has_fault("export_fails"):
            self._tasks.request_failure(job.id, job.fault.option("message"))
        elif job.has_fault("export_hangs"):
            self._tasks.let_hang(job.id)

    def _list_running(self) -> list[ExportRequest]:
        """The requests of the exports that clients see IN_PROGRESS, because those are what clients can wait for."""
        with self._store.reading() as connection:
            tasks = connection.select(Task, Clause("id IN :ids", ids=list(self._requests)))
        running = {task.id for task in tasks if self.view(task).status == TaskStatus.IN_PROGRESS}
        self._requests = {task_id: request for task_id, request in self._requests.items() if task_id in running}
        return list(self._requests.values())

    def sweep(self) -> None:
        """Deletes the files whose links have expired, and those that a crash has left, once a day of the world's
        clock."""
        self._jobs.sweep()

    def _delete_expired(self, now: int) -> None:
        with self._store.reading() as connection:
            tasks = connection.select(Task, Clause("id IN :ids", ids=self._results.task_ids()))
        for task in tasks:
            expired = good_until(task.created_at, RESULT_DAYS) <= now
            if task.status != TaskStatus.IN_PROGRESS and (expired or task.streams == "{}"):
                self._results.delete(task.id)

    def _discard(self, job: ExportJob) -> None:
        self._results.delete(job.id)

    def _write(self, job: ExportJob) -> None:
        """Writes both streams and records that the task is COMPLETE. Raises JobStopped when it was cancelled."""
        fault = job.fault
        if fault is not None and job.has_fault("export_fails"):
            raise RequestedFailure(fault.option("message"))
        rows = self._build_rows(job)
        report = ProgressReport(self._tasks, self._jobs, job.id, rows)
        result = self._results.write(job.id, RESULT, rows.render_batches(), report)
        failed = [] if fault is None or not rows.failed else [render_failed_rows(rows.failed, fault.option("message"))]
        errors = self._results.write(job.id, ERRORS, failed, lambda _: None)
        self._results.finish(job.id)
        if not self._tasks.finish_task(job.id, Streams(RESULT=result, ERRORS=errors).text()):
            raise JobStopped

    def _build_rows(self, job: ExportJob) -> ExportRows:
        task = job.task
        return ExportRows(
            job.snapshot,
            job.scope,
            job.params,
            links=self._links,
            host=task.base_url,
            task_id=task.id,
            now=task.created_at,
            failing=job.failing_rows,
            keep=job.kept_frames,
            take_turns=EXPORT_LOCK.take_turns,
        )

    def poll(self, task: Task) -> Task:
        """The task as a poll sees it. Only a query for one task by its id counts as a poll."""
        seen = self.view(task)
        hidden = task.status != TaskStatus.IN_PROGRESS or self._jobs.failure(task.id) is not None
        return self.view(self._polls.count(task)) if hidden and seen.status == TaskStatus.IN_PROGRESS else seen

    def view(self, task: Task) -> Task:
        """The task as clients see it: its progression may still show IN_PROGRESS when it is COMPLETE, or when it has
        failed because a test requested that.

        Any other failed task is FAILED also while the database cannot be written.
        """
        if task.status == TaskStatus.IN_PROGRESS and (reason := self._jobs.failure(task.id)) is not None:
            task = msgspec.structs.replace(task, status=TaskStatus.FAILED, failure=reason)
        failed_on_request = task.status == TaskStatus.FAILED and task.requested_failure is not None
        if task.pace == AT_ONCE or not (task.status == TaskStatus.COMPLETE or failed_on_request):
            return task
        share = find_share(task, self._store.clock.now())
        if share >= 1:
            return task
        return msgspec.structs.replace(
            task,
            status=TaskStatus.IN_PROGRESS,
            completion_percentage=100 * share,
            streams=JsonText("{}"),
            failure=None,
        )

    def cancel(self, task_id: str) -> None:
        """Cancels a task that clients see IN_PROGRESS, or that was created just now. Raises NotFound, and Conflict
        if it is neither."""
        for _ in range(2):  # the second time for a task that has ended in the meantime
            with self._store.reading() as connection:
                task = connection.one_by_id(Task, task_id)
            seen = self.view(task)
            if not self._can_cancel(task, seen):
                break
            if self._tasks.cancel_task(task_id, TaskStatus(task.status)):
                self._jobs.interrupt(task_id)
                if is_finished(task):
                    self._results.delete(task_id)
                return
        raise Conflict(f"Task {task_id!r} is {seen.status}; only a task that is IN_PROGRESS can be cancelled")

    def _can_cancel(self, task: Task, seen: Task) -> bool:
        fresh = is_finished(task) and self.fresh.can_cancel(task, self._store.clock.now())
        return seen.status == TaskStatus.IN_PROGRESS or fresh

    def close(self) -> None:
        """Stops the exports. Running ones stay unfinished, and fail when the world is opened again."""
        self._jobs.close()


class ProgressReport:
    """Called with the number of rows written so far; writes the percentage to the database every REPORT_EVERY rows."""

    def __init__(self, tasks: TaskChanges, jobs: Jobs[ExportJob], task_id: str, rows: ExportRows) -> None:
        self._tasks, self._jobs, self._task_id, self._rows = tasks, jobs, task_id, rows
        self._total = self._reported = 0

    def __call__(self, lines: int) -> None:
        """Raises JobStopped when the task was cancelled or its workspace is being closed."""
        self._jobs.check_running(self._task_id)
        if lines - self._reported >= REPORT_EVERY:
            self._reported = lines
            self._total = self._total or self._rows.count()  # only here: an export of few rows needs no percentage
            if not self._tasks.report_progress(self._task_id, 100.0 * lines / self._total):
                raise JobStopped


def get_streams(task: Task) -> Streams:
    """The streams of a task as clients see it. They are empty until the task has ended, because SDKs cache a header for
    ever (wire trap 13).

    The stream of errors of a failed export is one line, which is rendered from the task's record: there may be no disk
    to keep it on.
    """
    if task.status == TaskStatus.FAILED and task.failure is not None:
        return Streams(ERRORS=build_single_stream(len(render_failure_line(task)), 1))
    return parse_streams(task.streams) if is_finished(task) and task.streams != "{}" else Streams()


def render_failure_line(task: Task) -> bytes:
    """The whole stream of errors of a task that has failed."""
    return render_failure(task.failure or "").text


def is_finished(task: Task) -> bool:
    """Whether the task's streams are final."""
    return task.status == TaskStatus.COMPLETE
