"""Files that are written completely or not at all, and folders that belong to one running process."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mockserver.errors import StartupError
from mockserver.locks import lock, open_lock

LOG = logging.getLogger(__name__)

SMALL = 1024 * 1024
PART = ".part"
"""The end of the name of a file that is still being written."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""The rights of everybody but a folder's owner."""
TEMPORARY_PREFIX = "mockserver-"
TEMPORARY_MARK = ".temporary"
"""An empty file that marks a folder created by `TemporaryFolder`: it may be removed when its process has ended."""


def write_atomically(path: Path, content: bytes, *, durable: bool) -> None:
    """Writes a file beside its final name and renames it: a reader gets the old content or the new one.

    `durable` waits for the disk, so that a power failure also leaves one of the two. Raises OSError.
    """
    unfinished = f"{path}.{secrets.token_hex(4)}{PART}"  # a text: a path costs as much as the calls themselves
    try:
        with open(unfinished, "xb") as file:  # noqa: PTH123
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(unfinished, path)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)  # noqa: PTH108
        raise
    if durable:
        flush_names(path.parent)


def read_small_file(path: Path) -> bytes:
    """The content of a regular file of at most SMALL bytes. Raises OSError for others: a pipe would be waited for."""
    information = path.stat()
    if not stat.S_ISREG(information.st_mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    if information.st_size > SMALL:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return path.read_bytes()


def flush_names(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, after one was changed.

    The change has happened in any case, so a failure raises nothing: only a power failure could undo it.
    """
    try:
        flush(folder)
    except OSError as error:
        LOG.warning("%s: a change of its names may not outlive a power failure (%s)", folder, error.strerror)


def flush(path: Path) -> None:
    """Waits until a file's content, or the names in a folder, are on the disk. Raises OSError."""
    if sys.platform == "win32" and path.is_dir():
        return  # Windows opens no folders, and keeps their names by itself
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private_folder(folder: Path) -> None:
    """Creates a folder that only this user can enter, or takes these rights from others where it exists.

    Where another user owns it, a line in the log describes the consequence. Raises OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not mode & OTHERS:
        return
    try:
        folder.chmod(mode & ~OTHERS)
    except PermissionError:
        LOG.warning(
            "other users of this machine may read the API keys and webhook secrets in %s, and its mode cannot be "
            "changed by this user; `chmod 700` it as its owner",
            folder,
        )


def remove_folder(folder: Path) -> None:
    """Removes a folder with everything in it. Files that cannot be removed stay, and so does a link to a folder."""
    if os.path.islink(folder):  # noqa: PTH114  a text, as below: `shutil.rmtree` takes a third longer
        return
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    remove_folder(Path(entry.path))
                else:
                    with contextlib.suppress(OSError):
                        os.unlink(entry)  # noqa: PTH108
        os.rmdir(folder)  # noqa: PTH106
    except OSError:  # it is gone, or cannot be read, or has such files
        return


class FolderLock:
    """A lock on a folder, held until it is released or the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Raises BlockingIOError where another process holds it, and OSError where the folder cannot be opened."""
        self._descriptor = open_lock(folder)
        try:
            lock(self._descriptor)
        except OSError:
            os.close(self._descriptor)
            raise

    def release(self) -> None:
        os.close(self._descriptor)


class TemporaryFolder:
    """A locked folder that only this user can enter. It is removed when it is closed, or by a later process."""

    def __init__(self) -> None:
        """Raises StartupError where no temporary file can be written."""
        self.path = _make_temporary_folder()
        self._lock = FolderLock(self.path)
        # Marked last: the process of a folder that is marked and not locked has ended.
        (self.path / TEMPORARY_MARK).touch()

    def close(self) -> None:
        remove_folder(self.path)
        self._lock.release()


@contextlib.contextmanager
def open_scratch_folder() -> Iterator[Path]:
    """A folder for the files of one command, removed at its end. Raises StartupError."""
    folder = _make_temporary_folder()
    try:
        yield folder
    finally:
        remove_folder(folder)


def _make_temporary_folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
    except OSError as error:
        raise StartupError(
            f"no folder for temporary files can be written ({error.strerror}); mount a writable /tmp (an emptyDir in "
            "Kubernetes, --tmpfs /tmp in Docker), or name a folder that can be written in TMPDIR"
        ) from None


def remove_abandoned_folders() -> None:
    """Removes the temporary folders of processes that were killed. Folders of running processes are locked."""
    try:
        temporary = Path(tempfile.gettempdir())
    except FileNotFoundError:  # none can be written, so there are none
        return
    for folder in temporary.glob(f"{TEMPORARY_PREFIX}*"):
        with contextlib.suppress(OSError):  # another user's, or removed by another process in the meantime
            if folder.is_symlink() or not (folder / TEMPORARY_MARK).is_file() or folder.stat().st_uid != os.getuid():
                continue
            lock = FolderLock(folder)
            remove_folder(folder)
            lock.release()
