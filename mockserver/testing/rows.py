"""The comparison of the rows that a client got with those of the world."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

MOST_NAMED = 5
Row = Mapping[str, Any]


class WrongRowsError(AssertionError):
    """Rows are lost, doubled, unknown or changed; the message says which."""


def check_rows(rows: Iterable[Row], expected: Iterable[Row]) -> None:
    """Raises WrongRowsError unless the rows are the expected ones, each once, in any order."""
    received = list(rows)
    wanted = {_get_id(row): row for row in expected}
    counts = Counter(map(_get_id, received))
    differences = {
        "lost": [name for name in wanted if name not in counts],
        "doubled": [name for name, count in counts.items() if count > 1],
        "unknown": [name for name in counts if name not in wanted],
        "changed": [_get_id(row) for row in received if _get_id(row) in wanted and row != wanted[_get_id(row)]],
    }
    wrong = [f"{len(names)} {what} ({_list(names)})" for what, names in differences.items() if names]
    if wrong:
        raise WrongRowsError(f"Of {len(wanted)} expected rows the client has {len(received)}: {', '.join(wrong)}")


def _get_id(row: Row) -> str:
    """The id of the row's data row; the row itself as text if it has none."""
    data_row = row.get("data_row")
    return str(data_row["id"]) if isinstance(data_row, Mapping) and "id" in data_row else repr(row)[:100]


def _list(names: list[str]) -> str:
    more = [f"… {len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    return ", ".join([*names[:MOST_NAMED], *more])
