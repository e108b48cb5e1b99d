"""Sends the webhooks of all workspaces: one loop for each of them, connections and limits for all of them."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from mockserver.settings import DEFAULT_OUTBOX_LIMIT
from mockserver.webhooks.queues import ConcurrencyLimits
from mockserver.webhooks.sending import Sender
from mockserver.webhooks.targets import Allowed
from mockserver.webhooks.workspace_dispatcher import WorkspaceDispatcher
from mockserver.world.changes.deliveries import Deliveries
from mockserver.world.retention import MEGABYTE, Retention
from mockserver.world.store import Store

THREADS = 4


class Dispatcher:
    """One for the server: starts and stops a WorkspaceDispatcher for each workspace."""

    def __init__(self, allowed: Allowed, *, outbox_limit: int = DEFAULT_OUTBOX_LIMIT * MEGABYTE) -> None:
        """`outbox_limit` in bytes, for each workspace."""
        self.outbox_limit = outbox_limit
        self._sender = Sender(allowed)
        self._limits = ConcurrencyLimits()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="dispatcher")
        self._workspaces: dict[Store, WorkspaceDispatcher] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def find_refusal(self, url: str) -> str | None:
        """The reason why messages to this URL would not arrive now; None if they may. Raises BadInput."""
        return self._sender.find_refusal(url)

    def attach(self, deliveries: Deliveries, *, is_new: bool = False) -> None:
        """Sends the deliveries of this store from now on. Works from any thread, also before the dispatcher starts.

        A new store has nothing to send: it is not read before something changes in it.
        """
        retention = Retention(deliveries.store, self.outbox_limit)
        workspace = WorkspaceDispatcher(deliveries, self._sender, self._limits, self._threads, retention, idle=is_new)
        with self._lock:
            self._workspaces[deliveries.store] = workspace
            loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._run, workspace)

    def wake(self, store: Store) -> None:
        """Reads what is due in this store again, because it has changed. Works from any thread, at any time."""
        workspace = self._workspaces.get(store)
        if workspace is not None:
            workspace.wake()

    def detach(self, store: Store) -> None:
        """Stops sending for this store; called before the store is closed."""
        with self._lock:
            workspace = self._workspaces.pop(store, None)
        if workspace is not None and workspace.loop is not None and not workspace.loop.is_closed():
            workspace.loop.call_soon_threadsafe(workspace.stop)

    async def start(self) -> None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
            waiting = list(self._workspaces.values())
        for workspace in waiting:
            self._run(workspace)

    def _run(self, workspace: WorkspaceDispatcher) -> None:
        workspace.loop = self._loop
        task = asyncio.create_task(workspace.run())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def stop(self) -> None:
        """Stops all loops. No delivery is lost: the unsent and unrecorded ones are sent after the next start."""
        with self._lock:
            workspaces = list(self._workspaces.values())
        for workspace in workspaces:
            workspace.stop()
        if self._running:
            await asyncio.gather(*self._running, return_exceptions=True)
        await self._sender.close()
        self._threads.shutdown(wait=True)
