"""How exports end when the machine fails: the reason in words, kept in memory until the database takes it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mockserver.errors import Conflict, MockserverError
from mockserver.world.faults import find_fault

LOG = logging.getLogger(__name__)

AGAIN_AFTER = 1.0
"""Seconds between two tries to write what could not be written."""

Record = Callable[[str, str], None]
"""Writes to the database that an export, named by its id, has failed for a reason."""


def failure_reason(error: Exception, place: Path) -> str:
    """Why an export failed that wrote to `place`. The traceback of a bug goes to the log."""
    if isinstance(error, MockserverError):
        return str(error)
    fault = find_fault(error, place)
    if fault is not None:
        return fault.message
    LOG.error("the export of %s failed", place, exc_info=error)
    return "The mock failed to make this export: a bug of ours, see the server's log"


class FailureRecorder:
    """The exports of one workspace that have failed. Safe for several threads.

    A disk that is full for results is mostly full for the database too. Without this an export would be shown as
    running for ever, and would count as running. What a stopped server could not write, it finds unfinished when it
    starts again, and then the export fails for that reason.
    """

    def __init__(self, threads: ThreadPoolExecutor, record: Record) -> None:
        self._threads, self._record = threads, record
        self._lock = threading.Lock()
        self._reasons: dict[str, str] = {}
        self._tried = 0.0

    def fail(self, export_id: str, reason: str) -> None:
        """From now on it is shown as failed, whether or not the database can be written."""
        with self._lock:
            self._reasons[export_id] = reason
        self.write()

    def reason(self, export_id: str) -> str | None:
        """Why an export failed that the database does not know to have failed."""
        if not self._reasons:
            return None
        self._try_again()
        return self._reasons.get(export_id)

    def _try_again(self) -> None:
        """In a thread, because it waits for the store while another change is made."""
        with self._lock:
            now = time.monotonic()
            if now - self._tried < AGAIN_AFTER:
                return
            self._tried = now
        try:
            self._threads.submit(self.write)
        except RuntimeError:
            LOG.debug("no thread is left to write how exports ended; it is tried again")

    def write(self) -> None:
        """Tell the database of all that it does not know yet, as far as it can be written."""
        for export_id, reason in list(self._reasons.items()):
            try:
                self._record(export_id, reason)
            except Conflict:
                LOG.debug("export %s ended with its workspace", export_id)
            except Exception as error:
                if find_fault(error) is None:
                    LOG.exception("the end of export %s could not be recorded", export_id)
                return
            with self._lock:
                self._reasons.pop(export_id, None)
