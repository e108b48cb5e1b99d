"""The check that data rows which a test names exist: a wrong name would make the test pass without testing anything."""

from __future__ import annotations

from collections.abc import Sequence

from mockserver.errors import NotFound, nearest, quote
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.queries.conditions import LIVE
from mockserver.world.records.data_rows import DataRow

BATCH = 1_000
COMPARED = 500
"""Global keys that an unknown name is compared with."""


def check_data_rows(connection: Connection, names: Sequence[str]) -> None:
    """Raises NotFound for the first name that is neither the id nor the global key of a live data row."""
    for start in range(0, len(names), BATCH):
        batch = list(names[start : start + BATCH])
        known: set[str] = set()
        for column in ("id", "global_key"):
            rows = connection.select(DataRow, LIVE & Clause(f"{column} IN :names", names=batch))
            known |= {str(getattr(row, column)) for row in rows}
        unknown = next((name for name in batch if name not in known), None)
        if unknown is not None:
            raise NotFound(f"Unknown data row {unknown!r}; {_describe_known(connection, unknown)}")


def _describe_known(connection: Connection, unknown: str) -> str:
    rows = connection.select(DataRow, LIVE & Clause("global_key IS NOT NULL"), order="no", first=COMPARED)
    near = quote(nearest(unknown, [str(row.global_key) for row in rows]))
    return f"give ids or global keys, of which the nearest known are {near}" if near else "give the ids of data rows"
