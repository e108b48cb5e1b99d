"""What a client can cause again and again is logged once a second, with a count of what was left out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

LOG = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds between two lines of one cause."""
MOST_CAUSES = 256
"""Causes that are told apart. Texts that a library composes itself are each a cause of their own."""

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
        """Let the record pass unless a line of its cause passed within the last second."""
        if record.name == LOG.name:
            return True
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

    def tell_left_out(self) -> None:
        """Log how many lines of each cause were left out since this was called last."""
        with self._lock:
            left_out, self._left_out = self._left_out, {}
        for (name, template, _kind), count in left_out.items():
            LOG.warning("%s more lines were left out of %s: %s", count, name, template)


def limit_lines() -> OncePerSecond:
    """Put one filter on every handler of the root logger, which the lines of uvicorn and asyncio reach too."""
    once = OncePerSecond()
    for handler in logging.getLogger().handlers:
        handler.addFilter(once)
    return once
