"""Workspaces are created, forked, reset and deleted, and opened again when a server starts on a kept state.

Copying and generating run in threads of their own, and changes of one API key take turns: whoever makes a large world
holds neither the event loop nor anybody else.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from typing import ParamSpec, TypeVar

import msgspec

from mockserver.errors import AuthenticationFailed, Conflict, StartupError
from mockserver.serving.descriptors import has_room, limit
from mockserver.settings import KEY_PATTERN, LONGEST_KEY
from mockserver.workspaces.damage import Damage, Damaged, open_checked, read_manifest
from mockserver.workspaces.manifest import Origin
from mockserver.workspaces.registry import Registry, read_key
from mockserver.workspaces.storage import FolderStorage, Stored, new_manifest
from mockserver.workspaces.workspace import Parts, Workspace, store_hooks
from mockserver.workspaces.worlds import Worlds

LOG = logging.getLogger(__name__)

OPEN_FILES = 7
"""Of a workspace: three of its database, three of a second connection that reads beside a change, and one to spare."""
AT_ONCE = 4
"""Workspaces that are copied at the same time."""

P = ParamSpec("P")
T = TypeVar("T")


class Workspaces:
    """The workspaces of a server, and every change of which there are. What raises an error has changed nothing."""

    def __init__(
        self,
        registry: Registry,
        storage: FolderStorage,
        worlds: Worlds,
        parts: Parts,
        *,
        origin: Origin,
        any_key: bool,
        most: int,
    ) -> None:
        """`origin` is what a workspace is made from by default. `any_key` makes one for every key that comes.

        `most` workspaces are kept at a time.
        """
        self.registry = registry
        self._storage, self._worlds, self._parts = storage, worlds, parts
        self._origin, self._any_key, self._most = origin, any_key, most
        self._turns = Turns()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="workspace")

    # When the server starts, before anything is served

    def open_all(self) -> list[Damage]:
        """Serve what the state holds from an earlier run. What cannot be read is left as it is, and returned."""
        damages: list[Damage] = []
        self._storage.remove_leftovers()
        homes = self._storage.homes()
        _check_descriptors(len(homes))
        for home in homes:
            api_key = None
            try:
                manifest = read_manifest(self._storage, home)
                api_key = manifest.api_key
                store = open_checked(self._storage, manifest, store_hooks(manifest, self._parts))
            except Damaged as error:
                damages.append(Damage(home, api_key, str(error)))
                self.registry.add_damage(damages[-1])
                continue
            self._storage.remove_leftovers_of(manifest)
            self.registry.add(Workspace(store, self._storage.stored(manifest), self._parts))
        return damages

    def create_now(self, api_key: str) -> Workspace:
        """A workspace from the default origin, in the calling thread. Raises Conflict, BadInput, OSError."""
        self._check_free(api_key)
        return self._create(api_key, self._origin, None)

    # While the server runs, on its event loop

    async def authenticate(self, authorization: str | None) -> Workspace:
        """The workspace of an Authorization header. Raises AuthenticationFailed, and Conflict where it is damaged."""
        key = read_key(authorization)
        if (workspace := self.registry.find(key)) is not None:
            return workspace
        if not self._any_key:
            raise self.registry.refuse(key)
        _check_key(key)
        async with self._turns.of(key):
            return self.registry.find(key) or await self._create_from(self._origin, key, None)

    async def create(self, api_key: str, origin: Origin | None = None, *, incarnation: str | None = None) -> Workspace:
        """A workspace from a scenario. Raises Conflict, BadInput."""
        async with self._turns.of(api_key):
            return await self._create_from(origin or self._origin, api_key, incarnation)

    async def _create_from(self, origin: Origin, api_key: str, incarnation: str | None) -> Workspace:
        self._check_free(api_key)
        await self._worlds.find(origin)
        return await self._in_thread(self._create, api_key, origin, incarnation)

    def _create(self, api_key: str, origin: Origin, incarnation: str | None) -> Workspace:
        manifest = new_manifest(api_key, origin, incarnation=incarnation)
        return self._serve_new(self._storage.create(manifest, self._worlds.copier(origin)))

    async def fork(
        self, api_key: str, source_key: str, changed: Origin | None = None, *, incarnation: str | None = None
    ) -> Workspace:
        """A workspace that begins with the world of another as it is now; no tasks, no results, its clock set alike.

        Raises Conflict, NotFound.
        """
        async with self._turns.of(api_key, source_key):
            source = self.registry.named(source_key)
            self._check_free(api_key)
            return await self._in_thread(self._fork, api_key, source, changed or Origin(), incarnation)

    def _fork(self, api_key: str, source: Workspace, changed: Origin, incarnation: str | None) -> Workspace:
        world = source.world
        origin = msgspec.structs.replace(changed, scenario=world.scenario, seed=world.seed, forked=True)
        manifest = new_manifest(api_key, origin, incarnation=incarnation)
        return self._serve_new(self._storage.fork(manifest, source.store.database))

    def _serve_new(self, stored: Stored) -> Workspace:
        """Open a workspace that has just been made; what cannot be opened is not kept."""
        try:
            workspace = self._open(stored)
        except BaseException:
            self._storage.delete(stored.manifest.api_key)
            raise
        self.registry.add(workspace)
        return workspace

    def _open(self, stored: Stored) -> Workspace:
        store = stored.open(store_hooks(stored.manifest, self._parts))
        try:
            return Workspace(store, stored, self._parts)
        except BaseException:
            store.close()
            raise

    async def reset(self, api_key: str, *, incarnation: str | None = None) -> Workspace:
        """The world as it was when the workspace was made, in a new life: no id of the old one comes again.

        Raises NotFound, Conflict, BadInput.
        """
        async with self._turns.of(api_key):
            workspace = self.registry.named(api_key)
            origin = workspace.stored.manifest.origin
            if not origin.forked:
                await self._worlds.find(origin)
            async with workspace.long_changes.turn():
                return await self._in_thread(self._reset, workspace, incarnation)

    def _reset(self, workspace: Workspace, incarnation: str | None) -> Workspace:
        manifest = workspace.stored.manifest
        forked = manifest.origin.forked
        copy = self._storage.copier_of_origin(manifest) if forked else self._worlds.copier(manifest.origin)
        stored = self._storage.begin_next_life(manifest, incarnation, copy)
        try:
            fresh = self._open(stored)
        except BaseException:
            self._storage.abandon(stored)
            raise
        try:
            self._storage.serve_life(stored)
        except BaseException:
            fresh.close()
            self._storage.abandon(stored)
            raise
        self.registry.add(fresh)
        with workspace.store.hide_faults():
            self._end(workspace)
        self._storage.remove_leftovers_of(stored.manifest)
        return fresh

    async def delete(self, api_key: str) -> None:
        """Everything of it, files too; of a damaged one as well. Raises NotFound, OSError.

        A change that runs in it ends first, so that its client is told the truth about it.
        """
        async with self._turns.of(api_key):
            damaged = self.registry.damage_of(api_key) is not None
            async with nullcontext() if damaged else self.registry.named(api_key).long_changes.turn():
                await self._in_thread(self._delete, api_key)

    def _delete(self, api_key: str) -> None:
        if (damage := self.registry.damage_of(api_key)) is not None:
            self._storage.delete(api_key)
            self.registry.forget_damage(api_key)
            LOG.warning("deleted %s, which could not be served", damage.home)
            return
        workspace = self.registry.named(api_key)
        with workspace.store.hide_faults():
            self._storage.delete(api_key, meanwhile=lambda: self._end_deleted(workspace))

    def _end_deleted(self, workspace: Workspace) -> None:
        self.registry.remove(workspace)
        self._end(workspace)

    def _end(self, workspace: Workspace) -> None:
        """Close a life whose files go."""
        workspace.close()
        self._parts.budget.forget(workspace.results)

    def close(self) -> None:
        """Close all workspaces. Their files stay."""
        self._worlds.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for workspace in self.registry.all():
            workspace.close()

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        assert not kwargs, "executors take positional arguments only"
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    def _check_free(self, api_key: str) -> None:
        """Raises Conflict where the key has a workspace, or there is no room for one more."""
        if self.registry.find(api_key) is not None:
            raise Conflict(
                f"There is a workspace with the API key {api_key!r} already; delete it or choose another key"
            )
        if len(self.registry.keys()) >= self._most:
            raise Conflict(
                f"There are {self._most} workspaces already, and no more are kept at a time; delete those that are not"
                " needed any more (DELETE /_mock/workspaces/{api_key}), or start the server with a larger"
                " --workspaces-limit"
            )
        if not has_room(OPEN_FILES):
            raise Conflict(
                f"A workspace needs {OPEN_FILES} open files, and this process may have {limit()} in all, of which a"
                " quarter is kept for connections and exports; delete workspaces that are not needed any more, or start"
                " the server with a higher limit (ulimit -n)"
            )


def _check_key(key: str) -> None:
    """Raises AuthenticationFailed for what cannot be the key of a workspace."""
    if len(key) > LONGEST_KEY or not re.match(KEY_PATTERN, key):
        raise AuthenticationFailed(
            f"The API key that came ({len(key)} characters) cannot name a workspace; expected at most {LONGEST_KEY:,}"
            " letters, digits and any of . _ ~ + = -"
        )


def _check_descriptors(workspaces: int) -> None:
    """Raises StartupError where a state holds more workspaces than this process may have open files for."""
    needed = workspaces * OPEN_FILES
    if not has_room(needed):
        raise StartupError(
            f"the state holds {workspaces} workspaces, which need {needed} open files, and this process may have"
            f" {limit()} in all (ulimit -n); raise that limit to {2 * needed + 100}"
        )


class Turns:
    """Changes of one API key run one after the other, those of different keys side by side. For one event loop."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def of(self, *api_keys: str) -> AsyncIterator[None]:
        """A turn for all of these keys. They are taken in one order everywhere, so that none waits for ever."""
        taken: list[asyncio.Lock] = []
        names = sorted(set(api_keys))
        for name in names:
            self._users[name] = self._users.get(name, 0) + 1
        try:
            for name in names:
                lock = self._locks.setdefault(name, asyncio.Lock())
                await lock.acquire()
                taken.append(lock)
            yield
        finally:
            for lock in taken:
                lock.release()
            for name in names:
                self._leave(name)

    def _leave(self, name: str) -> None:
        """Forget a key that nobody waits for."""
        self._users[name] -= 1
        if not self._users[name]:
            del self._users[name]
            self._locks.pop(name, None)
