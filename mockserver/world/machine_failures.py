"""Faults of the machine under the server: which resource failed, why, and what a user can do.

Every error of the operating system and of SQLite that a request can meet without a bug of the server is in the two
tables below. A caller that catches an exception asks `find_machine_failure` before it calls the exception a bug.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
"""Errors of the operating system: the sentence that a path follows, and what to do."""

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


def find_machine_failure(error: BaseException, place: Path | None = None) -> ResourceFailed | None:
    """The fault of the machine that `error` reports, or None if it reports none: then it is a bug of the server.

    `place` is named if the error names no path itself. The cause is logged, once a minute at most.
    """
    if isinstance(error, ResourceFailed):
        return error
    if isinstance(error, OSError):
        return _find_system_fault(error, place)
    if isinstance(error, apsw.Error):
        return _find_sqlite_fault(error, place)
    return None


def _find_system_fault(error: OSError, place: Path | None) -> ResourceFailed | None:
    fault = _BY_ERRNO.get(error.errno or 0)
    # A copy writes its second file.
    where = (error.filename2 if error.errno in _OF_WRITING else None) or error.filename or place
    if fault is None or (where is None and error.errno in _NEEDS_A_PATH):
        return None
    return _build_fault(fault, where, error.strerror or str(error))


_OF_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
"""Errors of a file that is written."""
_NEEDS_A_PATH = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EPERM, errno.EACCES}
"""Errors that sockets have as well, or that are a bug of the server as long as no file is named."""


def _find_sqlite_fault(error: apsw.Error, place: Path | None) -> ResourceFailed | None:
    fault = next((fault for kind, fault in _BY_SQLITE.items() if isinstance(error, kind)), None)
    if fault is None:
        return None
    if isinstance(error, (apsw.CantOpenError, apsw.IOError, apsw.ReadOnlyError)):
        reason = _probe(place)
        if reason is not None and reason.errno in _BY_ERRNO:
            return _build_fault(_BY_ERRNO[reason.errno], place, reason.strerror or str(reason))
    return _build_fault(fault, place, str(error))


PROBE = 64 * 1024
"""Bytes: twice those by which the index of SQLite's log grows."""


def _probe(place: Path | None) -> OSError | None:
    """Writes a file beside the database and returns the error, which says why: SQLite says only that it could not open,
    read or write a file.

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


def _build_fault(fault: tuple[str, str], where: object, why: str) -> ResourceFailed:
    what, advice = fault
    name = "the server" if where is None else os.fsdecode(where) if isinstance(where, bytes) else str(where)
    return report_failure(f"{what} {name}: {why}; {advice}")


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


@contextmanager
def hide_from_log() -> Iterator[None]:
    """Inside this block no fault that this thread finds is logged: the files are removed on purpose."""
    _unlogged.active = True
    try:
        yield
    finally:
        _unlogged.active = False


def report_failure(message: str) -> ResourceFailed:
    """Logs a fault of something that the server needs, once a minute, and returns it as an error."""
    if not getattr(_unlogged, "active", False):
        _note(message)
    return ResourceFailed(message)


_unlogged = threading.local()
_lock = threading.Lock()
_noted: dict[str, float] = {}
_MOST_NOTED = 100


def _note(message: str) -> None:
    """Logs one line for each cause and minute."""
    cause = message.partition(" /")[0]
    now = time.monotonic()
    with _lock:
        if now - _noted.get(cause, -LOGGED_EVERY) < LOGGED_EVERY:
            return
        if len(_noted) >= _MOST_NOTED:
            _noted.clear()
        _noted[cause] = now
    LOG.warning("%s", message)
