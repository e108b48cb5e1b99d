"""Creates, forks, resets and deletes workspaces, and opens them again when a server starts with a kept state.

Copying and generating run in threads of their own, and changes of one API key take turns: creating a large world holds
neither the event loop nor other clients. The changes themselves are in changes.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from starlette.requests import HTTPConnection

from mockserver.errors import Conflict, MockserverError
from mockserver.links import WORKSPACE_CLAIM, parse_api_key
from mockserver.storage.damage import Damage
from mockserver.storage.interface import Life, SharedStorage, Storage
from mockserver.storage.manifest import Origin
from mockserver.storage.worlds import Worlds
from mockserver.workspaces.admission import Admission, check_descriptors, check_new_key
from mockserver.workspaces.changes import WorkspaceChanges
from mockserver.workspaces.key_locks import KeyLocks
from mockserver.workspaces.registry import Registry, read_key
from mockserver.workspaces.workspace import Parts, Workspace
from mockserver.world.records.workspace import Workspace as World
from mockserver.world.store import Store

if TYPE_CHECKING:
    from mockserver.http.off_loop import OffLoop
    from mockserver.storage.membership import Membership
    from mockserver.workspaces.ownership import Owners
    from mockserver.workspaces.ownership_search import OwnershipSearch

LOG = logging.getLogger(__name__)

AT_ONCE = 4
"""Workspaces that are copied at the same time."""


class OwnWorld(Protocol):
    """The workspace of the server's own key, which is described when the server is ready."""

    @property
    def api_key(self) -> str: ...

    @property
    def world(self) -> World: ...

    @property
    def store(self) -> Store: ...


P = ParamSpec("P")
T = TypeVar("T")


