"""The results of exports in a folder on the local disk."""

from __future__ import annotations

import io
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from mockserver.errors import ResourceFailed
from mockserver.results.interface import ResultFile
from mockserver.world.machine_failures import find_machine_failure, name_faults

LOG = logging.getLogger(__name__)


class FolderResults:
    """Results as files below a folder, under their names."""

    remote = False
    keeps_open = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, name: str) -> FolderWriter:
        """Begins a file. Raises ResourceFailed."""
        path = self._folder / name
        with name_faults(path):
            self._create_folders(path.parent)
        return FolderWriter(path)

    def _create_folders(self, folder: Path) -> None:
        """Creates a folder below that of the results. That one is not created again: if it was moved away, it could not
        come back to its place; if it was deleted with its workspace, the next one could not take it. Raises OSError."""
        if folder != self._folder:
            self._create_folders(folder.parent)
            folder.mkdir(exist_ok=True)

    def open(self, name: str) -> FolderReader:
        """Opens a file. Raises FileNotFoundError, OSError."""
        return FolderReader(self._folder / name)

    def size(self, name: str) -> int:
        """The bytes of a file. Raises FileNotFoundError."""
        try:
            return (self._folder / name).stat().st_size
        except NotADirectoryError as error:
            raise FileNotFoundError(str(error)) from error

    def delete(self, name: str) -> None:
        """Deletes a file or a folder. If a read-only or broken disk prevents it, that is logged; a server that starts
        again counts the files again."""
        path = self._folder / name
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            return
        except OSError as error:
            if find_machine_failure(error, path) is None:
                LOG.warning("%s could not be removed: %s", path, error)

    def list(self, below: str) -> list[ResultFile]:
        """All files below a name. Files that are deleted in the meantime may be left out."""
        return sorted(_walk(self._folder, below))

    def find_path(self, name: str) -> Path:
        """The path of a file or folder."""
        return self._folder / name

    def sign_url(self, _name: str) -> None:
        """Files on a disk have no URL of their own."""


def _walk(folder: Path, below: str) -> Iterator[ResultFile]:
    for parent, _, names in os.walk(folder / below):
        for name in names:
            path = Path(parent, name)
            try:
                status = path.stat()
            except OSError:
                continue
            yield ResultFile(path.relative_to(folder).as_posix(), status.st_size, status.st_mtime)


class FolderWriter:
    """A file that is being written. Its methods raise ResourceFailed, which names the path."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with name_faults(path):
            self._file = path.open("wb")

    def write(self, data: bytes) -> None:
        with name_faults(self._path):
            self._file.write(data)

    def close(self) -> None:
        with name_faults(self._path):
            self._file.close()

    def abandon(self) -> None:
        self.close()


class FolderReader:
    """An open file. Raises OSError."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb", buffering=0)
        except NotADirectoryError as error:
            raise FileNotFoundError(str(error)) from error

    @property
    def size(self) -> int:
        return self._file.seek(0, io.SEEK_END)

    def read(self, first: int, most: int) -> bytes:
        self._file.seek(first)
        return self._file.read(most)

    def close(self) -> None:
        self._file.close()


class FolderRoot:
    """A folder with a folder of results for each life: `--results DIR`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, life: str) -> FolderResults:
        """The results of a life. Raises ResourceFailed."""
        path = self._folder / life
        with name_faults(path):
            path.mkdir(exist_ok=True)
        return FolderResults(path)

    def remove(self, life: str) -> None:
        """Deletes all results of a life."""
        FolderResults(self._folder).delete(life)

    def find_failure(self) -> str | None:
        """Lists the folder, and says why that fails."""
        try:
            with name_faults(self._folder):
                next(self._folder.iterdir(), None)
        except ResourceFailed as failure:
            return failure.message
        return None
