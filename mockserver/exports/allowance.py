"""Bounds the memory of rows that are rendered together.

Most rows of an export take a few kilobytes, but texts, attachments and labels may have megabytes each. Long values are
read only after their bytes are known, and rows whose long values are too many are rendered fewer at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from mockserver.world.clause import Clause
from mockserver.world.database import Connection, Source
from mockserver.world.record import Record

MOST_TOGETHER = 4 * 1024 * 1024
"""Bytes of long values in rows that are rendered together. Rendering takes some five times as much."""
SHORT = 1024
"""Bytes of a text up to which it is read together with its row."""


T = TypeVar("T")


class TooMuchTogether(Exception):
    """These rows have more than MOST_TOGETHER: render fewer at a time."""


class Allowance:
    """Decides how many rows of one export are rendered together."""

    def __init__(self, most_rows: int) -> None:
        self._most_rows = self.rows = most_rows
        """`rows` is the number of rows that may be rendered together next."""
        self._rendered = self._taken = 0

    def divide(self, rows: int, render: Callable[[int, int], T]) -> Iterator[T]:
        """Yields what `render` returns for the rows from a first one to before an end, until all are rendered.

        It counts the long values of these rows by `take`. When they are too many, it is called again with fewer rows.
        """
        first = 0
        while first < rows:
            end = min(first + self.rows, rows)
            self.begin(end - first)
            try:
                rendered = render(first, end)
            except TooMuchTogether:
                continue
            self._choose_rows()
            first = end
            yield rendered
            del rendered  # it may be long, and the next rows too

    def begin(self, rows: int) -> None:
        """Begins with rows whose values are counted together. A single row may have as much as it has."""
        self._rendered, self._taken = rows, 0

    def take(self, size: int) -> None:
        """Counts bytes. Raises TooMuchTogether."""
        self._taken += size
        self.check(0)

    def check(self, size: int) -> None:
        """Raises TooMuchTogether if so many more bytes were too much."""
        if self._rendered > 1 and self._taken + size > MOST_TOGETHER:
            self.rows = max(1, self._rendered // 2)
            raise TooMuchTogether

    def _choose_rows(self) -> None:
        """Chooses by the bytes of the last rows how many are next: at most twice as many."""
        fitting = self._rendered * MOST_TOGETHER * 3 // 4 // max(self._taken, 1)
        self.rows = max(1, min(self._most_rows, 2 * self._rendered, fitting))


def select_short(column: str, short: int = SHORT) -> str:
    """The expressions of a value, which is NULL if it has more than `short` bytes, and of its bytes."""
    return f"CASE WHEN octet_length({column}) <= {short} THEN {column} END, octet_length({column})"


def select_long(
    connection: Connection, source: Source | type[Record], key: str, column: str, clause: Clause, short: int = SHORT
) -> dict[int, Any]:
    """The values that `select_short` leaves out among the rows of the clause, by the number in the column `key`."""
    long = clause & Clause(f"octet_length({column}) > {short}")
    return {row[0]: row[1] for row in connection.select_columns(source, f"{key}, {column}", long)}
