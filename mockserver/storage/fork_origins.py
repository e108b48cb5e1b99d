"""The files that resets of forks go back to, in a state that is not kept.

Forks of a small world that does not change in between share one file: tests fork the same prepared workspace again and
again. Nobody writes to it, and it stays until the last fork is deleted.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from weakref import WeakKeyDictionary

from mockserver.storage.world_files import copy_live
from mockserver.world.sqlite import LARGE_TABLES, SqliteDatabase
from mockserver.world.store import Store

SHARED = "forked.sqlite"
"""The name of the shared file, beside the world."""


class ForkOrigins:
    """Creates these files. The forks of one world are created one after the other."""

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
