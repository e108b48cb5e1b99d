"""Keeps workspaces in a PostgreSQL database: a manifest and a life of rows for each, and a second life for the origin
of a fork.

The statements are those of `world/postgres`. A life is created completely before a manifest names it; a start removes
the lives that no manifest names. Generated worlds are kept as lives too: a copy within the database takes a tenth of
the time that sending the rows takes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import msgspec

from mockserver.conversion import decode
from mockserver.errors import ResourceFailed
from mockserver.exports.database_results import DatabaseResults
from mockserver.exports.results import ResultsRoot
from mockserver.workspaces.damage import Damage, WorkspaceDamaged, check_origin, check_world
from mockserver.workspaces.manifest import WorkspaceManifest, name_home
from mockserver.workspaces.storage import GetHooks, GetWorld, Life, Storage, new_life_name
from mockserver.workspaces.world_files import start_life
from mockserver.world.changes.settings import new_incarnation
from mockserver.world.changes.tasks import resume
from mockserver.world.postgres.catalog import Catalog
from mockserver.world.postgres.database import PostgresDatabase
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store

LOG = logging.getLogger(__name__)

GENERATED = "generated-"
"""The beginning of the names of lives that hold generated worlds."""
GENERATED_KEPT = 8
LARGEST_KEPT = 64 * 1024 * 1024
"""Bytes of the file of a generated world that is kept; a larger one is sent for each workspace."""


class PostgresStorage(Storage):
    """Workspaces as rows of one database, which only this server changes. Results are below `results_root`, or rows of
    the same database."""

    is_remote = True

    def __init__(self, catalog: Catalog, get_hooks: GetHooks, *, results_root: ResultsRoot | None = None) -> None:
        super().__init__(get_hooks)
        self._catalog, self._results_root = catalog, results_root

    def count(self) -> int:
        return len(self._catalog.list_manifests())

    def open_all(self) -> Iterator[Life | Damage]:
        self._remove_leftovers()
        for home, content in self._catalog.list_manifests():
            api_key = None
            place = f"workspace {home} of the database"
            try:
                manifest = self._read_manifest(home, content, place)
                api_key = manifest.api_key
                yield self._open_checked(manifest, place)
            except WorkspaceDamaged as error:
                yield Damage(home, place, api_key, str(error))

    def _remove_leftovers(self) -> None:
        """Removes the lives that were being created or removed when a process was killed."""
        used: set[str | None] = set()
        for _, content in self._catalog.list_manifests():
            try:
                manifest = decode(content, WorkspaceManifest)
            except msgspec.DecodeError as error:
                LOG.warning("a manifest in the database cannot be read (%s): no life is removed", error)
                return
            used |= {manifest.life, manifest.origin_checksum}
        for life in self._catalog.list_lives():
            if life not in used and not life.startswith(GENERATED):
                self._remove(life)

    def _read_manifest(self, home: str, content: str, place: str) -> WorkspaceManifest:
        """Raises WorkspaceDamaged."""
        try:
            manifest = decode(content, WorkspaceManifest)
            check_origin(manifest.origin)
        except msgspec.DecodeError as error:
            raise WorkspaceDamaged(f"the manifest of {place} is damaged: {error}") from None
        if name_home(manifest.api_key) != home:
            raise WorkspaceDamaged(f"{place} is a copy of {name_home(manifest.api_key)}: it is named by its API key")
        return manifest

    def _open_checked(self, manifest: WorkspaceManifest, place: str) -> Life:
        """Raises WorkspaceDamaged."""
        database = self._catalog.open_life(manifest.life)
        if database is None:
            raise WorkspaceDamaged(f"the rows of {place} are missing")
        store = Store(database, hooks=self._get_hooks(manifest))
        try:
            check_world(store, manifest, place)
            resume(store)
        except msgspec.DecodeError as error:
            store.close()
            raise WorkspaceDamaged(f"{place} is damaged: {error}") from None
        except BaseException:
            store.close()
            raise
        return self._build_life(manifest, store, database)

    def _build_life(self, manifest: WorkspaceManifest, store: Store, database: PostgresDatabase) -> Life:
        root = self._results_root
        return Life(manifest, store, DatabaseResults(database) if root is None else root.open(manifest.life))

    # Creating

    def create(self, manifest: WorkspaceManifest, get_world: GetWorld) -> Life:
        life = self._begin(manifest, lambda: self._copy_generated(get_world, manifest.life))
        return self._keep(life)

    def fork(self, manifest: WorkspaceManifest, source: Life) -> Life:
        origin = new_life_name()
        manifest = msgspec.structs.replace(manifest, origin_checksum=origin)
        try:
            life = self._begin(manifest, lambda: self._catalog.copy_life(_rows_of(source), [manifest.life, origin])[0])
            return self._keep(life)
        except BaseException:
            self._remove(origin)
            raise

    def _keep(self, life: Life) -> Life:
        """Makes a new life that of a new workspace. Raises Conflict if there is one already."""
        manifest = life.manifest
        try:
            self._catalog.add_manifest(name_home(manifest.api_key), msgspec.json.encode(manifest).decode())
        except BaseException:
            self.abandon(life)
            raise
        return life

    def _begin(self, manifest: WorkspaceManifest, copy: Callable[[], PostgresDatabase]) -> Life:
        """Begins a life in a copied world, which is removed if that fails."""
        try:
            database = copy()
            store = start_life(database, manifest, self._get_hooks(manifest))
        except BaseException:
            self._remove(manifest.life)
            raise
        return self._build_life(manifest, store, database)

    def _copy_generated(self, get_world: GetWorld, name: str) -> PostgresDatabase:
        """A copy of a generated world, which is sent to the database when it is first needed there."""
        world = get_world()
        assert isinstance(world, SqliteDatabase), "generated worlds are SQLite files"
        if world.path.stat().st_size > LARGEST_KEPT:
            return self._catalog.load_life(name, world)
        cached = f"{GENERATED}{world.path.stem}"
        source = self._catalog.open_life(cached)
        if source is None:
            self._make_room()
            source = self._catalog.load_life(cached, world)
        return self._catalog.copy_life(source, [name])[0]

    def _make_room(self) -> None:
        """Removes the generated worlds that were sent first."""
        cached = [name for name in self._catalog.list_lives() if name.startswith(GENERATED)]
        for name in cached[: max(len(cached) - GENERATED_KEPT + 1, 0)]:
            self._catalog.remove_life(name)

    # Changing

    def prepare_next_life(self, life: Life, incarnation: str | None, get_world: GetWorld) -> Life:
        manifest = msgspec.structs.replace(
            life.manifest,
            life=new_life_name(),
            incarnation=incarnation or new_incarnation(),
            leaving=(life.manifest.life,),
        )
        origin = manifest.origin_checksum
        if origin is None:
            return self._begin(manifest, lambda: self._copy_generated(get_world, manifest.life))
        return self._begin(manifest, lambda: self._copy_origin(origin, manifest.life))

    def _copy_origin(self, origin: str, name: str) -> PostgresDatabase:
        source = self._catalog.open_life(origin)
        if source is None:
            raise ResourceFailed("The rows that this fork goes back to are missing; delete the workspace")
        return self._catalog.copy_life(source, [name])[0]

    def serve(self, life: Life) -> None:
        manifest = life.manifest
        self._catalog.replace_manifest(name_home(manifest.api_key), msgspec.json.encode(manifest).decode())

    def abandon(self, life: Life) -> None:
        life.store.close()
        self._remove(life.manifest.life)

    def remove_earlier_lives(self, life: Life) -> None:
        for name in life.manifest.leaving:
            self._remove(name)

    def delete(self, api_key: str, *, close: Callable[[], None] | None = None) -> None:
        content = self._catalog.delete_manifest(name_home(api_key))
        if close is not None:
            close()
        if content is None:
            return
        try:
            manifest = decode(content, WorkspaceManifest)
        except msgspec.DecodeError:
            return  # nobody knows its lives: the next start removes them
        for name in (manifest.life, *manifest.leaving, manifest.origin_checksum):
            if name is not None:
                self._remove(name)

    def _remove(self, life: str) -> None:
        """Removes a life that no manifest names. What fails is done at the next start."""
        if self._results_root is not None:
            self._results_root.remove(life)
        try:
            self._catalog.remove_life(life)
        except ResourceFailed as error:
            LOG.warning("the rows of %s are left until the next start: %s", life, error.message)


def _rows_of(life: Life) -> PostgresDatabase:
    assert isinstance(life.store.database, PostgresDatabase), "one storage has worlds of one kind"
    return life.store.database
