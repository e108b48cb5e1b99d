"""SQLite files of worlds: checks them, and starts a life in a copied one."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import FileIO
from pathlib import Path

import apsw
import msgspec

from mockserver.storage.damage import WorkspaceDamaged, WorkspaceUnreachable
from mockserver.storage.manifest import WorkspaceManifest
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.clock import Clock
from mockserver.world.database import Database
from mockserver.world.machine_failures import find_machine_failure, hide_from_log
from mockserver.world.records.workspace import OF_ONE_LIFE
from mockserver.world.sqlite import SqliteConnection, SqliteDatabase
from mockserver.world.store import Hooks, Store

CHECKED_WHOLE = 256 * 1024 * 1024
"""Bytes of a file that is read whole when the server starts, at about 1 GB a second. Of a larger one only the parts
that everything needs are read; a damaged page in it is reported when it is needed."""
DAMAGES = (apsw.CorruptError, apsw.NotADBError, msgspec.DecodeError)
"""Errors of a file that another program has written, or a broken disk."""
CHUNK = 1024 * 1024
"""Bytes read together for a checksum."""


def find_damage(path: Path) -> WorkspaceDamaged | None:
    """The damage of a file: it is missing, no database, or has damaged pages. None if it is undamaged.

    The pages of large files are not checked (`CHECKED_WHOLE`).
    """
    if not path.is_file():
        return WorkspaceDamaged(f"{path} is {'no file' if path.exists() else 'missing'}")
    try:
        damage = SqliteDatabase(path).find_damage(whole=path.stat().st_size <= CHECKED_WHOLE)
    except (apsw.Error, OSError) as error:
        return explain_damage(path, error)
    return None if damage is None else WorkspaceDamaged(f"{path} is damaged: {damage}")


def explain_damage(path: Path, error: Exception) -> WorkspaceDamaged:
    """Says why a world cannot be opened: its file is damaged, or the machine has a fault, which harms no file."""
    if not isinstance(error, DAMAGES):
        with hide_from_log():
            failure = find_machine_failure(error, path)
        if failure is not None:
            return WorkspaceUnreachable(failure.message.rpartition("; ")[0] or failure.message)
    what = "is damaged" if isinstance(error, (apsw.SQLError, msgspec.DecodeError)) else "cannot be read"
    return WorkspaceDamaged(f"{path} {what}: {error}")


def checksum_of(path: Path) -> str:
    """Size and CRC-32 of a file; of a large file only the beginning counts (`CHECKED_WHOLE`). Raises OSError.

    It detects a file that was exchanged by accident, and not one that was forged.
    """
    with path.open("rb", buffering=0) as file:
        total, _ = _read(file, CHECKED_WHOLE, lambda _: None)
    return f"{path.stat().st_size}-{total:08x}"


def copy_file(source: Path, target: Path) -> str:
    """Copies a file; the checksum of what was copied (`checksum_of`). Raises OSError."""
    # The copy is buffered: an unbuffered write may end in a part of the chunk.
    with source.open("rb", buffering=0) as file, target.open("xb") as copy:
        total, size = _read(file, CHECKED_WHOLE, copy.write)
        while chunk := file.read(CHUNK):
            size += copy.write(chunk)
    return f"{size}-{total:08x}"


def _read(file: FileIO, most: int, take: Callable[[bytes], object]) -> tuple[int, int]:
    """Reads a file up to `most` bytes, which is a multiple of CHUNK; CRC-32 and number of the bytes."""
    total = size = 0
    while size < most and (chunk := file.read(CHUNK)):
        total, size = zlib.crc32(chunk, total), size + len(chunk)
        take(chunk)
    return total, size


def copy_live(store: Store, path: Path) -> None:
    """Copies a world in use into one settled file. Tables of one life may be left empty. Raises OSError, apsw.Error."""
    database = store.database
    assert isinstance(database, SqliteDatabase), "one storage has worlds of one kind"
    with store.hold_still() as paused:
        if isinstance(paused, SqliteConnection) and not database.durable and paused.copy_small_world_to(path):
            return  # a durable file would wait for the disk here
    with store.reading() as connection:
        assert isinstance(connection, SqliteConnection), "one storage has worlds of one kind"
        content = connection.read_small_world()
    if content is not None:
        with path.open("xb") as copy:
            copy.write(content)
        return
    database.copy_live_to(path, without=[kind.TABLE for kind in OF_ONE_LIFE])


def start_life(database: Database, manifest: WorkspaceManifest, hooks: Hooks) -> Store:
    """Opens a copied world with its clock, and writes the workspace's name and what its origin says into it."""
    store = Store(database, hooks=hooks)
    try:
        world = store.workspace
        store.clock = Clock(world.clock_offset, world.clock_frozen_at)
        WorkspaceSettings(store).begin_life(
            name=manifest.api_key,
            incarnation=manifest.incarnation,
            switches=manifest.origin.switches,
            payload_date=manifest.origin.payload_date,
        )
    except BaseException:
        store.close()
        raise
    return store
