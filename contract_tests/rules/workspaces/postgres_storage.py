"""Workspaces in PostgreSQL: a second implementation of the storage, which shows that workspaces use nothing else.

It is as simple as possible: each life is a schema, and the manifests are kept in memory. It survives no kill.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator

import msgspec
import psycopg

from contract_tests.rules.exports.memory_results import MemoryResults
from mockserver.errors import Conflict
from mockserver.workspaces.damage import check_world
from mockserver.workspaces.manifest import WorkspaceManifest
from mockserver.workspaces.storage import GetHooks, GetWorld, Life, Storage, new_life_name
from mockserver.workspaces.world_files import start_life
from mockserver.world.changes.settings import new_incarnation
from mockserver.world.changes.tasks import resume
from mockserver.world.database import Database, Record
from mockserver.world.postgres import PostgresDatabase
from mockserver.world.schema import tables
from mockserver.world.store import Store
from mockserver.world.workspace import OF_ONE_LIFE, Workspace


class Keeper:
    """The things that outlive a storage: the manifests and results by API key, beside the schemas in the database."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.name = secrets.token_hex(4)
        self.manifests: dict[str, WorkspaceManifest] = {}
        self.results: dict[str, MemoryResults] = {}

    def database(self, life: str) -> PostgresDatabase:
        return PostgresDatabase(self.dsn, f"{self.name}-{life}")

    def drop(self, life: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as raw:
            raw.execute(f'DROP SCHEMA IF EXISTS "{self.name}-{life}" CASCADE'.encode())

    def lives(self) -> set[str]:
        """The lives that have a schema."""
        with psycopg.connect(self.dsn) as raw:
            names = raw.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", [f"{self.name}-%"]).fetchall()
        return {name.removeprefix(f"{self.name}-") for (name,) in names}


class PostgresStorage(Storage):
    """Workspaces as schemas of a database. `origin` is the name of the schema that a fork goes back to."""

    def __init__(self, keeper: Keeper, get_hooks: GetHooks) -> None:
        super().__init__(get_hooks)
        self._keeper = keeper

    def count(self) -> int:
        return len(self._keeper.manifests)

    def open_all(self) -> Iterator[Life]:
        for manifest in self._keeper.manifests.values():
            life = self._open(manifest)
            check_world(life.store, manifest, manifest.life)
            resume(life.store)
            self.remove_earlier_lives(life)
            yield life

    def _open(self, manifest: WorkspaceManifest) -> Life:
        store = Store.open(self._keeper.database(manifest.life), hooks=self._get_hooks(manifest))
        return Life(manifest, store, self._keeper.results.setdefault(manifest.life, MemoryResults()))

    def create(self, manifest: WorkspaceManifest, get_world: GetWorld) -> Life:
        return self._create(manifest, lambda: read_database(get_world()))

    def fork(self, manifest: WorkspaceManifest, source: Life) -> Life:
        manifest = msgspec.structs.replace(manifest, origin_checksum=new_life_name())
        life = self._create(manifest, lambda: read_store(source.store))
        copy_into(self._keeper.database(str(manifest.origin_checksum)), read_store(life.store))
        return life

    def _create(self, manifest: WorkspaceManifest, read: Callable[[], list[list[Record]]]) -> Life:
        if manifest.api_key in self._keeper.manifests:
            raise Conflict(f"There is a workspace with the API key {manifest.api_key!r} already")
        life = self._begin(manifest, read)
        self.serve(life)
        return life

    def _begin(self, manifest: WorkspaceManifest, read: Callable[[], list[list[Record]]]) -> Life:
        records = read()
        database = self._keeper.database(manifest.life)
        try:
            copy_into(database, records)
            start_life(database, manifest, self._get_hooks(manifest)).close()
        except BaseException:
            self._keeper.drop(manifest.life)
            raise
        return self._open(manifest)

    def prepare_next_life(self, life: Life, incarnation: str | None, get_world: GetWorld) -> Life:
        manifest = msgspec.structs.replace(
            life.manifest,
            life=new_life_name(),
            incarnation=incarnation or new_incarnation(),
            leaving=(life.manifest.life,),
        )
        origin = manifest.origin_checksum
        if origin is not None:
            return self._begin(manifest, lambda: read_database(self._keeper.database(origin)))
        return self._begin(manifest, lambda: read_database(get_world()))

    def serve(self, life: Life) -> None:
        self._keeper.manifests[life.manifest.api_key] = life.manifest

    def abandon(self, life: Life) -> None:
        life.store.close()
        self._remove(life.manifest.life)

    def remove_earlier_lives(self, life: Life) -> None:
        for name in life.manifest.leaving:
            self._remove(name)

    def delete(self, api_key: str, *, close: Callable[[], None] | None = None) -> None:
        manifest = self._keeper.manifests.pop(api_key)
        if close is not None:
            close()
        for name in (manifest.life, *manifest.leaving, manifest.origin_checksum):
            self._remove(name) if name is not None else None

    def _remove(self, life: str) -> None:
        self._keeper.drop(life)
        self._keeper.results.pop(life, None)


def read_database(database: Database) -> list[list[Record]]:
    """The records of a world, the workspace's own first."""
    store = Store.open(database)
    try:
        return read_store(store)
    finally:
        store.close()


def read_store(store: Store) -> list[list[Record]]:
    """The records of a world in use, as they are at one moment."""
    kinds: list[type[Record]] = [Workspace]
    kinds += [kind for kind in tables() if kind not in {Workspace, *OF_ONE_LIFE}]
    snapshot = store.snapshot()
    try:
        return [list(snapshot.select(kind)) for kind in kinds]
    finally:
        snapshot.close()


def copy_into(database: Database, records: Iterable[list[Record]]) -> None:
    """Creates a world with these records in an empty database."""
    [[world], *others] = records
    assert isinstance(world, Workspace)
    Store.create(database, world, [batch for batch in others if batch]).close()
