"""The limit on the bytes of the results of all workspaces. The oldest finished ones are deleted first."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import NamedTuple

from mockserver.errors import MockserverError
from mockserver.results.interface import ResultFile, Results

MEGABYTE = 1024 * 1024


class OutOfSpace(MockserverError):
    """An export does not fit within the limit; its task is FAILED with this message."""


class Export(NamedTuple):
    """The result of one export: the name that all of its files are below, or that of its only file."""

    results: Results
    name: str


class Finished(NamedTuple):
    """Bytes that may be deleted, and the time of their completion by this machine's clock, in seconds since 1970."""

    size: int
    at: float


class Budget:
    """Counts the bytes of results, and deletes old ones for new ones. Safe for several threads."""

    def __init__(self, limit: int) -> None:
        """`limit` in bytes."""
        self.limit = limit
        self._lock = threading.Lock()
        self._growing: dict[Export, int] = {}
        self._finished: dict[Export, Finished] = {}
        """In the order in which they were finished."""
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes of all results."""
        return self._used

    def take(self, results: Results, name: str, size: int) -> None:
        """Counts `size` more bytes for an export that is being written. Raises OutOfSpace."""
        export = Export(results, name)
        with self._lock:
            while self._used + size > self.limit and self._finished:
                self._delete_oldest()
            if self._used + size > self.limit:
                raise OutOfSpace(self._explain(export))
            self._growing[export] = self._growing.get(export, 0) + size
            self._used += size

    def _delete_oldest(self) -> None:
        oldest = next(iter(self._finished))
        self._used -= self._finished.pop(oldest).size
        oldest.results.delete(oldest.name)

    def _explain(self, export: Export) -> str:
        limit = f"{self.limit // MEGABYTE} MiB"
        others = len(self._growing.keys() - {export})
        if others:
            return f"The results of {1 + others} simultaneous exports exceed the limit of {limit}; start fewer together"
        return (
            f"The result of this export exceeds the limit of {limit}; export less, "
            "or start the server with a larger --results-limit"
        )

    def finish(self, results: Results, name: str) -> None:
        """Marks an export as finished: it may be deleted to make space for others."""
        export = Export(results, name)
        with self._lock:
            if export in self._growing:
                self._finished[export] = Finished(self._growing.pop(export), time.time())

    def add_finished(self, results: Results, files: Mapping[str, list[ResultFile]]) -> None:
        """Counts the results of an earlier run, files by export. Their completion is the time of their last write."""
        known = {
            Export(results, name): Finished(sum(file.size for file in parts), max(file.modified_at for file in parts))
            for name, parts in files.items()
        }
        with self._lock:
            self._finished = dict(sorted((self._finished | known).items(), key=lambda item: item[1].at))
            self._used += sum(finished.size for finished in known.values())

    def delete(self, results: Results, name: str) -> None:
        """Deletes the files of an export, and stops counting them."""
        results.delete(name)
        export = Export(results, name)
        with self._lock:
            self._forget(export)

    def forget(self, results: Results) -> None:
        """Stops counting these results, which were deleted as a whole."""
        with self._lock:
            for export in [*self._growing, *self._finished]:
                if export.results is results:
                    self._forget(export)

    def _forget(self, export: Export) -> None:
        self._used -= self._growing.pop(export, 0)
        if (finished := self._finished.pop(export, None)) is not None:
            self._used -= finished.size
