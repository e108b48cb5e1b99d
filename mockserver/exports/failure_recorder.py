"""The reasons why jobs failed, kept in memory until the database can be written."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from mockserver.errors import Conflict
from mockserver.world.machine_failures import find_machine_failure

LOG = logging.getLogger(__name__)

RETRY_AFTER = 1.0
"""Seconds until failures that could not be written are tried again; twice as many after each further try."""
LONGEST_DELAY = 30.0
"""Seconds between two tries at most."""

Record = Callable[[str, str], None]
"""Writes to the database that the job of this id has failed, and for which reason."""


class FailureRecorder:
    """The failed jobs of one kind in one workspace. Safe for several threads.

    When the disk is full for results, it is mostly full for the database too. Without this a job would look as if it
    ran for ever, and would count as running. A job whose failure a stopped server could not write is unfinished in
    the database, and fails for that reason when the server starts again. A timer tries to write them until that
    succeeds or the workspace is closed, whether or not a client polls.
    """

    def __init__(self, noun: str, record: Record) -> None:
        """`noun` is the word of the log for such a job ("export")."""
        self._noun, self._record = noun, record
        self._lock = threading.Lock()
        self._reasons: dict[str, str] = {}
        self._delay = RETRY_AFTER
        self._timer: threading.Timer | None = None
        self._closed = False

    def fail(self, job_id: str, reason: str) -> None:
        """Remembers that a job has failed, and writes it to the database if it can be written."""
        with self._lock:
            self._reasons[job_id] = reason
        self.write()

    def reason(self, job_id: str) -> str | None:
        """The reason of a failure that could not be written to the database yet."""
        if not self._reasons:
            return None
        self._retry_later()
        return self._reasons.get(job_id)

    def close(self) -> None:
        """Tries to write the failures for the last time."""
        with self._lock:
            self._closed = True
            timer = self._timer
        if timer is not None:
            timer.cancel()
        self.write()

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
                self._retry_later()
                return
            with self._lock:
                self._reasons.pop(job_id, None)
                self._delay = RETRY_AFTER

    def _retry_later(self) -> None:
        """Writes in a thread, because writing waits for changes that run in the store."""
        with self._lock:
            if self._closed or self._timer is not None:
                return
            timer = threading.Timer(self._delay, self._retry)
            timer.daemon, timer.name = True, f"record failed {self._noun}"
            try:
                timer.start()
            except RuntimeError:
                LOG.debug("no thread is left to record a failed %s; the next poll tries it again", self._noun)
                return
            self._timer, self._delay = timer, min(2 * self._delay, LONGEST_DELAY)

    def _retry(self) -> None:
        with self._lock:
            self._timer = None
        self.write()
