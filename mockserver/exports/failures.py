"""Failures that a test asks for: whole exports that fail, and single data rows that cannot be exported.

No data row of this server fails by itself. What real ones look like in the stream of errors is unknown, so the shape of
its lines is inferred.
"""

from __future__ import annotations

import threading
from typing import Annotated

import msgspec

from mockserver.errors import Conflict
from mockserver.exports.streams import RowBatch
from mockserver.exports.text import json_string

MOST_WANTED = 1_000
Times = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Failure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Of the next `exports`: of these data rows, by id or global key, or without them of all of it."""

    message: Words = "This export fails because a test asked for it"
    data_rows: Annotated[list[str], msgspec.Meta(max_length=10_000)] | None = None
    exports: Times = 1


class FailedRow(msgspec.Struct, frozen=True):
    id: str
    global_key: str | None


class Failures:
    """What is asked for and not used up. Safe for several threads; a server that starts again knows nothing of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: list[Failure] = []

    @property
    def wanted(self) -> list[Failure]:
        return list(self._wanted)

    def want(self, failure: Failure) -> None:
        """Raises Conflict when as many wait as are kept."""
        with self._lock:
            if len(self._wanted) >= MOST_WANTED:
                raise Conflict(f"{MOST_WANTED} failures wait for exports already; clear them by DELETE /_mock/failures")
            self._wanted.append(failure)

    def clear(self) -> None:
        with self._lock:
            self._wanted.clear()

    def next(self) -> Failure | None:
        """The failure of the export that begins now: the oldest that is not used up."""
        with self._lock:
            if not self._wanted:
                return None
            first, *rest = self._wanted
            left = [msgspec.structs.replace(first, exports=first.exports - 1)] if first.exports > 1 else []
            self._wanted = left + rest
            return first


def render_failure(message: str) -> RowBatch:
    """The one line of an export that failed (inferred)."""
    return RowBatch(f'{{"message":{json_string(message)}}}\n'.encode("ascii"), 1)


def render_failed_rows(rows: list[FailedRow], message: str) -> RowBatch:
    """A line for each data row that failed (inferred)."""
    text = "".join(f'{{"data_row":{{"id":"{row.id}"{_key(row)}}},"message":{json_string(message)}}}\n' for row in rows)
    return RowBatch(text.encode("ascii"), len(rows))


def _key(row: FailedRow) -> str:
    return "" if row.global_key is None else f',"global_key":{json_string(row.global_key)}'
