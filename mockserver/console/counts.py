"""Numbers of a world that are kept until it changes: counting a million data rows takes longer than the rest."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from mockserver.world.store import Store

T = TypeVar("T")


class Counts:
    """The numbers that were counted in one version of a world."""

    def __init__(self, version: int) -> None:
        self.version = version
        self._values: dict[Hashable, Any] = {}

    def get(self, name: Hashable, count: Callable[[], T]) -> T:
        """Returns what `count` has returned under this name, or calls it."""
        if name not in self._values:
            self._values[name] = count()
        value: T = self._values[name]
        return value


_NEWEST: weakref.WeakKeyDictionary[Store, Counts] = weakref.WeakKeyDictionary()


def find_counts(store: Store) -> Counts:
    """Finds the counts of the current version of a world. It is called in front of the snapshot that is counted, which
    so is of this version or newer. Nothing is kept of a remote database, which may be changed by others."""
    version, counts = store.version, _NEWEST.get(store)
    if counts is None or counts.version != version or store.database.IS_REMOTE:
        counts = _NEWEST[store] = Counts(version)
    return counts
