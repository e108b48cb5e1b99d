"""The stream of errors: lines of exports that fail, and of single data rows that cannot be exported.

Exports and data rows fail only because of a fault (faults/kinds.py). The shape of real failures in the stream of errors
is unknown, so the shape of its lines is inferred.
"""

from __future__ import annotations

import msgspec

from mockserver.exports.streams import RowBatch
from mockserver.exports.text import json_string


class FailedRow(msgspec.Struct, frozen=True):
    id: str
    global_key: str | None


def render_failure(message: str) -> RowBatch:
    """The one line of an export that failed (inferred)."""
    return RowBatch(f'{{"message":{json_string(message)}}}\n'.encode("ascii"), 1)


def render_failed_rows(rows: list[FailedRow], message: str) -> RowBatch:
    """A line for each data row that failed (inferred)."""
    text = "".join(
        f'{{"data_row":{{"id":"{row.id}"{_render_key(row)}}},"message":{json_string(message)}}}\n' for row in rows
    )
    return RowBatch(text.encode("ascii"), len(rows))


def _render_key(row: FailedRow) -> str:
    return "" if row.global_key is None else f',"global_key":{json_string(row.global_key)}'
