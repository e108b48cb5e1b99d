"""Faults of the machine under the server: which resource failed, why, and what a person does about it.

Every error of the operating system and of SQLite that a request can meet without a bug of ours is in the two tables
below. Whoever catches an exception asks `find_fault` before it calls the exception a bug.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from pathlib import Path

import apsw

from mockserver.errors import ResourceFailed

LOG = logging.getLogger(__name__)

LOGGED_EVERY = 60.0
"""Seconds between two lines of the log about the same cause: a full disk fails every request."""

_FREE_SPACE = "free some space; the server goes on by itself then"
_RAISE_LIMIT = "close connections or raise the limit (ulimit -n)"
_CHECK_DISK = "check the disk and the system's log"
_PUT_BACK = "put it back, or restart the server"

_BY_ERRNO: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("No space left on the disk of", _FREE_SPACE),
    errno.EDQUOT: ("The disk quota is used up for", _FREE_SPACE),
    errno.EFBIG: ("The largest size of a file (ulimit -f) is reached at", "raise the limit"),
    errno.EROFS: ("The disk is read-only that holds", "mount it for writing"),
    errno.EACCES: ("This user may not write to", "change its permissions"),
    errno.EPERM: ("This user may not change", "change its permissions"),
    errno.EMFILE: ("The process has no file descriptor left for", _RAISE_LIMIT),
    errno.ENFILE: ("The machine has no file descriptor left for", _RAISE_LIMIT),
    errno.EIO: ("The disk failed to read or write", _CHECK_DISK),
    errno.ENXIO: ("The device is gone that holds", _CHECK_DISK),
    errno.ENODEV: ("The device is gone that holds", _CHECK_DISK),
    errno.ESTALE: ("The network file system has lost", _PUT_BACK),
    errno.ENOENT: ("It was deleted or moved while the server runs:", _PUT_BACK),
    errno.ENOTDIR: ("Something else has taken the place of the folder of", _PUT_BACK),
    errno.EISDIR: ("A folder has taken the place of", _PUT_BACK),
    errno.EEXIST: ("Something else has taken the place of", _PUT_BACK),
    errno.ELOOP: ("Links lead in a circle at", _PUT_BACK),
    errno.ENOMEM: ("The machine has no memory left for", "give it more"),
    errno.ENOLCK: ("The machine has no file locks left for", "use a local disk for --state"),
}
"""Errors of the operating system: what failed, followed by a path, and what to do."""

_BY_SQLITE: dict[type[apsw.Error], tuple[str, str]] = {
    apsw.FullError: _BY_ERRNO[errno.ENOSPC],
    apsw.ReadOnlyError: ("It cannot be written:", "make its disk and folder writable"),
    apsw.PermissionsError: _BY_ERRNO[errno.EACCES],
    apsw.CantOpenError: ("It cannot be opened:", "check that it and its folder are there and writable"),
    apsw.IOError: _BY_ERRNO[errno.EIO],
    apsw.CorruptError: ("The database is damaged:", "reset the workspace, or restore the file from a copy"),
    apsw.NotADBError: ("The database is damaged:", "reset the workspace, or restore the file from a copy"),
    apsw.BusyError: ("Another program holds the database:", "close that program"),
    apsw.LockedError: ("Another program holds the database:", "close that program"),
    apsw.NoMemError: _BY_ERRNO[errno.ENOMEM],
}
"""Errors of SQLite, which names no path."""


def find_fault(error: BaseException, place: Path | None = None) -> ResourceFailed | None:
    """What `error` says about the machine, or None where it does not: then it is a bug of ours.

    `place` is named where the error names no path itself. The cause goes to the log, once a minute at most.
    """
    if isinstance(error, ResourceFailed):
        return error
    if isinstance(error, OSError):
        return _of_system(error, place)
    if isinstance(error, apsw.Error):
        return _of_sqlite(error, place)
    return None


def _of_system(error: OSError, place: Path | None) -> ResourceFailed | None:
    found = _BY_ERRNO.get(error.errno or 0)
    # Of a copy, the second file is the one that is written.
    where = (error.filename2 if error.errno in _OF_WRITING else None) or error.filename or place
    if found is None or (where is None and error.errno in _NEEDS_A_PATH):
        return None
    return _failed(found, where, error.strerror or str(error))


_OF_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
"""Errors of a file that is written."""
_NEEDS_A_PATH = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EPERM, errno.EACCES}
"""Errors that sockets have as well, or that are a mistake of ours as long as no file is named."""


def _of_sqlite(error: apsw.Error, place: Path | None) -> ResourceFailed | None:
    found = next((told for kind, told in _BY_SQLITE.items() if isinstance(error, kind)), None)
    if found is None:
        return None
    if isinstance(error, (apsw.CantOpenError, apsw.IOError, apsw.ReadOnlyError)):
        reason = _why_not_written(place)
        if reason is not None and reason.errno in _BY_ERRNO:
            return _failed(_BY_ERRNO[reason.errno], place, reason.strerror or str(reason))
    return _failed(found, place, str(error))


PROBE = 8192
"""Bytes: two pages of a database."""


def _why_not_written(place: Path | None) -> OSError | None:
    """SQLite says only that it could not open, read or write a file. A file beside it is tried, which says why.

    The database itself must not be opened here: closing it would drop the locks that SQLite holds on it.
    """
    probe = None if place is None else place.with_name(f".{place.name}.{os.getpid()}.{threading.get_ident()}.probe")
    try:
        if probe is not None:
            try:
                probe.write_bytes(bytes(PROBE))
            finally:
                probe.unlink(missing_ok=True)
    except OSError as error:
        return error
    if place is not None and not place.exists():
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return None


def _failed(found: tuple[str, str], where: object, why: str) -> ResourceFailed:
    what, advice = found
    named = "the server" if where is None else os.fsdecode(where) if isinstance(where, bytes) else str(where)
    message = f"{what} {named}: {why}; {advice}"
    _note(message)
    return ResourceFailed(message)


_lock = threading.Lock()
_noted: dict[str, float] = {}
_MOST_NOTED = 100


def _note(message: str) -> None:
    """One line for each cause and minute."""
    cause = message.partition(" /")[0]
    now = time.monotonic()
    with _lock:
        if now - _noted.get(cause, -LOGGED_EVERY) < LOGGED_EVERY:
            return
        if len(_noted) >= _MOST_NOTED:
            _noted.clear()
        _noted[cause] = now
    LOG.warning("%s", message)
