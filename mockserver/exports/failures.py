"""Failures that a test requests: whole exports that fail, and single data rows that cannot be exported.

No data row of this server fails by itself. The shape of real failures in the stream of errors is unknown, so the shape
of its lines is inferred.
"""

from __future__ import annotations

import threading
from typing import Annotated

import msgspec

from mockserver.errors import Conflict
from mockserver.exports.streams import RowBatch
from mockserver.exports.text import json_string

MOST_PENDING = 1_000
Times = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Failure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Makes the next `exports` exports fail: only for `data_rows` (ids or global keys), or entirely without them."""

    message: Words = "This export fails because a test requested it"
    data_rows: Annotated[list[str], msgspec.Meta(min_length=1, max_length=10_000)] | None = None
    exports: Times = 1


class FailedRow(msgspec.Struct, frozen=True):
    id: str
    global_key: str | None


class Failures:
    """The requested failures that are not used up. Safe for several threads; a restart of the server forgets them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: list[Failure] = []

    @property
    def pending(self) -> list[Failure]:
        return list(self._pending)

    def add(self, failure: Failure) -> None:
        """Requests a failure. Raises Conflict if MOST_PENDING are waiting already."""
        with self._lock:
            if len(self._pending) >= MOST_PENDING:
                raise Conflict(
                    f"{MOST_PENDING} failures wait for exports already; clear them by DELETE /_mock/failures"
                )
            self._pending.append(failure)

    def clear(self) -> None:
        """Forgets all failures."""
        with self._lock:
            self._pending.clear()

    def take(self) -> Failure | None:
        """Uses the oldest failure once, for the export that begins now; None if there is none."""
        with self._lock:
            if not self._pending:
                return None
            first, *rest = self._pending
            left = [msgspec.structs.replace(first, exports=first.exports - 1)] if first.exports > 1 else []
            self._pending = left + rest
            return first


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
