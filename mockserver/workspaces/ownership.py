"""Finds the server that owns the workspace of a request, and opens workspaces when they are first needed.

Several servers share one database; each workspace is served by one of them. A request of a workspace that nobody owns
makes this server its owner. What it owns is true as long as the other servers count this one as alive, so every request
begins with that question, which costs nothing while heartbeats are confirmed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, ParamSpec, TypeVar

from mockserver.errors import Conflict, ResourceFailed
from mockserver.storage.damage import Damage
from mockserver.storage.interface import Life, Located, Lookup, Remote, SharedStorage
from mockserver.storage.membership import Membership
from mockserver.workspaces.key_locks import KeyLocks
from mockserver.workspaces.naming import WorkspaceName
from mockserver.workspaces.registry import Registry
from mockserver.workspaces.workspace import Workspace
from mockserver.world.records.workspace import Workspace as World
from mockserver.world.store import Store

LOG = logging.getLogger(__name__)

MOST_REMEMBERED = 10_000
"""Names whose owners are remembered."""
THREADS = 8
"""Workspaces that are looked up or opened at the same time."""
LISTED_TOGETHER = 8
"""Workspaces that are listed together to be deleted."""
CONFIRMED_WITHIN = 10.0
"""Seconds that a request waits until this server knows that it is alive."""


P = ParamSpec("P")
T = TypeVar("T")


class ReadWorld(NamedTuple):
    """The world of a workspace that another server owns."""

    api_key: str
    world: World
    store: Store


class Owners:
    """The owners of workspaces. Its methods are called on any event loop."""

    def __init__(
        self,
        membership: Membership,
        storage: SharedStorage,
        registry: Registry,
        locks: KeyLocks,
        build: Callable[[Life], Workspace],
        create: Callable[[str], Awaitable[Workspace]] | None,
    ) -> None:
        """`build` serves an opened life; `create` creates the workspace of an unknown key, if that is wanted."""
        self._membership, self._storage, self._registry, self._locks = membership, storage, registry, locks
        self._build, self._create = build, create
        self._remotes: dict[WorkspaceName, Remote] = {}
        self._users: dict[Workspace, int] = {}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="owners")
        membership.on_taken_over = self._give_up

    @property
    def secret(self) -> str:
        """Known to the servers of the database alone."""
        return self._membership.secret

    @property
    def lookup(self) -> Lookup:
        """Finds and lists the workspaces of all servers. It waits for the database."""
        return self._storage.lookup

    @property
    def number(self) -> int | None:
        """The number of this server; another one after it was lost."""
        return self._storage.number

    # For each request

    def serves(self, name: WorkspaceName) -> bool:
        """Whether this server owns the workspace, and has opened it. Reads nothing but memory."""
        return self._membership.is_confirmed() and self._find_served(name) is not None

    def _find_served(self, name: WorkspaceName) -> Workspace | None:
        workspace = self._registry.peek(name.kind, name.value)
        if workspace is None or self._storage.is_current(workspace.life):
            return workspace
        self._registry.remove(workspace)  # it was being opened when others took over what this server owned
        close_in_thread([workspace])
        return None

    @contextlib.contextmanager
    def use(self, name: WorkspaceName) -> Iterator[None]:
        """Inside this block the workspace of a request is not released as idle. Called on the server's loop."""
        workspace = self._find_served(name)
        if workspace is None:
            yield
            return
        self._users[workspace] = self._users.get(workspace, 0) + 1
        try:
            yield
        finally:
            workspace.used_at = time.monotonic()
            self._users[workspace] -= 1
            if not self._users[workspace]:
                del self._users[workspace]

    def is_used(self, workspace: Workspace) -> bool:
        """Whether a request of this workspace is being answered. Called on the server's loop."""
        return workspace in self._users

    async def find(self, name: WorkspaceName) -> Remote | None:
        """The other server that owns the workspace. None if this one does, and has opened it, or if there is none.

        Raises ResourceFailed.
        """
        await self._wait_until_confirmed()
        if self._find_served(name) is not None:
            return None
        known = self._remotes.get(name)
        if known is not None and self.is_alive(known):
            return known
        located = await self.run(self._storage.lookup.locate, name.kind, name.value)
        if located is None and name.creates and self._create is not None:
            try:
                await self._create(name.value)
            except Conflict:  # another request, or another server, has created it at the same time
                located = await self.run(self._storage.lookup.locate, name.kind, name.value)
                if located is None:
                    raise
        if located is None:
            self._registry.forget_lost(name.value)
            return None
        if located.remote is not None:
            return self._remember(name, located.remote)
        async with self._locks.hold(located.api_key or located.home):
            opened = await self.run(self.open, located)
        return None if opened is None else self._remember(name, opened)

    async def _wait_until_confirmed(self) -> None:
        """Waits for the next heartbeat, which says whether others have taken over. Raises ResourceFailed."""
        deadline = time.monotonic() + CONFIRMED_WITHIN
        while not self._membership.is_confirmed():
            if (reason := self._membership.find_loss()) is not None:
                raise ResourceFailed(reason)
            if time.monotonic() > deadline:
                raise ResourceFailed("The database does not confirm that this server is alive; send the request again")
            await asyncio.sleep(0.02)

    def _remember(self, name: WorkspaceName, remote: Remote) -> Remote:
        if len(self._remotes) >= MOST_REMEMBERED:
            self._remotes.clear()
        self._remotes[name] = remote
        return remote

    def forget(self, name: WorkspaceName, remote: Remote) -> None:
        """Looks up the owner anew next time: it could not be reached, or no longer owns the workspace."""
        if self._remotes.get(name) == remote:
            del self._remotes[name]

    def is_alive(self, remote: Remote) -> bool:
        """Whether a server was alive when the last heartbeat was written."""
        return remote.number in self._membership.members

    # In threads, or before anything is served

    def remove_leftovers(self) -> None:
        """Removes what killed servers have left."""
        self._storage.remove_leftovers()

    def count_servers(self) -> int:
        """The number of living servers, as of the last heartbeat."""
        return len(self._membership.members)

    def exists(self, api_key: str) -> bool:
        """Whether any server has a workspace with this key."""
        return self._storage.lookup.locate("key", api_key) is not None

    def open_now(self, api_key: str) -> ReadWorld | None:
        """Opens a workspace if this server can own it. Returns what can be read of it if another server owns it."""
        located = self._storage.lookup.locate("key", api_key)
        if located is None or (located.remote is None and self.open(located) is None):
            return None
        store = self._storage.read(located.home)
        return None if store is None else ReadWorld(api_key, store.workspace, store)

    def open(self, located: Located, *, only_if_due: bool = False) -> Remote | None:
        """Opens a workspace, unless it is open or another server owns it. Called while its key is locked."""
        if located.api_key is not None and self._find_served(WorkspaceName("key", located.api_key)) is not None:
            return None
        opened = self._storage.open(located.home, only_if_due=only_if_due)
        if isinstance(opened, Damage):
            LOG.error("%s", opened)
            self._registry.add_damage(opened)
        elif isinstance(opened, Life):
            self._registry.add(self._build(opened))
        return opened if isinstance(opened, Remote) else None

    async def note_uses(self) -> None:
        """Writes when requests have last used the workspaces of this server, for whichever server sweeps them later."""
        now = time.monotonic()
        ages = [(workspace.api_key, now - workspace.used_at) for workspace in self._registry.all()]
        await self.run(self._storage.note_uses, ages)

    async def list_unused(self, age: float) -> list[Located]:
        """Some workspaces without an owner that no request has used for `age` seconds."""
        return await self.run(self._storage.lookup.list_unused, age, LISTED_TOGETHER)

    def _give_up(self) -> None:
        """Forgets all workspaces, because other servers own them now. Called in the thread of the watch."""
        close_in_thread(self._registry.remove_all())
        self._remotes.clear()

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs work that waits for the database in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args, **kwargs))

    def close(self) -> None:
        """Waits for the workspaces that are being opened."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def close_in_thread(workspaces: list[Workspace]) -> None:
    """Closes workspaces that other servers own now. What runs in them may take seconds to notice."""
    threading.Thread(target=close_all, args=(workspaces,), name="lost workspaces", daemon=True).start()


def close_all(workspaces: list[Workspace]) -> None:
    """Closes workspaces that other servers own now: nothing that they do is kept."""
    for workspace in workspaces:
        try:
            workspace.close()
        except Exception:
            LOG.exception("a lost workspace could not be closed")
