"""Results of small queries, kept until their world changes: clients ask the same again and again, and requests read the
same rows of the user, the organization and the workspace.

Only the owner of a workspace keeps results of it, because nobody else can change it. While the others may have declared
it dead (`Pool.is_confirmed`) it reads from the database, and keeps nothing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from sys import getsizeof
from typing import Any, NamedTuple

from mockserver.world.database import Values
from mockserver.world.record import Row

MOST_BYTES = 4 * 1024 * 1024
"""Of all workspaces of a server together, with their queries."""
LARGEST = 64 * 1024
"""Bytes of the largest result that is kept, with its query."""
MOST_ROWS = 200
BYTES_OF_A_RESULT = 600
"""Without its query and its rows: an entry and a key."""
BYTES_OF_A_PARAMETER = 140
"""Without its value."""
PLAIN = (str, int, bytes, type(None))
"""The types of values that nobody can change; without float, as 0.0 equals -0.0."""

Key = tuple[Any, ...]


class Kept(NamedTuple):
    """A result, and the state of the world that it belongs to."""

    state: int
    rows: list[Row]
    size: int


def build_key(life: int, sql: str, params: Values) -> Key | None:
    """The key of a query of one life. None if a parameter is of another type than those of PLAIN: the result is not
    kept."""
    values = params.values()
    if not all(isinstance(value, PLAIN) for value in values):
        return None
    # With the types: 1 equals True, and results of queries with them may differ.
    return (life, sql, *params.items(), *map(type, values))


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
    """The bytes of a result and its query; more than LARGEST if it has too many rows."""
    if len(rows) > MOST_ROWS:
        return LARGEST + 1
    _, sql, *params = key
    values = [param[1] for param in params if isinstance(param, tuple)]
    query = getsizeof(sql) + sum(map(getsizeof, values)) + len(values) * BYTES_OF_A_PARAMETER
    return BYTES_OF_A_RESULT + query + getsizeof(rows) + sum(getsizeof(row) + sum(map(getsizeof, row)) for row in rows)
