"""How much disk the results of all workspaces may take together. The oldest finished ones give way first."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mockserver.errors import MockserverError
from mockserver.world.faults import find_fault

LOG = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024


class OutOfSpace(MockserverError):
    """An export does not fit; the task that made it has FAILED and says this."""


class Finished(NamedTuple):
    """Bytes that may give way, and when they were finished by this machine's clock, in seconds."""

    size: int
    at: float


class Budget:
    """Bytes by place: the folder of an export's streams, or the one file of Export V1. Safe for several threads."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._growing: dict[Path, int] = {}
        self._finished: dict[Path, Finished] = {}
        """In the order in which they were finished."""
        self._total = 0

    @property
    def taken(self) -> int:
        return self._total

    def take(self, place: Path, size: int) -> None:
        """So many bytes more for an export that is being written. Raises OutOfSpace."""
        with self._lock:
            while self._total + size > self.most and self._finished:
                self._give_way(next(iter(self._finished)))
            if self._total + size > self.most:
                raise OutOfSpace(self._why(place))
            self._growing[place] = self._growing.get(place, 0) + size
            self._total += size

    def _give_way(self, place: Path) -> None:
        self._total -= self._finished.pop(place).size
        _remove(place)

    def _why(self, place: Path) -> str:
        limit = f"{self.most // MEGABYTE} MiB"
        others = len(self._growing.keys() - {place})
        if others:
            return f"The results of {1 + others} exports at once pass the limit of {limit}; start fewer at a time"
        return (
            f"The result of this export passes the limit of {limit}; export less, "
            "or start the server with a larger --results-limit"
        )

    def finish(self, place: Path) -> None:
        """From now on it may give way to others."""
        with self._lock:
            if place in self._growing:
                self._finished[place] = Finished(self._growing.pop(place), time.time())

    def keep(self, places: Iterable[Path]) -> None:
        """Results of an earlier run, which count as finished when they were last written to."""
        found = {place: Finished(_size(place), place.stat().st_mtime) for place in places}
        with self._lock:
            self._finished = dict(sorted((self._finished | found).items(), key=lambda item: item[1].at))
            self._total += sum(kept.size for kept in found.values())

    def delete(self, place: Path) -> None:
        """Remove it from the disk, and count it no more."""
        _remove(place)
        self.free(place)

    def free(self, below: Path) -> None:
        """What stood in this place or under it is gone from the disk."""
        with self._lock:
            for place in [place for place in self._growing if _is_below(place, below)]:
                self._total -= self._growing.pop(place)
            for place in [place for place in self._finished if _is_below(place, below)]:
                self._total -= self._finished.pop(place).size


def _is_below(place: Path, folder: Path) -> bool:
    return place == folder or folder in place.parents


def _remove(place: Path) -> None:
    """A file or a folder, if it is there. What a read-only or broken disk does not let go stays, and a line of the log
    says so; a server that starts again counts it again."""
    try:
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except OSError as error:
        if find_fault(error, place) is None:
            LOG.warning("%s could not be removed: %s", place, error)


def _size(place: Path) -> int:
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files)
