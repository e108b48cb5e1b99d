"""Keeps workspaces in a PostgreSQL database: a manifest and a life of rows for each, and a second life for the origin
of a fork.

The statements are those of `world/postgres`. A life is created completely before a manifest names it; a start removes
the lives that no manifest names. Generated worlds are kept as lives too (generated_lives.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import msgspec

from mockserver.conversion import decode
from mockserver.errors import ResourceFailed, may_be_committed
from mockserver.journal.table import Place
from mockserver.links import Links
from mockserver.results.database_results import DatabaseResults
from mockserver.results.interface import ResultsRoot
from mockserver.storage.damage import Damage, WorkspaceDamaged, check_world
from mockserver.storage.generated_lives import GeneratedLives, is_generated
from mockserver.storage.interface import GetHooks, GetWorld, Life, Remote, SharedStorage, new_life_name
from mockserver.storage.manifest import WorkspaceManifest, name_home
from mockserver.storage.manifest_texts import read_life, read_manifest, read_slug
from mockserver.storage.postgres_lookup import PostgresLookup
from mockserver.storage.world_files import start_life
from mockserver.world.changes.settings import new_incarnation
from mockserver.world.changes.tasks import resume
from mockserver.world.postgres.catalog import Catalog
from mockserver.world.postgres.database import PostgresDatabase
from mockserver.world.postgres.ownership import Owned, Ownership
from mockserver.world.postgres.pool import Pool
from mockserver.world.store import Store

LOG = logging.getLogger(__name__)

SOON = 60.0
"""Seconds. A workspace without an owner is claimed if it has something to do within this time."""


class PostgresStorage(SharedStorage):
    """Workspaces as rows of one database, which several servers may share. Results are below `results_root`, or rows of
    the same database."""

    is_remote = True

    def __init__(self, pool: Pool, get_hooks: GetHooks, *, results_root: ResultsRoot | None = None) -> None:
        super().__init__(get_hooks)
        self._catalog, self._ownership, self._results_root = Catalog(pool), Ownership(pool), results_root
        self._lookup = PostgresLookup(self._catalog, self._ownership)
        self._generated = GeneratedLives(self._catalog)

    @property
    def lookup(self) -> PostgresLookup:
        return self._lookup

    @property
    def number(self) -> int | None:
        return self._ownership.number

    def count(self) -> int:
        return self._catalog.count_manifests()

    # Opening

    def open_all(self) -> Iterator[Life | Damage]:
        self.remove_leftovers()
        for home, _ in self._catalog.list_manifests():
            item = self.open(home)
            if isinstance(item, (Life, Damage)):
                yield item

    def remove_leftovers(self) -> None:
        self._add_slugs()
        # Lives are listed before manifests: a life that no living server owns is named by a manifest by then, or never.
        abandoned = [life for life in self._catalog.list_abandoned_lives() if not is_generated(life)]
        used: set[str | None] = set()
        for _, content in self._catalog.list_manifests():
            try:
                manifest = decode(content, WorkspaceManifest)
            except msgspec.DecodeError as error:
                LOG.warning("a manifest in the database cannot be read (%s): no life is removed", error)
                return
            used |= {manifest.life, manifest.origin_checksum}
        for life in abandoned:
            if life not in used:
                self._remove(life)

    def _add_slugs(self) -> None:
        """Adds the slugs that manifests of an earlier version do not have."""
        for home, content in self._catalog.list_manifests_without_slug():
            if (slug := read_slug(content)) is not None:
                self._catalog.add_slug(home, slug)

    def open(self, home: str, *, only_if_due: bool = False) -> Life | Damage | Remote | None:
        owned = self._ownership.claim(home, read_life)
        if owned is None:
            return None
        if owned.owner is not None:
            return Remote(*owned.owner)
        if only_if_due and not self._is_due(owned):
            return None
        api_key, place = None, f"workspace {home} of the database"
        try:
            manifest = read_manifest(home, owned.content, place)
            api_key = manifest.api_key
            return self._open_checked(manifest, place)
        except WorkspaceDamaged as error:
            return Damage(home, place, api_key, error)

    def _is_due(self, owned: Owned) -> bool:
        """Returns whether a claimed workspace has something to do soon. If it has not, it is released."""
        life = read_life(owned.content)
        wake_in = None if life is None else self._ownership.find_work(life)
        if wake_in is not None and wake_in <= SOON:
            return True
        self._ownership.release([owned.home], wake_in=wake_in)
        return False

    def is_current(self, life: Life) -> bool:
        database = _rows_of(life)
        return database.owner == database.pool.number

    def claim(self, home: str) -> bool:
        owned = self._ownership.claim(home, read_life)
        return owned is not None and owned.owner is None

    def note_uses(self, ages: Sequence[tuple[str, float]]) -> None:
        self._ownership.note_uses([(name_home(api_key), age) for api_key, age in ages])

    def is_due(self, life: Life) -> bool:
        wake_in = self._ownership.find_work(life.manifest.life)
        return wake_in is not None and wake_in <= SOON

    def read(self, home: str) -> Store | None:
        owned = self._ownership.find(home)
        life = None if owned is None else read_life(owned.content)
        database = None if life is None else self._catalog.open_life(life)
        # Without its owner: a second store does not know of the changes that the first one makes.
        return None if database is None else Store.open(PostgresDatabase(database.pool, database.life, None))

    def release(self, life: Life) -> None:
        wake_in = self._ownership.find_work(life.manifest.life)
        self._ownership.release([name_home(life.manifest.api_key)], wake_in=wake_in)

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
        results = DatabaseResults(database) if root is None else root.open(manifest.life)
        return Life(manifest, store, results, Place(database.life, database.owner))

    # Creating

    def create(self, manifest: WorkspaceManifest, get_world: GetWorld) -> Life:
        life = self._begin(manifest, lambda: self._generated.copy(get_world, manifest.life))
        return self._keep(life)

    def fork(self, manifest: WorkspaceManifest, source: Life) -> Life:
        origin = new_life_name()
        manifest = msgspec.structs.replace(manifest, origin_checksum=origin)
        try:
            life = self._begin(manifest, lambda: self._catalog.copy_life(_rows_of(source), [manifest.life, origin])[0])
            return self._keep(life)
        except BaseException as error:
            if not may_be_committed(error):
                self._remove(origin)
            raise

    def _keep(self, life: Life) -> Life:
        """Makes a new life that of a new workspace. Raises Conflict if there is one already; ResourceFailed, after
        which there may be such a workspace."""
        manifest = life.manifest
        try:
            slug = Links.from_secret(manifest.secret).workspace
            self._catalog.add_manifest(name_home(manifest.api_key), msgspec.json.encode(manifest).decode(), slug)
        except BaseException as error:
            life.store.close()
            if not may_be_committed(error):
                self._remove(manifest.life)
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
            return self._begin(manifest, lambda: self._generated.copy(get_world, manifest.life))
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
        """Removes a life that no manifest names. If that fails, the next start removes it."""
        if self._results_root is not None:
            self._results_root.remove(life)
        try:
            self._catalog.remove_life(life)
        except ResourceFailed as error:
            LOG.warning("the rows of %s are left until the next start: %s", life, error.message)


def _rows_of(life: Life) -> PostgresDatabase:
    assert isinstance(life.store.database, PostgresDatabase), "one storage has worlds of one kind"
    return life.store.database
