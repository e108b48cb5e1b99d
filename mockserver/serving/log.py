"""Lines that a client can cause repeatedly are logged once a second, with a count of the lines that were left out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

LOG = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds between two lines of one cause."""
EXPECTED = frozenset({"Cancel %s running task(s), timeout graceful shutdown exceeded"})
"""Templates of lines about something that is no error: a server is stopped while a page listens, or a test waits."""
MOST_CAUSES = 256
"""Causes that are distinguished. Each text that a library composes itself is a cause of its own."""

Cause = tuple[str, str, object]


class OncePerSecond(logging.Filter):
    """A filter for handlers. Lines have one cause if logger, template and type of exception are the same."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._lock = threading.Lock()
        self._last: dict[Cause, float] = {}
        self._left_out: dict[Cause, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether the record is logged: no line of its cause was logged within the last second."""
        if record.name == LOG.name:
            return True
        if record.msg in EXPECTED:
            return False
        cause = (record.name, str(record.msg), record.exc_info[0] if record.exc_info else None)
        now = self._now()
        with self._lock:
            if now - self._last.get(cause, -INTERVAL) < INTERVAL:
                self._left_out[cause] = self._left_out.get(cause, 0) + 1
                return False
            if len(self._last) >= MOST_CAUSES:
                self._last.clear()
                self._left_out.clear()
            self._last[cause] = now
            return True

    def log_left_out(self) -> None:
        """Logs how many lines of each cause were left out since the last call."""
        with self._lock:
            left_out, self._left_out = self._left_out, {}
        for (name, template, _kind), count in left_out.items():
            LOG.warning("%s more lines were left out of %s: %s", count, name, template)


def limit_lines() -> OncePerSecond:
    """Puts one filter on every handler of the root logger, which also handles the lines of uvicorn and asyncio."""
    once = OncePerSecond()
    for handler in logging.getLogger().handlers:
        handler.addFilter(once)
    return once
