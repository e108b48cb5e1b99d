"""Whose turn it is to make a piece of an export, of all threads that write one.

Threads that make rows at once are no faster, as one interpreter runs them all. They only take it from each other, and
whoever waits for it next is chosen by chance: the loop, which needs it four times to answer a small query, waited for
all of them each time. So one makes a piece while the others wait outside the interpreter, in the order in which they
came.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


class FairLock:
    """A lock that is given to whoever has waited longest."""

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
        mine.acquire()  # until it is released by whoever had the turn before

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

    def each(self, pieces: Iterable[T]) -> Iterator[T]:
        """The same pieces, each made in a turn of its own."""
        making = iter(pieces)
        while True:
            with self:
                try:
                    piece = next(making)
                except StopIteration:
                    return
            yield piece


EXPORT_LOCK = FairLock()
"""Of this process, as its interpreter is."""
