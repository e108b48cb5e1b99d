"""Whether the file of a database is still where it was opened.

SQLite goes on writing to a file that was deleted or moved, and says that all is well: what it writes is kept nowhere,
or in a place that nobody knows. Each change looks before it is committed, which takes some microseconds.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from mockserver.errors import ResourceFailed
from mockserver.world.machine_failures import find_machine_failure

Identity = tuple[int, int]
"""Device and number of a file."""


class Presence:
    """The presence of one database. Without a path (an engine that is a server) it is always present."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._files: dict[str, Identity] = {}

    def remember(self) -> None:
        """Remembers the file as it is now, when it has just been opened."""
        if self.path is not None and self.path.exists():
            self._check(str(self.path), self.path)

    def check(self) -> None:
        """Raises ResourceFailed when the file or its write-ahead log is gone, or another file is in its place.

        What was moved away and is put back is the same file again, and changes go on.
        """
        if self.path is None:
            return
        self._check(str(self.path), self.path)
        log = f"{self.path}-wal"
        if log in self._files or os.path.exists(log):  # noqa: PTH110  a Path costs as much as the call itself
            self._check(log, self.path)  # where there never was one, the disk does not take any

    def _check(self, name: str, path: Path) -> None:
        try:
            status = os.stat(name)  # noqa: PTH116  a Path costs as much as the call itself
        except OSError as error:
            raise _build_error(error, path) from None
        if self._files.setdefault(name, (status.st_dev, status.st_ino)) != (status.st_dev, status.st_ino):
            raise _build_error(FileNotFoundError(errno.ENOENT, "another file is in its place", name), path)


def _build_error(error: OSError, path: Path) -> ResourceFailed:
    return find_machine_failure(error, path) or ResourceFailed(f"{path} cannot be read: {error}")
