"""Where workspaces are kept: one folder each, in which every life has a folder of its own.

    STATE/workspaces/3f9c…/workspace.json          what it is, and which life is served
                           origin.sqlite           of forks: the world that a reset goes back to
                           life-51c0…/world.sqlite the world; beside it the results of its exports
                     .new-7d21…/                   a workspace that is being made
                     .old-e05b…/                   a workspace that is being deleted

A workspace is made whole under a name that no start takes for a workspace, and is then renamed into place. A reset
makes the next life beside the one that is served, and then replaces `workspace.json`. So a process that is killed
leaves the state before or the state after, never a part. A start removes what those names and `workspace.json` say is
left over, and nothing else.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from mockserver.errors import Conflict
from mockserver.folders import PART, flush, flush_names, remove_folder
from mockserver.workspaces.manifest import LIFE, WORKSPACE_MANIFEST, Origin, WorkspaceManifest, name_home
from mockserver.world.changes.settings import WorkspaceSettings, new_incarnation
from mockserver.world.changes.tasks import resume
from mockserver.world.database import Database
from mockserver.world.ids import digest
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Hooks, Store
from mockserver.world.workspace import OF_ONE_LIFE

UNFINISHED = ".new-"
DELETED = ".old-"
WORLD = "world.sqlite"
FORKED_WORLD = "origin.sqlite"


class Stored(NamedTuple):
    """A workspace as it is kept: its manifest, the folder of the life that is served, and the world in it."""

    manifest: WorkspaceManifest
    folder: Path
    database: SqliteDatabase

    def open(self, hooks: Hooks) -> Store:
        """The world, with its clock where it was left. Raises what the database raises."""
        store = Store(self.database, hooks=hooks)
        resume(store)
        return store


class FolderStorage:
    """Workspaces as folders with SQLite files. `durable`: each step waits for the disk, as a kept state should."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder = folder
        self._durable = durable

    def home(self, api_key: str) -> Path:
        """The folder of a workspace."""
        return self.folder / name_home(api_key)

    def homes(self) -> list[Path]:
        """Everything that may be a workspace, in a stable order."""
        if not self.folder.exists():
            return []
        ours = (UNFINISHED, DELETED)
        return sorted(path for path in self.folder.iterdir() if not path.name.startswith(ours))

    def stored(self, manifest: WorkspaceManifest) -> Stored:
        """The life that a manifest names."""
        folder = self.home(manifest.api_key) / manifest.life
        return Stored(manifest, folder, SqliteDatabase(folder / WORLD, durable=self._durable))

    def remove_leftovers(self) -> None:
        """Remove what was unfinished, or being deleted, when a process was killed."""
        for prefix in (UNFINISHED, DELETED):
            for left in self.folder.glob(f"{prefix}*"):
                remove_folder(left) if left.is_dir() else left.unlink(missing_ok=True)

    def remove_leftovers_of(self, manifest: WorkspaceManifest) -> None:
        """Remove the lives that are not served any more, or never were, and manifests that were not finished."""
        home = self.home(manifest.api_key)
        for name in manifest.leaving:
            remove_folder(home / name)
        for unfinished in home.glob(f"{WORKSPACE_MANIFEST}.*{PART}"):
            unfinished.unlink(missing_ok=True)

    # Making

    def create(self, manifest: WorkspaceManifest, copy_world: Callable[[Path], None]) -> Stored:
        """A workspace whose world `copy_world` writes to the path it is given. Raises Conflict."""
        with self._unfinished(manifest) as folder:
            copy_world(folder / manifest.life / WORLD)
            self._begin_life(manifest, folder / manifest.life / WORLD)
        return self.stored(manifest)

    def fork(self, manifest: WorkspaceManifest, source: Database) -> Stored:
        """A workspace that begins with the world of another, which may be in use. Raises Conflict."""
        assert isinstance(source, SqliteDatabase), "one storage has worlds of one kind"
        with self._unfinished(manifest) as folder:
            origin = SqliteDatabase(folder / FORKED_WORLD, private=True)
            source.copy_live_to(origin.path, without=[kind.TABLE for kind in OF_ONE_LIFE])
            self._begin_life(manifest, origin.path)
            self._flush(origin.path)
            origin.copy_to(folder / manifest.life / WORLD)
            self._flush(folder / manifest.life / WORLD)
        return self.stored(manifest)

    @contextmanager
    def _unfinished(self, manifest: WorkspaceManifest) -> Iterator[Path]:
        """A folder to make a workspace in; it is renamed into place when the block has ended without an error."""
        folder = self.folder / f"{UNFINISHED}{secrets.token_hex(6)}"
        home = self.home(manifest.api_key)
        if home.exists():
            raise Conflict(f"{home} is in the way of a new workspace with this API key; move it away, or delete it")
        try:
            (folder / manifest.life).mkdir(parents=True)
            yield folder
            manifest.write(folder, durable=self._durable)
            folder.rename(home)
        except BaseException:
            remove_folder(folder)
            raise
        if self._durable:
            flush_names(self.folder)

    def _begin_life(self, manifest: WorkspaceManifest, path: Path) -> None:
        """Write the workspace's name and all that its origin says into a copied world."""
        origin = manifest.origin
        store = Store.open(SqliteDatabase(path, private=True))
        try:
            WorkspaceSettings(store).begin_life(
                name=manifest.api_key,
                incarnation=manifest.incarnation,
                switches=origin.switches,
                payload_date=origin.payload_date,
            )
        finally:
            store.close()
        self._flush(path)

    def _flush(self, path: Path) -> None:
        if self._durable:
            flush(path)

    # Changing

    def begin_next_life(
        self, manifest: WorkspaceManifest, incarnation: str | None, copy_world: Callable[[Path], None]
    ) -> Stored:
        """Make the next life beside the one that is served. Nobody finds it before `serve_life`."""
        home = self.home(manifest.api_key)
        begun = msgspec.structs.replace(
            manifest, life=new_life(), incarnation=incarnation or new_incarnation(), leaving=()
        )
        still_there = [name for name in manifest.leaving if (home / name).exists()]
        msgspec.structs.replace(manifest, leaving=(*still_there, begun.life)).write(home, durable=self._durable)
        path = home / begun.life / WORLD
        try:
            path.parent.mkdir()
            copy_world(path)
            self._begin_life(begun, path)
        except BaseException:
            remove_folder(path.parent)
            raise
        return self.stored(msgspec.structs.replace(begun, leaving=(*still_there, manifest.life)))

    def serve_life(self, stored: Stored) -> None:
        """From this moment on it is this life that the workspace has, and every start opens it. Raises OSError."""
        stored.manifest.write(self.home(stored.manifest.api_key), durable=self._durable)

    def abandon(self, stored: Stored) -> None:
        """Remove a life that was begun and will not be served."""
        remove_folder(stored.folder)

    def copier_of_origin(self, manifest: WorkspaceManifest) -> Callable[[Path], None]:
        """How a reset of a fork gets its world."""
        return SqliteDatabase(self.home(manifest.api_key) / FORKED_WORLD).copy_to

    def delete(self, api_key: str, *, meanwhile: Callable[[], None] | None = None) -> None:
        """Delete a workspace with everything in it: from the renaming on no start finds it.

        `meanwhile` ends what uses its files; it is called when nothing can go wrong any more. Raises OSError.
        """
        deleted = self.folder / f"{DELETED}{secrets.token_hex(6)}"
        self.home(api_key).rename(deleted)
        if meanwhile is not None:
            meanwhile()
        if self._durable:
            flush_names(self.folder)
        remove_folder(deleted)


def new_manifest(api_key: str, origin: Origin, *, incarnation: str | None) -> WorkspaceManifest:
    """What a workspace that is being made says of itself.

    A given `incarnation` asks for a life that is the same every time it is made, so its secret follows from it.
    """
    secret = secrets.token_hex(16)
    if incarnation is not None:
        secret = digest("secret", api_key, incarnation, size=16).hex()
    return WorkspaceManifest(api_key, secret, new_life(), incarnation or new_incarnation(), origin)


def new_life() -> str:
    """The name of a folder that no life before had, so that nobody ever mistakes its files for another's."""
    return LIFE + secrets.token_hex(6)
