"""Finding the data rows that a client names by id or global key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mockserver.errors import MalformedRequest
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.data_rows import DataRow

MOST_NAMED = 5
"""Missing data rows that a message names."""


class RowRef(NamedTuple):
    no: int
    id: str


def find_data_rows(
    connection: Connection, row_ids: Sequence[str] = (), global_keys: Sequence[str] = ()
) -> list[RowRef]:
    """The data rows with these ids, then those with these global keys, each once.

    Raises MalformedRequest, which names the first of those that do not exist or are deleted (SDK tests test_batch.py).
    """
    by_id, by_key = map_data_rows(connection, "id", row_ids), map_data_rows(connection, "global_key", global_keys)
    return list({row.id: row for row in (*by_id.values(), *by_key.values())}.values())


def map_data_rows(connection: Connection, column: str, names: Sequence[str]) -> dict[str, RowRef]:
    """The data rows by their names in a column, `id` or `global_key`, each once and in their order. Raises
    MalformedRequest, as `find_data_rows`."""
    unique_names = list(dict.fromkeys(names))
    clause = Clause(f"{column} IN :names AND NOT deleted", names=unique_names)
    known = {name: RowRef(no, row_id) for name, no, row_id in _select(connection, column, clause)}
    missing = [name for name in unique_names if name not in known]
    if missing:
        first_names = ", ".join(repr(name[:100]) for name in missing[:MOST_NAMED])
        raise MalformedRequest(
            f"{len(missing):,} data rows do not exist in this workspace or are deleted; the first by {column}: "
            f"{first_names}"
        )
    return {name: known[name] for name in unique_names}


def _select(connection: Connection, column: str, clause: Clause) -> list[tuple[str, int, str]]:
    return [(name, no, row_id) for name, no, row_id in connection.select_columns(DataRow, f"{column}, no, id", clause)]
