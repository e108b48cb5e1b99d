"""Searches for workspaces that have something to do and no owner, and releases those that are idle, beside requests."""

from __future__ import annotations

import asyncio
import contextlib

from mockserver.errors import WireError
from mockserver.storage.interface import SharedStorage
from mockserver.storage.membership import Membership
from mockserver.workspaces.key_locks import KeyLocks
from mockserver.workspaces.ownership import Owners
from mockserver.workspaces.registry import Registry
from mockserver.workspaces.workspace import Workspace

INTERVAL = 1.0
"""Seconds between two searches for workspaces that have something to do and no owner."""
CLAIMED_TOGETHER = 8
"""Workspaces that one search finds; more are searched for immediately."""
IDLE_SECONDS = 600.0
"""Seconds without a request after which a workspace is released, so that memory stays flat."""


class OwnershipSearch:
    """Searches on the loop of the server until it is stopped."""

    def __init__(
        self, owners: Owners, membership: Membership, storage: SharedStorage, registry: Registry, locks: KeyLocks
    ) -> None:
        self._owners, self._membership, self._storage = owners, membership, storage
        self._registry, self._locks = registry, locks
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._search())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _search(self) -> None:
        """Serves workspaces that have something to do and no owner, and releases those that are idle."""
        while True:
            try:
                waiting = await self.serve_waiting()
                await self.release_idle()
            except WireError:
                waiting = 0  # the database is lost, or this server was: the watch reports it
            if waiting < CLAIMED_TOGETHER:
                await asyncio.sleep(INTERVAL)

    async def serve_waiting(self) -> int:
        """Claims some workspaces without an owner, and opens those that have something to do. Returns how many it
        found."""
        if not self._membership.is_confirmed():
            return 0
        homes = await self._owners.run(self._storage.lookup.list_waiting, CLAIMED_TOGETHER)
        for home in homes:
            located = await self._owners.run(self._storage.lookup.find, home)
            if located is not None and located.remote is None:
                async with self._locks.hold(located.api_key or home):
                    await self._owners.run(self._owners.open, located, only_if_due=True)
        return len(homes)

    async def release_idle(self, age: float = IDLE_SECONDS) -> None:
        """Releases the workspaces that no request has used for `age` seconds and that have nothing to do."""
        for api_key in self._registry.list_idle(age):
            async with self._locks.hold(api_key):
                await self._release(api_key, age)

    async def _release(self, api_key: str, age: float) -> None:
        workspace = self._registry.peek("key", api_key)
        if workspace is None or await self._owners.run(self._storage.is_due, workspace.life):
            return
        # Without an await between the question and the removal: requests are received on this loop.
        if self._owners.is_used(workspace) or api_key not in self._registry.list_idle(age):
            return
        self._registry.remove(workspace)
        await self._owners.run(self._close, workspace)

    def _close(self, workspace: Workspace) -> None:
        workspace.close()
        self._storage.release(workspace.life)
