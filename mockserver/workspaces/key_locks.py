"""Locks by API key: changes of one workspace take turns."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mockserver.jobs.turns import TurnLock


class KeyLocks:
    """A lock for each API key: changes of one key run one after the other. The requests of a remote database hold them
    in several threads (http/off_loop.py)."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, TurnLock] = {}
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def hold(self, *api_keys: str) -> AsyncIterator[None]:
        """Holds the locks of these keys, acquired in a fixed order so that no two callers wait for each other."""
        held: list[TurnLock] = []
        names = sorted(set(api_keys))
        locks = [self._enter(name) for name in names]
        try:
            for lock in locks:
                await lock.acquire()
                held.append(lock)
            yield
        finally:
            for lock in held:
                lock.release()
            for name in names:
                self._leave(name)

    def _enter(self, name: str) -> TurnLock:
        """The lock of a key, which stays until each of its users has left."""
        with self._guard:
            self._users[name] = self._users.get(name, 0) + 1
            return self._locks.setdefault(name, TurnLock())

    def _leave(self, name: str) -> None:
        """Forgets the lock of a key that nobody waits for."""
        with self._guard:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name]
                del self._locks[name]
