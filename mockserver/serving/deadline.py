"""The time that a server has to end after a signal to stop."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable

LOG = logging.getLogger(__name__)

END_WITHIN = 20.0
"""Seconds. Kubernetes kills what runs after 30."""
UNFINISHED = 1
"""The status of a process that ended without having closed everything."""


class Deadline:
    """Ends the process when it takes too long: a database or a disk that no longer answers would hold it for ever.

    Nothing that was acknowledged is lost, as by a kill: it was committed.
    """

    def __init__(self, clean: Callable[[], None], *, seconds: float = END_WITHIN) -> None:
        """`clean` is called in front of such an end; it uses nothing that may hold it."""
        self._clean, self._seconds = clean, seconds
        self._timer: threading.Timer | None = None

    def start(self) -> None:
        """Begins to count, once. A handler of signals may call it."""
        if self._timer is None:
            self._timer = threading.Timer(self._seconds, self._end)
            self._timer.daemon = True
            self._timer.start()

    def finish(self) -> None:
        """Everything is closed. Ends the process if something runs that nobody needs, like the generation of a world,
        for whose thread the interpreter would wait."""
        if self._timer is not None:
            self._timer.cancel()
        if _list_threads():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)

    def _end(self) -> None:
        LOG.error(
            "not everything was closed within %g seconds after the server was told to stop; it ends all the same, and"
            " what was acknowledged is kept. Look whether disk and database answer; threads that run: %s",
            self._seconds, ", ".join(_list_threads()) or "none",
        )  # fmt: skip
        self._clean()
        sys.stderr.flush()
        os._exit(UNFINISHED)


def _list_threads() -> list[str]:
    """The names of the threads beside the main one for which the interpreter waits at its end."""
    others = {threading.current_thread(), threading.main_thread()}
    return sorted(thread.name for thread in threading.enumerate() if not thread.daemon and thread not in others)
