"""Locks on open files, on every system that Python runs on; only those of POSIX are tested in CI."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    LOCK_FILE = ".lock"

    def open_lock(folder: Path) -> int:
        """Opens a file in the folder, as Windows opens no folders. Raises OSError."""
        return os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT)

    def lock(descriptor: int) -> None:
        """Locks the file until the descriptor is closed. Raises BlockingIOError where another process holds it."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from None

else:
    import fcntl

    def open_lock(folder: Path) -> int:
        """Opens the folder itself, so that there is no lock file that somebody could delete. Raises OSError."""
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)

    def lock(descriptor: int) -> None:
        """Locks the folder until the descriptor is closed. Raises BlockingIOError where another process holds it."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
