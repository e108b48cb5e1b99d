"""Changes of one workspace that can take seconds, and a way to wait for them without holding the event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from mockserver.workspaces.turns import TurnLock


class LongChanges:
    """Runs long changes one after the other in threads, in the order in which they were requested.

    A store has one writer. A short change on the event loop calls `wait` first: if it waited for the store's lock, the
    loop and all other workspaces would wait with it.
    """

    def __init__(self) -> None:
        self._lock = TurnLock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Runs a long change inside the block."""
        async with self._lock:
            yield

    @contextmanager
    def turn_in_thread(self) -> Iterator[None]:
        """Runs a long change inside the block, in a thread that no request has."""
        self._lock.acquire_in_thread()
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Lets others change the world inside the block. It is for the thread of the long change that has the turn."""
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire_in_thread()

    async def wait(self) -> None:
        """Returns when the earlier long changes have ended. None begins before the caller awaits something."""
        if self._lock.is_held():
            async with self._lock:
                pass
