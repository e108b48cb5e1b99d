"""The results of exports in the PostgreSQL database that holds the workspaces: no other store is needed, and every
server of the database has them."""

from __future__ import annotations

from pathlib import Path

from mockserver.results.interface import ResultFile
from mockserver.world.postgres.database import PostgresDatabase
from mockserver.world.postgres.files import PART, Files, StoredFile


class DatabaseResults:
    """The results of one life as rows."""

    remote = True
    keeps_open = True

    def __init__(self, database: PostgresDatabase) -> None:
        self._files = Files(database)

    def create(self, name: str) -> DatabaseWriter:
        """Begins a file. Raises ResourceFailed."""
        return DatabaseWriter(self._files, self._files.begin(name))

    def open(self, name: str) -> DatabaseReader:
        """Opens a file. Raises FileNotFoundError, ResourceFailed."""
        return DatabaseReader(self._files, self._find(name))

    def size(self, name: str) -> int:
        """The bytes of a file. Raises FileNotFoundError, ResourceFailed."""
        return self._find(name).size

    def _find(self, name: str) -> StoredFile:
        file = self._files.find(name)
        if file is None:
            raise FileNotFoundError(f"no result is called {name}")
        return file

    def delete(self, name: str) -> None:
        self._files.delete(name)

    def list(self, below: str) -> list[ResultFile]:
        return [ResultFile(file.name, file.size, file.modified_at) for file in self._files.list_below(below)]

    def find_path(self, name: str) -> Path | None:
        return None

    def sign_url(self, name: str) -> str | None:
        return None


class DatabaseWriter:
    """A file that is being written: in parts of PART bytes."""

    def __init__(self, files: Files, no: int) -> None:
        self._files, self._no = files, no
        self._rest: list[bytes] = []
        self._rest_size = self._parts = 0
        self._closed = False

    def write(self, data: bytes) -> None:
        """Raises ResourceFailed."""
        self._rest.append(data)
        self._rest_size += len(data)
        if self._rest_size >= PART:
            self._append_parts(b"".join(self._rest))

    def _append_parts(self, content: bytes) -> None:
        """Writes the whole parts, and keeps the rest."""
        end = len(content) // PART * PART
        view = memoryview(content)  # whose slices are no copies
        for first in range(0, end, PART):
            self._append(view[first : first + PART])
        self._rest, self._rest_size = [content[end:]], len(content) - end

    def _append(self, content: bytes | memoryview) -> None:
        self._files.append(self._no, self._parts, content)
        self._parts += 1

    def close(self) -> None:
        """Raises ResourceFailed. Closing it again does nothing."""
        if self._closed:
            return
        self._closed = True
        size = self._parts * PART + self._rest_size
        if self._rest_size:
            self._append(b"".join(self._rest))
        self._files.complete(self._no, size)

    def abandon(self) -> None:
        """Leaves the file unfinished: nobody finds it, and its bytes are deleted with the others of its name."""
        self._closed = True


class DatabaseReader:
    """An open file. Its bytes stay for some minutes when its name is deleted."""

    def __init__(self, files: Files, file: StoredFile) -> None:
        self._files, self._file = files, file
        self._part, self._content = -1, b""
        """The part that was read last: a download reads it in some eight chunks."""

    @property
    def size(self) -> int:
        return self._file.size

    def read(self, first: int, most: int) -> bytes:
        """Raises ResourceFailed."""
        chunks = []
        end = min(first + most, self._file.size)
        while first < end and (chunk := self._read_part(first // PART)[first % PART : first % PART + end - first]):
            chunks.append(chunk)
            first += len(chunk)
        return b"".join(chunks)

    def _read_part(self, part: int) -> bytes:
        if part != self._part:
            self._content = self._files.read(self._file, part)
            self._part = part
        return self._content

    def close(self) -> None:
        """Does nothing: no connection is held."""
