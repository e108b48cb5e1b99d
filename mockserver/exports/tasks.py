"""The life of an export: a snapshot and a record at once, then one thread that writes the files.

One path for one row and a million. The thread touches its own snapshot and the store's methods, nothing else.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

import msgspec

from mockserver.errors import Conflict
from mockserver.exports.budget import Budget
from mockserver.exports.chunks import build_single_stream
from mockserver.exports.failure_recorder import FailureRecorder, failure_reason
from mockserver.exports.failures import Failure, Failures, render_failed_rows, render_failure
from mockserver.exports.fair_lock import EXPORT_LOCK
from mockserver.exports.fresh_exports import FreshExports
from mockserver.exports.limits import check_limits, limits_on
from mockserver.exports.request import ExportParams, ExportRequest
from mockserver.exports.results import ERRORS, RESULT, Results, Streams, parse_streams
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import Scope, build_scope
from mockserver.links import RESULT_DAYS, Links, good_until
from mockserver.world.changes.tasks import TaskChanges
from mockserver.world.clock import DAY
from mockserver.world.database import Clause, Connection, JsonText
from mockserver.world.progression import decode_pace, progress
from mockserver.world.store import Store
from mockserver.world.tasks import EXPORT, Task, TaskStatus

AT_ONCE = 2
"""Exports of one workspace that are written at the same time; the server has four threads for all."""
REPORT_EVERY = 20_000
"""Rows between two reports of progress: each is a transaction."""


class ExportStopped(Exception):
    """The task was cancelled or its workspace closed while rows were written."""


class Job(NamedTuple):
    """An export that waits for its turn or is being written. Its snapshot is its own to close."""

    future: Future[None]
    task: Task
    snapshot: Connection
    scope: Scope
    params: ExportParams
    failure: Failure | None


class Exports:
    """The exports of one workspace. They take turns, so that one workspace cannot keep all threads from the others."""

    def __init__(self, store: Store, links: Links, folder: Path, threads: ThreadPoolExecutor, space: Budget) -> None:
        self.results = Results(folder, space)
        self.failures = Failures()
        self._folder = folder
        self._tasks = TaskChanges(store)
        self._ends = FailureRecorder(threads, self._tasks.fail_task)
        self.glances = FreshExports()
        self._store, self._links, self._threads = store, links, threads
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._written: set[Future[None]] = set()
        self._looks: Counter[str] = Counter()
        self._running: dict[str, ExportRequest] = {}
        self._stopping = False
        self._swept: int | None = None
        self.sweep()

    def create(self, request: ExportRequest, *, name: str | None, base_url: str) -> tuple[Task, Future[None]]:
        """Start an export of what is true now. The future ends when the task has.

        Raises MalformedRequest, and Conflict when too many run.
        """
        self.sweep()
        check_limits(self._still_running(), request, limits_on(self._store.workspace.payload_date))
        text = JsonText(msgspec.json.encode(request).decode())
        snapshot = self._store.snapshot()
        try:
            scope = build_scope(snapshot, request)
            task = self._tasks.create_task(type=EXPORT, name=name, request=text, base_url=base_url)
        except BaseException:
            snapshot.close()
            raise
        self._running[task.id] = request
        job = Job(Future(), task, snapshot, scope, request.params, self.failures.next())
        self._waiting.append(job)
        self._start_waiting()
        return task, job.future

    def _still_running(self) -> list[ExportRequest]:
        """Those that are shown IN_PROGRESS, which is what a client can wait for."""
        with self._store.reading() as connection:
            tasks = connection.select(Task, Clause("id IN :ids", ids=list(self._running)))
        running = {task.id for task in tasks if self.shown(task).status == TaskStatus.IN_PROGRESS}
        self._running = {task_id: request for task_id, request in self._running.items() if task_id in running}
        return list(self._running.values())

    def sweep(self) -> None:
        """Delete the files whose links are over by the world's clock, and those that a crash has left.

        Links are over at midnights, so it is done once a day.
        """
        now = self._store.clock.now()
        if self._swept == now // DAY:
            return
        with self._store.reading() as connection:
            tasks = connection.select(Task, Clause("id IN :ids", ids=self.results.task_ids()))
        for task in tasks:
            over = good_until(task.created_at, RESULT_DAYS) <= now
            if task.status != TaskStatus.IN_PROGRESS and (over or task.streams == "{}"):
                self.results.delete(task.id)
        self._swept = now // DAY

    def _start_waiting(self) -> None:
        refused: list[tuple[Job, str]] = []
        with self._lock:
            while self._waiting and len(self._written) < AT_ONCE and not self._stopping:
                job = self._waiting.popleft()
                try:
                    self._threads.submit(self._work, job)
                    self._written.add(job.future)
                except RuntimeError as error:
                    refused.append((job, f"The machine has no thread left for this export: {error}"))
        for job, why in refused:
            job.future.cancel()  # the pool has it in its queue: what is cancelled is not begun
            job.snapshot.close()
            self._fail(job.task, why)

    def _work(self, job: Job) -> None:
        if not job.future.set_running_or_notify_cancel():
            return
        try:
            self._make(job)
        finally:
            with self._lock:
                self._written.discard(job.future)
            job.future.set_result(None)
            self._start_waiting()

    def _make(self, job: Job) -> None:
        task, failure = job.task, job.failure
        try:
            with contextlib.closing(job.snapshot):
                if failure is None or failure.data_rows is not None:
                    self._write(task, self._rows(job), "" if failure is None else failure.message)
                    return
            self._fail(task, failure.message)
        except ExportStopped:
            self.results.delete(task.id)
        except Exception as error:  # noqa: BLE001  whatever it is, the task has to end
            self._fail(task, failure_reason(error, self._folder))

    def _rows(self, job: Job) -> ExportRows:
        task, failure = job.task, job.failure
        return ExportRows(
            job.snapshot,
            job.scope,
            job.params,
            links=self._links,
            host=task.base_url,
            task_id=task.id,
            now=task.created_at,
            failing=frozenset(failure.data_rows or ()) if failure is not None else (),
        )

    def _fail(self, task: Task, reason: str) -> None:
        """FAILED: no result and no file, since there may be no disk to write one to (see `streams`)."""
        self.results.delete(task.id)
        self._ends.fail(task.id, reason)

    def _write(self, task: Task, rows: ExportRows, why_rows_fail: str) -> None:
        total, reported = 0, 0

        def written(lines: int) -> None:
            nonlocal total, reported
            if self._stopping:
                raise ExportStopped
            if lines - reported >= REPORT_EVERY:
                reported = lines
                total = total or rows.count()  # no sooner: what few rows a filter leaves need no percentage
                if not self._tasks.report_progress(task.id, 100.0 * lines / total):
                    raise ExportStopped

        stream = self.results.write(task.id, RESULT, EXPORT_LOCK.each(rows.pieces()), written)
        failed = [render_failed_rows(rows.failed, why_rows_fail)] if rows.failed else []
        errors = self.results.write(task.id, ERRORS, failed, lambda _: None)
        self.results.finish(task.id)
        if not self._tasks.finish_task(task.id, Streams(RESULT=stream, ERRORS=errors).text()):
            raise ExportStopped

    def looked_at(self, task: Task) -> Task:
        """The task as this look shows it. Only a look for one task by its id counts as one."""
        seen = self.shown(task)
        if is_finished(task) and not is_finished(seen):
            self._looks[task.id] += 1
        return seen

    def shown(self, task: Task) -> Task:
        """The task as its pace lets it be seen: COMPLETE may still look IN_PROGRESS.

        What has failed is FAILED, also where the database could not be told so.
        """
        if task.status == TaskStatus.IN_PROGRESS and (reason := self._ends.reason(task.id)) is not None:
            return msgspec.structs.replace(task, status=TaskStatus.FAILED, failure=reason)
        if task.status != TaskStatus.COMPLETE or task.pace == '"at_once"':
            return task
        elapsed = self._store.clock.now() - task.created_at
        done = progress(decode_pace(task.pace), polls=self._looks[task.id], elapsed=elapsed)
        if done >= 1:
            return task
        return msgspec.structs.replace(
            task, status=TaskStatus.IN_PROGRESS, completion_percentage=100 * done, streams=JsonText("{}")
        )

    def cancel(self, task_id: str) -> None:
        """End what is shown IN_PROGRESS, or was just made. Raises NotFound, or Conflict when it is neither."""
        with self._store.reading() as connection:
            task = connection.one_by_id(Task, task_id)
        seen = self.shown(task)
        just_made = self.glances.can_cancel(task, self._store.clock.now())
        running = seen.status == TaskStatus.IN_PROGRESS or just_made
        made = is_finished(task)
        if running and not self._tasks.cancel_task(task_id, complete=made):  # it was made meanwhile
            made = running = self._tasks.cancel_task(task_id, complete=True)
        if not running:
            raise Conflict(f"Task {task_id!r} is {seen.status}; only one IN_PROGRESS can be cancelled")
        if made:
            self.results.delete(task_id)

    def close(self) -> None:
        """Stop writing and wait for it. What was running stays unfinished, and fails when the world is opened again."""
        with self._lock:
            self._stopping = True
            abandoned = list(self._waiting)
            self._waiting.clear()
        for job in abandoned:
            job.future.cancel()
            job.snapshot.close()
        wait(list(self._written), timeout=5)
        self._ends.write()


def get_streams(task: Task) -> Streams:
    """The streams of a task as it is shown. They are empty until it has ended: a header is cached by the SDK for good
    (wire trap 13).

    That of a failed export is one line, which is made of the task's record: there may be no disk to keep it on.
    """
    if task.status == TaskStatus.FAILED and task.failure is not None:
        return Streams(ERRORS=build_single_stream(len(render_failure_line(task)), 1))
    return parse_streams(task.streams) if is_finished(task) and task.streams != "{}" else Streams()


def render_failure_line(task: Task) -> bytes:
    """All of the stream of errors of a task that has failed."""
    return render_failure(task.failure or "").text


def is_finished(task: Task) -> bool:
    """Whether the task's streams are final."""
    return task.status == TaskStatus.COMPLETE
