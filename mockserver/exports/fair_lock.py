"""Turns for the threads that write exports: one of them renders a batch of rows at a time.

Threads that render rows at the same time are no faster, because one interpreter runs them all. They only take its lock
from each other, and chance decides which thread gets it next. The event loop needs the lock four times to answer a
small query, and each time it waited for all of them. So one thread renders a batch while the others wait outside of the
interpreter, in the order of their arrival. None has a turn while it reads the next rows: a search with many terms may
take minutes before the first row, and the others go on.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class TakeTurns(Protocol):
    """Yields the same batches, perhaps in turns with others: `EXPORT_LOCK.take_turns`, or `iter` for no turns."""

    def __call__(self, batches: Iterable[T], /) -> Iterator[T]: ...


class FairLock:
    """A lock that goes to the thread that has waited longest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False

    def __enter__(self) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        mine.acquire()  # until the thread that holds the lock releases it

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

    def take_turns(self, batches: Iterable[T]) -> Iterator[T]:
        """Yields the same batches. Holds the lock only while a batch is rendered."""
        source = iter(batches)
        while True:
            with self:
                try:
                    batch = next(source)
                except StopIteration:
                    return
            yield batch


EXPORT_LOCK = FairLock()
"""The lock of this process, because a process has one interpreter."""
