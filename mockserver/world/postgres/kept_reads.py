"""Results of small queries, kept until their world changes: clients ask the same again and again, and requests read the
same rows of the user, the organization and the workspace.

Only the owner of a workspace keeps results of it, because nobody else can change it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, NamedTuple

from mockserver.world.database import Row, Values

MOST_BYTES = 4 * 1024 * 1024
"""Of all workspaces of a server together."""
LARGEST = 32 * 1024
"""Bytes of the largest result that is kept."""
MOST_ROWS = 200
BYTES_OF_A_ROW = 100
"""Without its texts; roughly."""

Key = tuple[Any, ...]


class Kept(NamedTuple):
    """A result, and the state of the world that it belongs to."""

    state: int
    rows: list[Row]
    size: int


def build_key(life: int, sql: str, params: Values) -> Key:
    """The key of a query of one life."""
    return (life, sql, *params.items())


class KeptReads:
    """The kept results of one server; those that were used last stay. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0

    def find(self, key: Key, state: int) -> list[Row] | None:
        """The result of a query in this state of its world."""
        with self._lock:
            result = self._results.get(key)
            if result is None or result.state != state:
                return None
            self._results.move_to_end(key)
        return result.rows.copy()

    def keep(self, key: Key, state: int, rows: list[Row]) -> None:
        """Keeps the result of a query that began in this state; if the world has changed since, nobody finds it."""
        size = _measure(key, rows)
        if size > LARGEST:
            return
        with self._lock:
            earlier = self._results.pop(key, None)
            self._bytes += size - (0 if earlier is None else earlier.size)
            self._results[key] = Kept(state, rows.copy(), size)
            while self._bytes > MOST_BYTES:
                _, oldest = self._results.popitem(last=False)
                self._bytes -= oldest.size


def _measure(key: Key, rows: list[Row]) -> int:
    """The bytes of a result, roughly; more than LARGEST if it has too many rows."""
    if len(rows) > MOST_ROWS:
        return LARGEST + 1
    cells = sum(len(cell) for row in rows for cell in row if isinstance(cell, (str, bytes)))
    return len(key[1]) + cells + BYTES_OF_A_ROW * (len(rows) + len(key))
