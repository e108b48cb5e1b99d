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
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import msgspec

from mockserver.errors import Conflict, ResourceFailed
from mockserver.exports.folder_results import FolderResults
from mockserver.exports.results import Results, ResultsRoot
from mockserver.folders import PART, flush, flush_names, remove_folder
from mockserver.storage.damage import Damage, WorkspaceDamaged, check_origin, check_world
from mockserver.storage.fork_origins import ForkOrigins
from mockserver.storage.interface import GetHooks, GetWorld, Life, Storage, new_life_name
from mockserver.storage.manifest import (
    LIFE,
    WORKSPACE_MANIFEST,
    WorkspaceManifest,
    name_home,
    read_workspace_manifest,
)
from mockserver.storage.world_files import checksum_of, copy_file, copy_live, find_damage, start_life
from mockserver.world.changes.settings import new_incarnation
from mockserver.world.changes.tasks import resume
from mockserver.world.machine_failures import find_machine_failure
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Hooks, Store

LOG = logging.getLogger(__name__)

UNFINISHED = ".new-"
DELETED = ".old-"
WORLD = "world.sqlite"
ORIGIN = "origin.sqlite"


class FolderStorage(Storage):
    """Workspaces as folders with SQLite files. `durable`: each step waits for the disk, as a kept state should.

    Results are below `results_root`, or beside the world of their life.
    """

    def __init__(
        self, folder: Path, get_hooks: GetHooks, *, durable: bool, results_root: ResultsRoot | None = None
    ) -> None:
        super().__init__(get_hooks)
        self.folder = folder
        self._durable, self._results_root = durable, results_root
        self._fork_origins = ForkOrigins()

    # When a server starts

    def count(self) -> int:
        return len(self._homes())

    def open_all(self) -> Iterator[Life | Damage]:
        self._remove_unfinished()
        for home in self._homes():
            api_key = None
            try:
                manifest = self._read_manifest(home)
                api_key = manifest.api_key
                life = self._open_checked(manifest)
            except WorkspaceDamaged as error:
                yield Damage(home.name, str(home), api_key, str(error))
                continue
            self.remove_earlier_lives(life)
            yield life

    def _homes(self) -> list[Path]:
        """Everything that may be a workspace, in a stable order."""
        if not self.folder.exists():
            return []
        own_names = (UNFINISHED, DELETED)
        return sorted(path for path in self.folder.iterdir() if not path.name.startswith(own_names))

    def _remove_unfinished(self) -> None:
        """Removes what was being created, or being deleted, when a process was killed."""
        for prefix in (UNFINISHED, DELETED):
            for left in self.folder.glob(f"{prefix}*"):
                self._remove_home(left) if left.is_dir() else left.unlink(missing_ok=True)

    def _read_manifest(self, home: Path) -> WorkspaceManifest:
        """The manifest of a workspace in the folder that its key has. Raises WorkspaceDamaged."""
        path = home / WORKSPACE_MANIFEST
        try:
            manifest = read_workspace_manifest(home)
            check_origin(manifest.origin)
        except OSError as error:
            raise WorkspaceDamaged(f"{path}: {error.strerror}") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise WorkspaceDamaged(f"{path} is damaged: {error}") from None
        expected = self._home(manifest.api_key)
        if expected != home:
            raise WorkspaceDamaged(f"{home} is a copy of {expected.name}: a workspace's folder is named by its API key")
        return manifest

    def _open_checked(self, manifest: WorkspaceManifest) -> Life:
        """The life that is served, if its world is there and undamaged. Raises WorkspaceDamaged."""
        path = self._life_folder(manifest) / WORLD
        if (damage := find_damage(path)) is not None:
            raise WorkspaceDamaged(damage)
        try:
            SqliteDatabase(path).migrate()
            store = Store(SqliteDatabase(path, durable=self._durable), hooks=self._get_hooks(manifest))
        except (apsw.Error, OSError, ResourceFailed) as error:
            raise WorkspaceDamaged(f"{path} cannot be read: {error}") from None
        try:
            check_world(store, manifest, path)
            resume(store)
        except ResourceFailed as error:
            store.close()
            raise WorkspaceDamaged(f"{path} cannot be used: {error.message}") from None
        except (apsw.Error, msgspec.DecodeError) as error:
            store.close()
            raise WorkspaceDamaged(f"{path} is damaged: {error}") from None
        except BaseException:
            store.close()
            raise
        if (damage := self._find_damaged_origin(manifest)) is not None:
            LOG.error("%s. The workspace of the API key %r is served, and cannot be reset", damage, manifest.api_key)
        return Life(manifest, store, self._open_results(path.parent))

    def _find_damaged_origin(self, manifest: WorkspaceManifest) -> str | None:
        """The damage of the file that a reset of a fork copies, and what to do; None if there is none."""
        if not manifest.origin.forked:
            return None
        path = self._home(manifest.api_key) / ORIGIN
        try:
            if path.is_file() and manifest.origin_checksum in (None, checksum_of(path)):
                return None
        except OSError as error:
            return f"{path} cannot be read ({error.strerror}); make it readable, or delete the workspace"
        damage = find_damage(path) or f"{path} is another file than the server wrote"
        return f"{damage}; put the file back from a copy, or delete the workspace"

    def remove_earlier_lives(self, life: Life) -> None:
        home = self._home(life.manifest.api_key)
        for name in life.manifest.leaving:
            self._remove_life(home / name)
        for unfinished in home.glob(f"{WORKSPACE_MANIFEST}.*{PART}") if self._durable else ():
            unfinished.unlink(missing_ok=True)

    # Creating

    def create(self, manifest: WorkspaceManifest, get_world: GetWorld) -> Life:
        if not self._durable:
            with self._create_in_place(manifest) as path:
                get_world_file(get_world).copy_to(path)
                return self._serve_in_place(path, manifest)
        with self._create_folder(manifest) as folder:
            path = folder / manifest.life / WORLD
            get_world_file(get_world).copy_to(path)
            self._write_life(path, manifest)
            manifest.write(folder, durable=self._durable)
        return self._open_new(manifest)

    def fork(self, manifest: WorkspaceManifest, source: Life) -> Life:
        if not self._durable:
            with self._create_in_place(manifest) as path:
                origin = path.parent.parent / ORIGIN
                self._fork_origins.create(origin, source.store)
                shutil.copyfile(origin, path)
                return self._serve_in_place(path, manifest)
        with self._create_folder(manifest) as folder:
            origin, path = folder / ORIGIN, folder / manifest.life / WORLD
            copy_live(source.store, origin)
            self._flush(origin)
            manifest = msgspec.structs.replace(manifest, origin_checksum=copy_file(origin, path))
            self._write_life(path, manifest)
            manifest.write(folder, durable=self._durable)
        return self._open_new(manifest)

    @contextmanager
    def _create_in_place(self, manifest: WorkspaceManifest) -> Iterator[Path]:
        """The path of the world of a workspace that is created where it will be. It is removed if the block raises an
        error. A state that is not kept is removed as a whole after its process was killed, so nobody meets a part."""
        home = self._home(manifest.api_key)
        self._check_free(home)
        with name_faults(home):
            try:
                home.mkdir()  # without parents: a state that was moved away comes back to an empty place
                (home / manifest.life).mkdir()
                yield home / manifest.life / WORLD
            except BaseException:
                self._put_away(home)
                raise

    def _put_away(self, home: Path) -> None:
        """Removes a workspace that could not be created. It is renamed first, which needs no file descriptor, so that
        its place is free even if its files cannot be removed now."""
        unfinished = self.folder / f"{UNFINISHED}{secrets.token_hex(6)}"
        try:
            home.rename(unfinished)
        except OSError:  # the error of the creation is the one to report
            unfinished = home
        remove_folder(unfinished)

    def _serve_in_place(self, path: Path, manifest: WorkspaceManifest) -> Life:
        store = self._start_life(path, manifest)
        with close_on_error(store):
            manifest.write(path.parent.parent, durable=False)
        return Life(manifest, store, self._open_results(path.parent))

    def _check_free(self, home: Path) -> None:
        if home.exists():
            raise Conflict(f"{home} is in the way of a new workspace with this API key; move it away, or delete it")

    @contextmanager
    def _create_folder(self, manifest: WorkspaceManifest) -> Iterator[Path]:
        """A folder to create a workspace in. It is renamed into place if the block raises no error, else removed."""
        home = self._home(manifest.api_key)
        self._check_free(home)
        folder = self.folder / f"{UNFINISHED}{secrets.token_hex(6)}"
        with name_faults(home):
            try:
                folder.mkdir()  # without parents: a state that was moved away comes back to an empty place
                (folder / manifest.life).mkdir()
                yield folder
                folder.rename(home)
            except BaseException:
                remove_folder(folder)
                raise
            if self._durable:
                flush_names(self.folder)

    def _write_life(self, path: Path, manifest: WorkspaceManifest) -> None:
        """Writes the workspace's name and what its origin says into a copied world, and closes it.

        SQLite knows its files by their paths, so no connection is open when the folder is renamed.
        """
        start_life(SqliteDatabase(path, private=True), manifest, Hooks()).close()
        SqliteDatabase(path).expect_log()
        self._flush(path)

    def _open_new(self, manifest: WorkspaceManifest) -> Life:
        """Opens a workspace that has just been created. One that cannot be opened is not kept."""
        path = self._life_folder(manifest) / WORLD
        try:
            store = Store.open(SqliteDatabase(path, durable=self._durable), hooks=self._get_hooks(manifest))
        except BaseException:
            self.delete(manifest.api_key)
            raise
        return Life(manifest, store, self._open_results(path.parent))

    # Changing

    def prepare_next_life(self, life: Life, incarnation: str | None, get_world: GetWorld) -> Life:
        manifest = life.manifest
        home = self._home(manifest.api_key)
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
                    self._copy_origin(manifest, path)
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

    def _copy_origin(self, manifest: WorkspaceManifest, path: Path) -> None:
        """Copies the world that a fork goes back to. Raises Conflict if it is damaged."""
        origin = self._home(manifest.api_key) / ORIGIN
        if manifest.origin_checksum is None and origin.is_file():
            shutil.copyfile(origin, path)
        elif not origin.is_file() or copy_file(origin, path) != manifest.origin_checksum:
            raise Conflict(f"This workspace cannot be reset: {self._find_damaged_origin(manifest)}")

    def serve(self, life: Life) -> None:
        home = self._home(life.manifest.api_key)
        with name_faults(home / WORKSPACE_MANIFEST):
            life.manifest.write(home, durable=self._durable)

    def abandon(self, life: Life) -> None:
        life.store.close()
        self._remove_life(self._life_folder(life.manifest))

    def delete(self, api_key: str, *, close: Callable[[], None] | None = None) -> None:
        deleted = self.folder / f"{DELETED}{secrets.token_hex(6)}"
        self._home(api_key).rename(deleted)
        if close is not None:
            close()
        if self._durable:
            flush_names(self.folder)
        self._remove_home(deleted)

    def close(self) -> None:
        if not self._durable and self._results_root is not None:
            for home in self._homes():
                self._remove_results(home)

    # Results

    def _open_results(self, folder: Path) -> Results:
        """The results of the life that has this folder."""
        return FolderResults(folder) if self._results_root is None else self._results_root.open(folder.name)

    def _remove_home(self, home: Path) -> None:
        self._remove_results(home)
        remove_folder(home)

    def _remove_results(self, home: Path) -> None:
        """Deletes the results of all lives in a folder that are elsewhere."""
        if self._results_root is not None:
            for life in home.glob(f"{LIFE}*"):
                self._results_root.remove(life.name)

    def _remove_life(self, folder: Path) -> None:
        if self._results_root is not None:
            self._results_root.remove(folder.name)
        remove_folder(folder)

    # Paths

    def _home(self, api_key: str) -> Path:
        """The folder of a workspace."""
        return self.folder / name_home(api_key)

    def _life_folder(self, manifest: WorkspaceManifest) -> Path:
        return self._home(manifest.api_key) / manifest.life

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


@contextmanager
def name_faults(place: Path) -> Iterator[None]:
    """Raises ResourceFailed for faults of the machine, with `place` where the error names no path itself."""
    try:
        yield
    except Exception as error:
        fault = find_machine_failure(error, place)
        if fault is None or fault is error:
            raise
        raise fault from error
