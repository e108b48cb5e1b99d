"""Reads on an event loop are short: SQLite ends a search that goes through a large table, which begins again in a
thread. How long a query takes shows only while it is executed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

STEPS = 20_000
"""Instructions of SQLite's virtual machine between two calls of `spend`; some 0.5 ms."""
MOST_SPENT = 10
"""Calls of `spend` after which a request has read for long: some 5 ms."""


class TakesLong(Exception):
    """A query has read or answered so much on the event loop that it has to begin again in a thread."""


class _Allowed(threading.local):
    left: int | None = None
    """None while the thread may read as long as it wants."""


_allowed = _Allowed()


def begin_short_reads() -> None:
    """Lets long reads of this thread raise TakesLong."""
    _allowed.left = MOST_SPENT


def end_short_reads() -> None:
    """Lets this thread read as long as it wants again."""
    _allowed.left = None


@contextmanager
def read_freely() -> Iterator[None]:
    """Inside this block, the thread reads as long as it wants: a change is not ended in its middle."""
    left, _allowed.left = _allowed.left, None
    try:
        yield
    finally:
        _allowed.left = left


def spend() -> bool:
    """Counts STEPS of a statement. Returns whether the statement is to be ended."""
    if _allowed.left is None:
        return False
    _allowed.left -= 1
    return _allowed.left < 0


def is_spent() -> bool:
    """Whether this thread has read for longer than it may."""
    return _allowed.left is not None and _allowed.left < 0