class Workspaces:
    """The workspaces of a server, and every change of them. A method that raises an error has changed nothing."""

    def __init__(
        self,
        registry: Registry,
        storage: Storage,
        worlds: Worlds,
        parts: Parts,
        *,
        origin: Origin,
        any_key: bool,
        most: int,
        membership: Membership | None = None,
    ) -> None:
        """`origin` is the default origin of a workspace. `any_key` creates a workspace for every unknown key.

        At most `most` workspaces are kept at a time. With a `membership` other servers may own some of them.
        """
        self.registry = registry
        self._storage, self._worlds, self._parts = storage, worlds, parts
        self._origin, self._any_key = origin, any_key
        self.swept = 0
        """Workspaces that were deleted because they were idle."""
        self._locks = KeyLocks()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="workspace")
        self.off_loop = open_off_loop() if storage.is_remote else None
        """Runs the endpoints if each use of a workspace waits for another process."""
        self.owners: Owners | None = None
        """Finds the owners of workspaces, and opens them when they are needed, if several servers share them."""
        self.ownership_search: OwnershipSearch | None = None
        """Serves workspaces that no server owns when they have something to do, if several servers share them."""
        if membership is not None and isinstance(storage, SharedStorage):
            from mockserver.workspaces.ownership import Owners  # noqa: PLC0415  few servers share their workspaces
            from mockserver.workspaces.ownership_search import OwnershipSearch  # noqa: PLC0415

            create = self._create_for_unknown if any_key else None
            self.owners = Owners(membership, storage, registry, self._locks, self._build, create)
            self.ownership_search = OwnershipSearch(self.owners, membership, storage, registry, self._locks)
        self._admission = Admission(registry, self.owners, self.count, most=most, is_remote=storage.is_remote)
        self._changes = WorkspaceChanges(registry, storage, worlds, parts, self._admission)

    # When the server starts, before anything is served

    def open_all(self) -> list[Damage]:
        """Serves the workspaces of an earlier run. Returns those that cannot be served; they stay as they are.

        Workspaces that several servers share are opened when they are needed.
        """
        if self.owners is not None:
            self.owners.remove_leftovers()
            return []
        if not self._storage.is_remote:
            check_descriptors(self._storage.count())
        damages: list[Damage] = []
        for item in self._storage.open_all():
            if isinstance(item, Damage):
                damages.append(item)
                self.registry.add_damage(item)
            else:
                self.registry.add(self._build(item))
        return damages

    def _build(self, life: Life) -> Workspace:
        return Workspace(life, self._parts)

    def open_own(self, api_key: str) -> OwnWorld:
        """Opens or creates the workspace of the server's own key, before anything is served. Another server may own it:
        then its world is only read. Raises Conflict if it is damaged, BadInput, ResourceFailed, OSError."""
        while True:
            world = None if self.owners is None else self.owners.open_now(api_key)
            if world is not None:
                return world
            workspace = self.registry.find(api_key)
            if workspace is not None:
                return workspace
            try:
                return self.create_now(api_key)
            except Conflict:
                if self.owners is None or not self.owners.exists(api_key):
                    raise  # not because another server has created it at the same time

    def create_now(self, api_key: str) -> Workspace:
        """Creates a workspace from the default origin, in the calling thread. Raises Conflict, BadInput, OSError."""
        self._admission.check_free(api_key)
        return self._changes.create(api_key, self._origin, None)

    @property
    def results_bytes(self) -> int:
        """The bytes of all results and uploads."""
        return self._parts.budget.used

    # While the server runs, on its event loop

    async def authenticate(self, request: HTTPConnection) -> Workspace:
        """The workspace of a request's Authorization header. Raises AuthenticationFailed, and Conflict if it is
        damaged."""
        key = read_key(request.headers.get("authorization"))
        if (workspace := self.registry.find(key)) is not None:
            if workspace.key_revoked:
                raise self.registry.build_refusal(key)
            return workspace
        if (claims := parse_api_key(key)) is not None:
            return self._find_creator(key, claims, request)
        if not self._any_key:
            raise self.registry.build_refusal(key)
        check_new_key(key)
        async with self._locks.hold(key):
            return self.registry.find(key) or await self._create_from(self._origin, key, None)

    def _find_creator(self, api_key: str, claims: dict[str, Any], request: HTTPConnection) -> Workspace:
        """The workspace that created the API key. Raises AuthenticationFailed."""
        from mockserver.workspaces.created_keys import check_key  # noqa: PLC0415  few clients have such a key

        workspace = self.registry.find_by_slug(claims[WORKSPACE_CLAIM])
        if workspace is None:
            raise self.registry.build_refusal(api_key)
        check_key(workspace, api_key, claims, request.client.host if request.client else None)
        return workspace

    async def _create_for_unknown(self, api_key: str) -> Workspace:
        check_new_key(api_key)
        return await self.create(api_key)

    def list_keys(self) -> list[str]:
        """The API keys of all workspaces, whichever server owns them. It may wait for a database."""
        return self.registry.keys() if self.owners is None else self.owners.lookup.list_keys()

    def count(self) -> int:
        """The number of all workspaces, whichever server owns them. It may wait for a database."""
        return len(self.registry.keys()) if self.owners is None else self._storage.count()

    def count_servers(self) -> int:
        """The number of living servers that share the workspaces, this one included."""
        return 1 if self.owners is None else self.owners.count_servers()

    async def create(self, api_key: str, origin: Origin | None = None, *, incarnation: str | None = None) -> Workspace:
        """Creates a workspace from a scenario. Raises Conflict, BadInput."""
        async with self._locks.hold(api_key):
            return await self._create_from(origin or self._origin, api_key, incarnation)

    async def _create_from(self, origin: Origin, api_key: str, incarnation: str | None) -> Workspace:
        self._admission.check_free(api_key)
        await self._worlds.prepare(origin)
        return await self._run_in_thread(self._changes.create, api_key, origin, incarnation)

    async def fork(
        self, api_key: str, source_key: str, changed: Origin | None = None, *, incarnation: str | None = None
    ) -> Workspace:
        """Creates a workspace with the current world and clock of another, without its tasks and results.

        Raises Conflict, NotFound, BadInput.
        """
        async with self._locks.hold(api_key, source_key):
            source = self.registry.get(source_key)
            self._admission.check_free(api_key)
            return await self._run_in_thread(self._changes.fork, api_key, source, changed or Origin(), incarnation)

    async def reset(self, api_key: str, *, incarnation: str | None = None) -> Workspace:
        """Begins a new life with the world that the workspace was created with. No id of the old life comes again.

        Raises NotFound, Conflict, BadInput.
        """
        async with self._locks.hold(api_key):
            workspace = self.registry.get(api_key)
            origin = workspace.life.manifest.origin
            if not origin.forked:
                await self._worlds.prepare(origin)
            async with workspace.long_changes.turn():
                return await self._run_in_thread(self._changes.reset, workspace, incarnation)

    async def delete(self, api_key: str) -> None:
        """Deletes a workspace with its files; a damaged one as well. Raises NotFound, OSError.

        A change that runs in it ends first, so that its client gets a true answer.
        """
        async with self._locks.hold(api_key):
            damaged = self.registry.find_damage(api_key) is not None
            async with nullcontext() if damaged else self.registry.get(api_key).long_changes.turn():
                await self._run_in_thread(self._changes.delete, api_key)

    async def delete_idle(self, api_key: str, age: float) -> bool:
        """Deletes a workspace, unless a request has found it within `age` seconds. Returns whether it is deleted.
        Raises OSError."""
        async with self._locks.hold(api_key):
            workspace = self.registry.peek("key", api_key)
            if workspace is None:
                return False
            async with workspace.long_changes.turn():
                # Asked behind the change that runs: its client polls it, and so uses the workspace.
                if api_key not in self.registry.list_idle(age):
                    return False
                await self._run_in_thread(self._changes.delete, api_key)
            self.swept += 1
            return True

    async def delete_unused(self, age: float, *, but: str) -> int:
        """Deletes workspaces that no server owns and no request has used for `age` seconds, `but` the one of this key.
        Returns how many are deleted. Raises ResourceFailed."""
        if self.owners is None:
            return 0
        await self.note_uses()
        deleted = 0
        for located in await self.owners.list_unused(age):
            if located.api_key not in (None, but):
                async with self._locks.hold(located.api_key):
                    deleted += await self._run_in_thread(self._changes.delete_unused, located)
        self.swept += deleted
        return deleted

    async def note_uses(self) -> None:
        """Notes when requests have last used the workspaces of this server, if other servers may sweep them later.
        Raises ResourceFailed."""
        if self.owners is not None:
            await self.owners.note_uses()

    def close(self) -> None:
        """Closes all workspaces. Their files stay."""
        if self.off_loop is not None:
            self.off_loop.close()
        if self.owners is not None:
            self.owners.close()
        self._worlds.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._parts.journals.finish()
        for workspace in self.registry.all():
            try:
                workspace.close()
            except MockserverError as error:
                LOG.warning("a workspace was not closed completely: %s", error)
        self._storage.close()

    async def _run_in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        assert not kwargs, "executors take positional arguments only"
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)


def open_off_loop() -> OffLoop:
    from mockserver.http.off_loop import OffLoop  # noqa: PLC0415  few servers have a remote database

    return OffLoop()
