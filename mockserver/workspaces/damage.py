"""Looks whether a kept workspace can be served, and says in one line what is wrong with one that cannot."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec

from mockserver.errors import ResourceFailed
from mockserver.workspaces.manifest import WORKSPACE_MANIFEST, WorkspaceManifest, read_workspace_manifest
from mockserver.workspaces.storage import FORKED_WORLD, FolderStorage
from mockserver.world.changes.tasks import resume
from mockserver.world.progression import decode_progression
from mockserver.world.schema import check_tables
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Hooks, Store
from mockserver.world.switches import Switches, decode_switches
from mockserver.world.workspace import Workspace

LAST_MOMENT = 253_402_300_800_000_000
"""The end of the year 9999 in microseconds UTC; no clock goes further, nor as far back."""
CHECKED_WHOLE = 256 * 1024 * 1024
"""Bytes of a database that is read whole when the server starts, at about 1 GB a second. Of a larger one only the parts
that everything needs are read; a damaged page in it is told when it is asked for."""


class Damaged(Exception):
    """A workspace cannot be served. The message names the file or folder, and what is wrong with it."""


class Damage(NamedTuple):
    """A workspace that is left out. `api_key` is None where even that cannot be read."""

    home: Path
    api_key: str | None
    reason: str

    def __str__(self) -> str:
        whose = "a workspace" if self.api_key is None else f"the workspace of the API key {self.api_key!r}"
        return (
            f"{self.reason}. So {whose} is not served, the others are: put the file back from a copy, or move "
            f"{self.home} away to go on without it"
        )


def read_manifest(storage: FolderStorage, home: Path) -> WorkspaceManifest:
    """The manifest of a workspace in the folder that its key has. Raises Damaged."""
    path = home / WORKSPACE_MANIFEST
    try:
        manifest = read_workspace_manifest(home)
        msgspec.convert(manifest.origin.switches, Switches)
    except OSError as error:
        raise Damaged(f"{path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged(f"{path} is damaged: {error}") from None
    expected = storage.home(manifest.api_key)
    if expected != home:
        raise Damaged(f"{home} is a copy of {expected.name}: a workspace's folder is named by its API key")
    return manifest


def open_checked(storage: FolderStorage, manifest: WorkspaceManifest, hooks: Hooks) -> Store:
    """The world of a workspace, when all that it consists of is there and whole. Raises Damaged."""
    stored = storage.stored(manifest)
    if manifest.origin.forked:
        _check_file(storage.home(manifest.api_key) / FORKED_WORLD)
    path = stored.database.path
    _check_file(path)
    try:
        store = Store(stored.database, hooks=hooks)
    except (apsw.Error, OSError, ResourceFailed) as error:
        raise Damaged(f"{path} cannot be read: {error}") from None
    try:
        _check_world(store, manifest, path)
        resume(store)
    except ResourceFailed as error:
        store.close()
        raise Damaged(f"{path} cannot be used: {error.message}") from None
    except (apsw.Error, msgspec.DecodeError) as error:
        store.close()
        raise Damaged(f"{path} is damaged: {error}") from None
    except BaseException:
        store.close()
        raise
    return store


def _check_file(path: Path) -> None:
    """Raises Damaged where it is missing, no database, or has damaged pages."""
    if not path.is_file():
        raise Damaged(f"{path} is {'no file' if path.exists() else 'missing'}")
    try:
        found = SqliteDatabase(path).find_damage(whole=path.stat().st_size <= CHECKED_WHOLE)
    except (apsw.Error, OSError) as error:
        raise Damaged(f"{path} cannot be read: {error}") from None
    if found is not None:
        raise Damaged(f"{path} is damaged: {found}")


def _check_world(store: Store, manifest: WorkspaceManifest, path: Path) -> None:
    """Before anything is written to it: it may be somebody else's. Raises Damaged."""
    with store.reading() as connection:
        check_tables(connection)
        worlds = connection.select(Workspace)
    if len(worlds) != 1:
        raise Damaged(f"{path} is damaged: its table of workspaces has {len(worlds)} rows instead of one")
    [world] = worlds
    if (world.name, world.incarnation) != (manifest.api_key, manifest.incarnation):
        raise Damaged(f"{path} is the world of another workspace, {world.name!r}")
    decode_switches(world.switches)
    decode_progression(world.progression)
    numbers = (world.seed, world.ends, world.sequence, world.clock_offset, world.clock_frozen_at or 0)
    if not all(isinstance(number, int) and abs(number) < LAST_MOMENT for number in numbers[1:]):
        raise Damaged(f"{path} is damaged: its clock or its end are no moments, {numbers[1:]}")
    if not isinstance(world.seed, int):
        raise Damaged(f"{path} is damaged: its seed is {world.seed!r}")
    if world.payload_date is not None:
        _check_date(world.payload_date, path)


def _check_date(text: str, path: Path) -> None:
    try:
        datetime.date.fromisoformat(text)
    except (TypeError, ValueError):
        raise Damaged(f"{path} is damaged: its payload date is {text!r}") from None
