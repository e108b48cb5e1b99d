"""Changes of one workspace that can take seconds, and a way to wait for them without holding the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar

from mockserver.jobs.turns import TurnLock
from mockserver.world.store import Store

PAUSE = 0.002
"""Seconds between two looks whether a job still changes the world."""


_HELD: ContextVar[LongChanges | None] = ContextVar("_HELD", default=None)
"""The turn of the request that this thread answers."""


@contextmanager
def hold(long_changes: LongChanges) -> Iterator[None]:
    """Says that the turn of a request belongs to this thread, inside the block, so that `give_up` can give it up."""
    token = _HELD.set(long_changes)
    try:
        yield
    finally:
        _HELD.reset(token)


@contextmanager
def give_up() -> Iterator[None]:
    """Lets others have the turn of this thread's request, if it has one, while the request waits for something else."""
    held = _HELD.get()
    with nullcontext() if held is None else held.pause():
        yield


class LongChanges:
    """Runs long changes one after the other in threads, in the order in which they were requested.

    A store has one writer. A short change on the event loop calls `wait` first: if it waited for the store's lock, the
    loop and all other workspaces would wait with it. Jobs of tasks have no turn: each of their transactions is short,
    and before each of them they call `let_pass`.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._lock = store, TurnLock()
        self._guard = threading.Lock()
        self._waiting = 0
        """Short changes that wait for the end of a job's transaction."""

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
        """Returns when the earlier long changes have ended, and no job changes the world. No long change begins before
        the caller awaits something."""
        while True:
            if self._lock.is_held():
                async with self._lock:
                    pass
            # The turn is not looked at again here: others that have waited for it have it now, one after the other.
            if not self._store.is_changing():
                return
            await self._wait_for_job()

    async def _wait_for_job(self) -> None:
        with self._guard:
            self._waiting += 1
        try:
            while self._store.is_changing():  # noqa: ASYNC110  threads of jobs end transactions without telling loops
                await asyncio.sleep(PAUSE)
        finally:
            with self._guard:
                self._waiting -= 1

    def let_pass(self) -> None:
        """Returns when no short change waits for the job that calls this between two of its transactions."""
        while self._waiting:
            time.sleep(PAUSE)
