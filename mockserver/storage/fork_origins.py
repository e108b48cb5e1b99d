"""The worlds that resets of forks go back to: `origin.sqlite` in the folder of each fork.

In a kept state the manifest of the fork has the checksum of this file, so that another file in its place is noticed. In
a state that is not kept, forks of a small world that does not change in between share one file: tests fork the same
prepared workspace again and again. Nobody writes to it, and it stays until the last fork is deleted.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from weakref import WeakKeyDictionary

from mockserver.errors import Conflict
from mockserver.storage.manifest import WorkspaceManifest
from mockserver.storage.world_files import checksum_of, copy_file, copy_live, find_damage
from mockserver.world.sqlite import LARGE_TABLES, SqliteDatabase
from mockserver.world.store import Store

ORIGIN = "origin.sqlite"
SHARED = "forked.sqlite"
"""The name of the shared file, beside the world."""


def find_damaged_origin(home: Path, manifest: WorkspaceManifest) -> str | None:
    """The damage of the file that a reset of a fork copies, and what to do; None if there is none."""
    if not manifest.origin.forked:
        return None
    path = home / ORIGIN
    try:
        if path.is_file() and manifest.origin_checksum in (None, checksum_of(path)):
            return None
    except OSError as error:
        return f"{path} cannot be read ({error.strerror}); make it readable, or delete the workspace"
    damage = find_damage(path) or f"{path} is another file than the server wrote"
    return f"{damage}; put the file back from a copy, or delete the workspace"


def copy_origin(home: Path, manifest: WorkspaceManifest, path: Path) -> None:
    """Copies the world that a fork goes back to. Raises Conflict if it is damaged."""
    origin = home / ORIGIN
    if manifest.origin_checksum is None and origin.is_file():
        shutil.copyfile(origin, path)
    elif not origin.is_file() or copy_file(origin, path) != manifest.origin_checksum:
        raise Conflict(f"This workspace cannot be reset: {find_damaged_origin(home, manifest)}")


class SharedOrigins:
    """Creates these files in a state that is not kept. The forks of one world are created one after the other."""

    def __init__(self) -> None:
        self._versions: WeakKeyDictionary[Store, int] = WeakKeyDictionary()
        """The number of changes that the copied worlds had at least."""

    def create(self, origin: Path, source: Store) -> None:
        """Creates the origin of a fork of a world in use, as a settled file. Raises OSError, apsw.Error."""
        assert isinstance(source.database, SqliteDatabase), "one storage has worlds of one kind"
        shared = source.database.path.with_name(SHARED)
        if self._versions.get(source) != source.version:
            version = self._copy(source, shared)
            if shared.stat().st_size > LARGE_TABLES:
                shared.replace(origin)
                return
            self._versions[source] = version
        try:
            os.link(shared, origin)
        except OSError:  # the file system has no links, or the file has too many
            shutil.copyfile(shared, origin)

    def _copy(self, source: Store, shared: Path) -> int:
        """Copies the world, and returns a number of changes that the copy has; it may have more."""
        self._versions.pop(source, None)
        shared.unlink(missing_ok=True)  # not overwritten, as earlier forks go back to it
        version = source.version
        copy_live(source, shared)
        return version
