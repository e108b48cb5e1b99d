"""Faults of the machine that a test brings about under a running server, without touching the server's code.

A limit of a process can be lowered and raised again from outside, by anybody. A small disk needs the right to mount.
"""

import os
import resource
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

MEGABYTE = 1024 * 1024


@contextmanager
def unable_to_write_files(pid: int) -> Iterator[None]:
    """Every write to a regular file fails with EFBIG, as on a disk that takes nothing more."""
    with _lower_limit(pid, resource.RLIMIT_FSIZE, 0):
        yield


@contextmanager
def out_of_descriptors(pid: int) -> Iterator[None]:
    """No file can be opened, and no connection accepted. Open files stay open."""
    taken = {int(descriptor.name) for descriptor in Path(f"/proc/{pid}/fd").iterdir()}
    with _lower_limit(pid, resource.RLIMIT_NOFILE, min(set(range(len(taken) + 1)) - taken)):
        yield


@contextmanager
def _lower_limit(pid: int, kind: int, limit: int) -> Iterator[None]:
    soft, hard = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (limit, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, kind, (soft, hard))


def open_files(pid: int) -> set[Path]:
    """The paths of the files that a process has open."""
    paths = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed in the meantime
            paths.add(descriptor.readlink())
    return paths


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own size in this folder. Where none can be mounted the test is skipped, and says so."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def make_read_only(disk: Path) -> None:
    """A disk of `small_disk` takes nothing more, as after a fault of its hardware."""
    _mount("-o", "remount,ro", str(disk))


def _mount(*arguments: str) -> None:
    try:
        ended = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"nothing can be mounted: {error}")  # a small disk needs root, as in CI
    if ended.returncode:
        pytest.skip(f"nothing can be mounted: {ended.stderr.strip()}")  # the same, in a container


@contextmanager
def fill_disk(disk: Path, *, left: int = 0) -> Iterator[Path]:
    """Fills the disk until `left` bytes are free; yields the file of ballast, which the caller may delete sooner."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while (free := _free(disk)) > left:
            try:
                file.write(bytes(min(free - left, MEGABYTE)))
            except OSError:
                break
    try:
        yield ballast
    finally:
        ballast.unlink(missing_ok=True)


def _free(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


class Gate:
    """A file in whose place a pipe lies: its writer waits until the test has let it through."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        os.mkfifo(path)
        self._path = path
        self._reading = threading.Thread(target=self._read)

    def open(self) -> None:
        """Lets all of it through, from now on."""
        self._reading.start()

    def _read(self) -> None:
        with self._path.open("rb") as pipe:
            while pipe.read(MEGABYTE):
                pass

    def close(self) -> None:
        self._reading.join(30)
        assert not self._reading.is_alive(), "nobody wrote to the end of the file"
