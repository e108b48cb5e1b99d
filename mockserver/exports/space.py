"""How much disk the results of all workspaces may take together. The oldest finished ones give way first."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from mockserver.errors import MockserverError

MEGABYTE = 1024 * 1024


class OutOfSpace(MockserverError):
    """An export does not fit; the task that made it has FAILED and says this."""


class Space:
    """Bytes by folder: each export has one. Safe for several threads."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._growing: dict[Path, int] = {}
        self._finished: dict[Path, int] = {}
        """In the order in which they were finished."""
        self._total = 0

    @property
    def taken(self) -> int:
        return self._total

    def take(self, folder: Path, size: int) -> None:
        """So many bytes more for an export that is being written. Raises OutOfSpace."""
        with self._lock:
            while self._total + size > self.most and self._finished:
                self._give_way(next(iter(self._finished)))
            if self._total + size > self.most:
                raise OutOfSpace(self._why(folder))
            self._growing[folder] = self._growing.get(folder, 0) + size
            self._total += size

    def _give_way(self, folder: Path) -> None:
        self._total -= self._finished.pop(folder)
        shutil.rmtree(folder, ignore_errors=True)

    def _why(self, folder: Path) -> str:
        limit = f"{self.most // MEGABYTE} MiB"
        others = len(self._growing.keys() - {folder})
        if others:
            return f"The results of {1 + others} exports at once pass the limit of {limit}; start fewer at a time"
        return (
            f"The result of this export passes the limit of {limit}; export less, "
            "or start the server with a larger --results-limit"
        )

    def finish(self, folder: Path) -> None:
        """From now on it may give way to others."""
        with self._lock:
            if folder in self._growing:
                self._finished[folder] = self._growing.pop(folder)

    def keep(self, folder: Path) -> None:
        """Results of an earlier run, which count as finished."""
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        with self._lock:
            self._finished[folder] = size
            self._total += size

    def free(self, below: Path) -> None:
        """What stood in this folder or under it is gone from the disk."""
        with self._lock:
            for held in (self._growing, self._finished):
                for folder in [folder for folder in held if folder == below or below in folder.parents]:
                    self._total -= held.pop(folder)
