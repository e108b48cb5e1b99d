"""The results of exports in an object store: a file is one object, which appears when it is whole."""

from __future__ import annotations

import logging
import threading

import obstore

from mockserver.errors import ResourceFailed
from mockserver.results.interface import ResultFile
from mockserver.results.object_store import Content, ObjectStore

LOG = logging.getLogger(__name__)

WINDOW = 2 * 1024 * 1024
"""Bytes that a reader has in memory: one request of the store for each."""
MOST_REMAINING = 10_000
_CONTENT_TYPES = {".ndjson": "application/x-ndjson", ".json": "application/json"}


class ObjectRoot:
    """The objects below a URL, by the name of a life: `{life}/results/{task}/RESULT/0.ndjson`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._remaining: dict[str, None] = {}
        """Paths that could not be deleted. Everything below them is deleted with the next one."""

    def open(self, life: str) -> ObjectResults:
        """The results of a life."""
        return ObjectResults(self._store, self, f"{life}/")

    def remove(self, life: str) -> None:
        """Deletes all results of a life."""
        self.delete(life)

    def find_failure(self) -> str | None:
        """Tries the store, and returns the reason why it cannot be used now."""
        return self._store.find_failure()

    def check_signing(self) -> None:
        """Raises ResourceFailed when the store cannot sign URLs, because it has no credentials for example."""
        self._store.sign("any")

    def delete(self, path: str) -> None:
        """Deletes an object, or all objects below a path. If the store fails, it is tried again with the next path."""
        with self._lock:
            paths = [*self._remaining, path]
            self._remaining.clear()
        for index, each in enumerate(paths):
            try:
                self._store.delete([each, *(file.name for file in self._store.list(each))])
            except ResourceFailed as failure:
                self._keep_remaining(paths[index:], failure)
                return

    def _keep_remaining(self, paths: list[str], failure: ResourceFailed) -> None:
        with self._lock:
            self._remaining.update(dict.fromkeys(paths))
            while len(self._remaining) > MOST_REMAINING:
                lost = next(iter(self._remaining))
                del self._remaining[lost]
                LOG.warning("%s stays in the object store: %s", lost, failure.message)


class ObjectResults:
    """The results of one life. All methods but `delete` raise ResourceFailed when the store fails."""

    remote = True
    keeps_open = False

    def __init__(self, store: ObjectStore, root: ObjectRoot, prefix: str) -> None:
        self._store, self._root, self._prefix = store, root, prefix

    def create(self, name: str) -> ObjectWriter:
        """Begins a file."""
        content_type = next((kind for end, kind in _CONTENT_TYPES.items() if name.endswith(end)), None)
        path = self._prefix + name
        return ObjectWriter(self._store, self._store.open_writer(path, content_type or "application/octet-stream"))

    def open(self, name: str) -> ObjectReader:
        """Opens a file. Raises FileNotFoundError."""
        return ObjectReader(self._store, self._prefix + name)

    def size(self, name: str) -> int:
        """The bytes of a file. Raises FileNotFoundError."""
        return self._store.size(self._prefix + name)

    def delete(self, name: str) -> None:
        """Deletes a file, or all files below a name."""
        self._root.delete(self._prefix + name)

    def list(self, below: str) -> list[ResultFile]:
        """All files below a name."""
        files = self._store.list(self._prefix + below)
        return sorted(file._replace(name=file.name.removeprefix(self._prefix)) for file in files)

    def find_path(self, _name: str) -> None:
        """Objects have no path on the disk."""

    def sign_url(self, name: str) -> str:
        """The presigned URL of a file. Raises FileNotFoundError."""
        self.size(name)
        return self._store.sign(self._prefix + name)


class ObjectWriter:
    """A file that is being sent. Raises ResourceFailed.

    One that is abandoned, or whose process is killed, never appears. The parts of a large one stay in the store until a
    rule of the bucket removes incomplete uploads (docs/settings.md).
    """

    def __init__(self, store: ObjectStore, file: obstore.WritableFile) -> None:
        self._store, self._file = store, file

    def write(self, data: bytes) -> None:
        with self._store.name_failures():
            self._file.write(data)

    def close(self) -> None:
        with self._store.name_failures():
            self._file.close()

    def abandon(self) -> None:
        """Sends nothing more."""


class ObjectReader:
    """An open file, of which a window is in memory. Raises FileNotFoundError, ResourceFailed."""

    def __init__(self, store: ObjectStore, path: str) -> None:
        self._store, self._path = store, path
        content: Content = store.read_beginning(path, WINDOW)
        self._window, self.size = content
        self._start = 0

    def read(self, first: int, most: int) -> bytes:
        """Returns at most `most` bytes from the byte `first` on; none after the end."""
        end = min(first + most, self.size)
        if first >= end:
            return b""
        if first < self._start or end > self._start + len(self._window):
            window_end = min(max(end, first + WINDOW), self.size)
            self._start, self._window = first, self._store.read_range(self._path, first, window_end)
        begin = first - self._start
        return self._window[begin : begin + most]

    def close(self) -> None:
        self._window = b""
