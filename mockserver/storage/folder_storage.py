"""Keeps workspaces in a folder: one folder for each, and in it a folder with a SQLite file for each life.

    STATE/workspaces/3f9c…/workspace.json          what the workspace is, and which life is served
                           origin.sqlite           of forks: the world that a reset goes back to
                           life-51c0…/world.sqlite the world; beside it the results of its exports
                     .new-7d21…/                   a workspace that is being created
                     .old-e05b…/                   a workspace that is being deleted

A workspace is created completely under a name that no start takes for a workspace, and is then renamed into place. A
reset prepares the next life beside the one that is served, and then replaces `workspace.json`. So a process that is
killed leaves the state before or the state after, never a part. A start removes the folders with those names, and the
lives that `workspace.json` names as left over, and nothing else.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import msgspec

from mockserver.errors import ResourceFailed
from mockserver.folders import flush, remove_folder
from mockserver.results.folder_results import FolderResults
from mockserver.results.interface import Results, ResultsRoot
from mockserver.storage.damage import Damage, WorkspaceDamaged, check_world
from mockserver.storage.fork_origins import ORIGIN, SharedOrigins, copy_origin, find_damaged_origin
from mockserver.storage.homes import Homes
from mockserver.storage.interface import GetHooks, GetWorld, Life, Storage, new_life_name
from mockserver.storage.manifest import WORKSPACE_MANIFEST, WorkspaceManifest
from mockserver.storage.world_files import copy_file, copy_live, explain_damage, find_damage, start_life
from mockserver.world.changes.settings import new_incarnation
from mockserver.world.changes.tasks import resume
from mockserver.world.machine_failures import name_faults
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Hooks, Store

LOG = logging.getLogger(__name__)

WORLD = "world.sqlite"


class FolderStorage(Storage):
    """Workspaces as folders with SQLite files. `durable`: each step waits for the disk, as a kept state should.

    Results are below `results_root`, or beside the world of their life.
    """

    def __init__(
        self, folder: Path, get_hooks: GetHooks, *, durable: bool, results_root: ResultsRoot | None = None
    ) -> None:
        super().__init__(get_hooks)
        self._durable, self._results_root = durable, results_root
        self._homes = Homes(folder, durable=durable, results_root=results_root)
        self._origins = SharedOrigins()

    # When a server starts

    def count(self) -> int:
        return len(self._homes.list_all())

    def open_all(self) -> Iterator[Life | Damage]:
        self._homes.remove_unfinished()
        for home in self._homes.list_all():
            api_key = None
            try:
                manifest = self._homes.read_manifest(home)
                api_key = manifest.api_key
                life = self._open_checked(manifest)
            except WorkspaceDamaged as error:
                yield Damage(home.name, str(home), api_key, error)
                continue
            self.remove_earlier_lives(life)
            yield life

    def _open_checked(self, manifest: WorkspaceManifest) -> Life:
        """The life that is served, if its world is there and undamaged. Raises WorkspaceDamaged."""
        home = self._homes.get_path(manifest.api_key)
        path = home / manifest.life / WORLD
        if (damage := find_damage(path)) is not None:
            raise damage
        try:
            SqliteDatabase(path).migrate()
            store = Store(SqliteDatabase(path, durable=self._durable), hooks=self._get_hooks(manifest))
        except (apsw.Error, OSError, ResourceFailed) as error:
            raise explain_damage(path, error) from None
        try:
            check_world(store, manifest, path)
            resume(store)
        except (apsw.Error, ResourceFailed, msgspec.DecodeError) as error:
            store.close()
            raise explain_damage(path, error) from None
        except BaseException:
            store.close()
            raise
        if (origin := find_damaged_origin(home, manifest)) is not None:
            LOG.error("%s. The workspace of the API key %r is served, and cannot be reset", origin, manifest.api_key)
        return Life(manifest, store, self._open_results(path.parent))

    def remove_earlier_lives(self, life: Life) -> None:
        self._homes.remove_earlier_lives(life.manifest)

    # Creating

    def create(self, manifest: WorkspaceManifest, get_world: GetWorld) -> Life:
        if not self._durable:
            with self._homes.create_in_place(manifest) as home:
                get_world_file(get_world).copy_to(home / manifest.life / WORLD)
                return self._serve_in_place(home, manifest)
        with self._homes.create(manifest) as folder:
            path = folder / manifest.life / WORLD
            get_world_file(get_world).copy_to(path)
            self._write_life(path, manifest)
            manifest.write(folder, durable=self._durable)
        return self._open_new(manifest)

    def fork(self, manifest: WorkspaceManifest, source: Life) -> Life:
        if not self._durable:
            with self._homes.create_in_place(manifest) as home:
                self._origins.create(home / ORIGIN, source.store)
                shutil.copyfile(home / ORIGIN, home / manifest.life / WORLD)
                return self._serve_in_place(home, manifest)
        with self._homes.create(manifest) as folder:
            origin, path = folder / ORIGIN, folder / manifest.life / WORLD
            copy_live(source.store, origin)
            self._flush(origin)
            manifest = msgspec.structs.replace(manifest, origin_checksum=copy_file(origin, path))
            self._write_life(path, manifest)
            manifest.write(folder, durable=self._durable)
        return self._open_new(manifest)

    def _serve_in_place(self, home: Path, manifest: WorkspaceManifest) -> Life:
        path = home / manifest.life / WORLD
        store = self._start_life(path, manifest)
        with close_on_error(store):
            manifest.write(home, durable=False)
        return Life(manifest, store, self._open_results(path.parent))

    def _write_life(self, path: Path, manifest: WorkspaceManifest) -> None:
        """Writes the workspace's name and what its origin says into a copied world, and closes it.

        SQLite knows its files by their paths, so no connection is open when the folder is renamed.
        """
        start_life(SqliteDatabase(path, private=True), manifest, Hooks()).close()
        SqliteDatabase(path).expect_log()
        self._flush(path)

    def _open_new(self, manifest: WorkspaceManifest) -> Life:
        """Opens a workspace that has just been created. One that cannot be opened is not kept."""
        path = self._homes.get_path(manifest.api_key) / manifest.life / WORLD
        try:
            store = Store.open(SqliteDatabase(path, durable=self._durable), hooks=self._get_hooks(manifest))
        except BaseException:
            self.delete(manifest.api_key)
            raise
        return Life(manifest, store, self._open_results(path.parent))

    # Changing

    def prepare_next_life(self, life: Life, incarnation: str | None, get_world: GetWorld) -> Life:
        manifest = life.manifest
        home = self._homes.get_path(manifest.api_key)
        begun = msgspec.structs.replace(
            manifest, life=new_life_name(), incarnation=incarnation or new_incarnation(), leaving=()
        )
        remaining = [name for name in manifest.leaving if (home / name).exists()]
        path = home / begun.life / WORLD
        with name_faults(path):
            if self._durable:  # no start meets what is left of another state
                msgspec.structs.replace(manifest, leaving=(*remaining, begun.life)).write(home, durable=True)
            try:
                path.parent.mkdir()
                if manifest.origin.forked:
                    copy_origin(home, manifest, path)
                else:
                    get_world_file(get_world).copy_to(path)
                store = self._start_life(path, begun)
            except BaseException:
                remove_folder(path.parent)
                raise
        following = msgspec.structs.replace(begun, leaving=(*remaining, manifest.life))
        return Life(following, store, self._open_results(path.parent))

    def _start_life(self, path: Path, manifest: WorkspaceManifest) -> Store:
        """Opens a copied world, and writes the workspace's name and what its origin says into it."""
        SqliteDatabase(path).migrate()  # the origin of a fork stays as it was
        SqliteDatabase(path).expect_log()
        self._flush(path)
        store = start_life(SqliteDatabase(path, durable=self._durable), manifest, self._get_hooks(manifest))
        with close_on_error(store):
            self._flush(path.with_name(f"{path.name}-wal"))
        return store

    def serve(self, life: Life) -> None:
        home = self._homes.get_path(life.manifest.api_key)
        with name_faults(home / WORKSPACE_MANIFEST):
            life.manifest.write(home, durable=self._durable)

    def abandon(self, life: Life) -> None:
        life.store.close()
        self._homes.remove_life(life.manifest)

    def delete(self, api_key: str, *, close: Callable[[], None] | None = None) -> None:
        self._homes.delete(api_key, close=close)

    def close(self) -> None:
        if not self._durable:
            self._homes.remove_all_results()

    # Parts of these steps

    def _open_results(self, folder: Path) -> Results:
        """The results of the life that has this folder."""
        return FolderResults(folder) if self._results_root is None else self._results_root.open(folder.name)

    def _flush(self, path: Path) -> None:
        if self._durable:
            flush(path)


def get_world_file(get_world: GetWorld) -> SqliteDatabase:
    """A generated world, which is a settled SQLite file."""
    world = get_world()
    assert isinstance(world, SqliteDatabase), "generated worlds are SQLite files"
    return world


@contextmanager
def close_on_error(store: Store) -> Iterator[None]:
    """Closes the store if the block raises an error."""
    try:
        yield
    except BaseException:
        store.close()
        raise
