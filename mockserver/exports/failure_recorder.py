"""The reasons why jobs failed, kept in memory until the database can be written."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from mockserver.errors import Conflict
from mockserver.world.machine_failures import find_machine_failure

LOG = logging.getLogger(__name__)

RETRY_AFTER = 1.0
"""Seconds between two tries to write failures that could not be written."""

Record = Callable[[str, str], None]
"""Writes to the database that the job of this id has failed, and for which reason."""


class FailureRecorder:
    """The failed jobs of one kind in one workspace. Safe for several threads.

    When the disk is full for results, it is mostly full for the database too. Without this a job would look as if it
    ran for ever, and would count as running. A job whose failure a stopped server could not write is unfinished in
    the database, and fails for that reason when the server starts again.
    """

    def __init__(self, threads: ThreadPoolExecutor, noun: str, record: Record) -> None:
        """`noun` is the word of the log for such a job ("export")."""
        self._threads, self._noun, self._record = threads, noun, record
        self._lock = threading.Lock()
        self._reasons: dict[str, str] = {}
        self._tried_at = 0.0

    def fail(self, job_id: str, reason: str) -> None:
        """Remembers that a job has failed, and writes it to the database if it can be written."""
        with self._lock:
            self._reasons[job_id] = reason
        self.write()

    def reason(self, job_id: str) -> str | None:
        """The reason of a failure that could not be written to the database yet."""
        if not self._reasons:
            return None
        self._retry()
        return self._reasons.get(job_id)

    def _retry(self) -> None:
        """Writes in a thread, because writing waits for changes that run in the store."""
        with self._lock:
            now = time.monotonic()
            if now - self._tried_at < RETRY_AFTER:
                return
            self._tried_at = now
        try:
            self._threads.submit(self.write)
        except RuntimeError:
            LOG.debug("no thread is left to record a failed %s; it is tried again", self._noun)

    def write(self) -> None:
        """Records the failures that the database does not know, as far as it can be written."""
        for job_id, reason in list(self._reasons.items()):
            try:
                self._record(job_id, reason)
            except Conflict:
                LOG.debug("%s %s ended with its workspace", self._noun, job_id)
            except Exception as error:
                if find_machine_failure(error) is None:
                    LOG.exception("the failure of %s %s could not be recorded", self._noun, job_id)
                return
            with self._lock:
                self._reasons.pop(job_id, None)
