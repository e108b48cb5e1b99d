"""The lifecycle of a job: it waits in a queue, runs in a thread, and ends COMPLETE, FAILED or stopped.

Export V2 (`tasks`) and Export V1 (`legacy/files`) are two kinds of job.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

from mockserver.errors import MockserverError, ResourceFailed, may_be_committed
from mockserver.exports.failure_recorder import FailureRecorder, Record
from mockserver.world.clock import DAY, Clock
from mockserver.world.machine_failures import find_machine_failure

LOG = logging.getLogger(__name__)

CLOSE_TIMEOUT = 5
"""Seconds that closing a workspace waits for the jobs that run in it."""


class JobStopped(Exception):
    """The job was cancelled, or its workspace was closed, while it ran."""


class Job(Protocol):
    """A piece of work for a thread. `id` names its record in the database."""

    @property
    def id(self) -> str: ...

    def interrupt(self) -> None:
        """Ends the search that the job waits for, if it does: the job's `run` fails. Called from another thread, and
        not after `close`."""

    def close(self) -> None:
        """Releases what the job holds open, such as its snapshot of the world. Called once, whether or not it ran."""


J = TypeVar("J", bound=Job)


class Kind(NamedTuple, Generic[J]):
    """The properties in which kinds of job differ.

    `noun` is the word of messages for a job ("export"). `place` is the folder of its results, or None where there is
    no folder: messages name it when an error of the database names no path. `run` does the work and records that the
    job is COMPLETE; it calls `Jobs.check_running` now and then. `discard` deletes what a job has written.
    `record_failure` writes to the database that a job has FAILED. `delete_expired` deletes the results whose links have
    expired by a time, in microseconds UTC. At most `most_running` jobs run at a time.
    """

    noun: str
    place: Path | None
    run: Callable[[J], None]
    discard: Callable[[J], None]
    record_failure: Record
    delete_expired: Callable[[int], None]
    most_running: int


class Jobs(Generic[J]):
    """The jobs of one kind in one workspace, first come, first served. Safe for several threads.

    Few run at a time, so that one workspace cannot keep all threads from the others.
    """

    def __init__(self, kind: Kind[J], threads: ThreadPoolExecutor, clock: Clock) -> None:
        self._kind, self._threads, self._clock = kind, threads, clock
        self._failures = FailureRecorder(kind.noun, kind.record_failure)
        self._lock = threading.Lock()
        self._waiting: deque[J] = deque()
        self._running: set[str] = set()
        self._open: dict[str, J] = {}
        """The jobs that run and are not closed."""
        self._interrupted: set[str] = set()
        self._futures: dict[str, Future[None]] = {}
        self._closed = False
        self._swept_day: int | None = None

    @property
    def waiting(self) -> int:
        """How many jobs have not begun."""
        return len(self._waiting)

    def start(self, job: J) -> Future[None]:
        """Runs a job as soon as it may. The future is done when the job has ended, however it did."""
        future = Future[None]()
        with self._lock:
            self._futures[job.id] = future
            self._waiting.append(job)
        self._start_waiting()
        return future

    def future(self, job_id: str) -> Future[None] | None:
        """The future of a job that has not ended."""
        return self._futures.get(job_id)

    @contextlib.contextmanager
    def fail_unconfirmed(self) -> Iterator[list[str]]:
        """Lets a job FAIL whose record is created in this block, if it is unknown whether that was committed: nobody
        runs it. The block appends the job's id to the list, unless the failure names it."""
        created: list[str] = []
        try:
            yield created
        except ResourceFailed as failure:
            if failure.record is not None:
                created.append(failure.record)
            for job_id in created if failure.may_be_committed else ():
                self._failures.fail(job_id, failure.message)
            raise

    def failure(self, job_id: str) -> str | None:
        """The reason of a failure that could not be written to the database yet."""
        return self._failures.reason(job_id)

    def check_running(self, job_id: str) -> None:
        """Raises JobStopped when the job was interrupted, or the workspace is being closed."""
        if self._closed or job_id in self._interrupted:
            raise JobStopped

    def interrupt(self, job_id: str) -> None:
        """Ends a job that runs, without waiting for its search. Does nothing if it does not run."""
        with self._lock:  # in which the job is not closed
            job = self._open.get(job_id)
            if job is not None:
                self._interrupted.add(job_id)
                job.interrupt()

    def sweep(self) -> None:
        """Deletes the results whose links have expired by the world's clock.

        Links expire at midnights, so this is done once a day of that clock.
        """
        now = self._clock.now()
        if self._swept_day != now // DAY:
            self._kind.delete_expired(now)
            self._swept_day = now // DAY

    def _start_waiting(self) -> None:
        while (job := self._take_next()) is not None:
            future = self._futures[job.id]
            try:
                self._threads.submit(self._work, job, future)
            except RuntimeError as error:
                # The pool keeps it in its queue all the same; a cancelled future is not run from there.
                if future.cancel():
                    job.close()
                    self._fail(job, f"The machine has no thread left for this {self._kind.noun}: {error}")
                    self._forget(job)

    def _take_next(self) -> J | None:
        with self._lock:
            if self._closed or not self._waiting or len(self._running) >= self._kind.most_running:
                return None
            job = self._waiting.popleft()
            self._running.add(job.id)
            return job

    def _forget(self, job: J) -> None:
        with self._lock:
            self._running.discard(job.id)
            self._interrupted.discard(job.id)
            self._futures.pop(job.id, None)

    def _work(self, job: J, future: Future[None]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            self._run(job)
        finally:
            self._forget(job)
            future.set_result(None)
            self._start_waiting()

    def _run(self, job: J) -> None:
        with self._lock:
            self._open[job.id] = job
        try:
            try:
                self._kind.run(job)
            finally:
                with self._lock:
                    del self._open[job.id]
                self._close(job)
        except JobStopped:
            self._discard(job)
        except Exception as error:  # noqa: BLE001  whatever it is, the job has to end
            if job.id in self._interrupted:
                self._discard(job)
                return
            reason = self._explain(error, job.id)
            if may_be_committed(error):
                self._failures.fail(job.id, reason)  # with results: its record may say that it is COMPLETE
            else:
                self._fail(job, reason)

    def _close(self, job: J) -> None:
        """A lost database has released the job's snapshot by itself: the job has ended as it has ended."""
        try:
            job.close()
        except MockserverError as error:
            LOG.warning("the snapshot of %s %s could not be closed: %s", self._kind.noun, job.id, error)

    def _discard(self, job: J) -> None:
        """Deletes what a job has written. What cannot be deleted now is swept later: the job ends all the same."""
        try:
            self._kind.discard(job)
        except (MockserverError, OSError) as error:
            LOG.warning("the files of %s %s are deleted later: %s", self._kind.noun, job.id, error)

    def _explain(self, error: Exception, job_id: str) -> str:
        """The reason of a failure. The traceback of a bug goes to the log."""
        if isinstance(error, MockserverError):
            return str(error)
        fault = find_machine_failure(error, self._kind.place)
        if fault is not None:
            return fault.message
        LOG.error("%s %s failed", self._kind.noun, job_id, exc_info=error)
        return f"The mock failed to write this {self._kind.noun}: this is a bug of the mock; see the server's log"

    def _fail(self, job: J, reason: str) -> None:
        """Ends a job FAILED: without results, since there may be no disk to write them to."""
        self._discard(job)
        self._failures.fail(job.id, reason)

    def close(self) -> None:
        """Stops the jobs and waits for those that run. Their records stay unfinished, and fail when the world is opened
        again."""
        with self._lock:
            self._closed = True
            abandoned = list(self._waiting)
            self._waiting.clear()
            running = [self._futures[job_id] for job_id in self._running if job_id in self._futures]
        for job in abandoned:
            self._futures[job.id].cancel()
            self._close(job)
        for job_id in list(self._open):
            self.interrupt(job_id)
        wait(running, timeout=CLOSE_TIMEOUT)
        self._failures.close()
