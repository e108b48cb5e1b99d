"""The changes of workspaces, each in the storage and in the registry: one without the other is never left.

Every method waits for files or a database, so it is called in a thread, while the API key is locked (lifecycle.py).
"""

from __future__ import annotations

import logging

import msgspec

from mockserver.errors import ResourceFailed, may_be_committed
from mockserver.storage.interface import Life, Located, SharedStorage, Storage, new_manifest
from mockserver.storage.manifest import Origin
from mockserver.storage.worlds import Worlds
from mockserver.workspaces.admission import Admission
from mockserver.workspaces.registry import Registry
from mockserver.workspaces.workspace import Parts, Workspace

LOG = logging.getLogger(__name__)


class WorkspaceChanges:
    """Creates, forks, resets and deletes workspaces. A method that raises an error has changed nothing."""

    def __init__(
        self, registry: Registry, storage: Storage, worlds: Worlds, parts: Parts, admission: Admission
    ) -> None:
        self._registry, self._storage, self._worlds = registry, storage, worlds
        self._parts, self._admission = parts, admission

    def create(self, api_key: str, origin: Origin, incarnation: str | None) -> Workspace:
        """Creates a workspace from a scenario, whose world is generated if needed. Raises Conflict, BadInput."""
        self._admission.check_others(api_key)
        manifest = new_manifest(api_key, origin, incarnation=incarnation)
        return self._serve_new(self._storage.create(manifest, lambda: self._worlds.get(origin)))

    def fork(self, api_key: str, source: Workspace, changed: Origin, incarnation: str | None) -> Workspace:
        """Creates a workspace with the current world of another. Raises Conflict."""
        self._admission.check_others(api_key)
        world = source.world
        origin = msgspec.structs.replace(changed, scenario=world.scenario, seed=world.seed, forked=True)
        manifest = new_manifest(api_key, origin, incarnation=incarnation)
        return self._serve_new(self._storage.fork(manifest, source.life))

    def _serve_new(self, life: Life) -> Workspace:
        """Serves a workspace that has just been created. One that cannot be served is not kept."""
        try:
            workspace = Workspace(life, self._parts, is_new=True)
        except BaseException:
            self._storage.delete(life.manifest.api_key, close=life.store.close)
            raise
        self._registry.add(workspace)
        return workspace

    def reset(self, workspace: Workspace, incarnation: str | None) -> Workspace:
        """Begins a new life, and closes the earlier one. Raises Conflict, BadInput."""
        origin = workspace.life.manifest.origin
        life = self._storage.prepare_next_life(workspace.life, incarnation, lambda: self._worlds.get(origin))
        try:
            fresh = Workspace(life, self._parts, is_new=True)
        except BaseException:
            self._storage.abandon(life)
            raise
        try:
            self._storage.serve(life)
        except BaseException as error:
            fresh.close()
            if may_be_committed(error):
                self._forget(workspace)  # the next request opens the life that the manifest names then
            else:
                self._storage.abandon(life)
            raise
        self._registry.add(fresh)
        with workspace.store.hide_faults():
            workspace.close()
        self._storage.remove_earlier_lives(life)
        return fresh

    def delete_unused(self, located: Located) -> bool:
        """Deletes a workspace, unless a server has claimed it in the meantime."""
        assert isinstance(self._storage, SharedStorage), "workspaces have owners where servers share them"
        assert located.api_key is not None, "a workspace whose key cannot be read is kept"
        if self._registry.has(located.api_key) or not self._storage.claim(located.home):
            return False
        self._storage.delete(located.api_key)
        return True

    def delete(self, api_key: str) -> None:
        """Deletes a workspace, a damaged one as well. Raises NotFound, OSError."""
        if (damage := self._registry.find_damage(api_key)) is not None:
            self._storage.delete(api_key)
            self._registry.forget_damage(api_key)
            LOG.warning("deleted %s, which could not be served", damage.place)
            return
        workspace = self._registry.get(api_key)
        with workspace.store.hide_faults():
            try:
                self._storage.delete(api_key, close=lambda: self._forget(workspace))
            except ResourceFailed as failure:
                if failure.may_be_committed:
                    self._forget(workspace)  # the next request opens it, if it exists
                raise

    def _forget(self, workspace: Workspace) -> None:
        self._registry.remove(workspace)
        workspace.close()
