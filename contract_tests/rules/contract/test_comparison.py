"""The rows that a client gives, compared with the rows that it was to give."""

import time
from typing import Any

from mockserver.contract.comparison import compare_rows

MOST_SECONDS = 10.0
"""Measured: 0.4. When a set of all rows was made for each row, it was 80."""


def row(number: int) -> dict[str, Any]:
    return {"data_row": {"id": f"row-{number}"}}


def test_rows_that_were_not_expected_are_named() -> None:
    [difference] = compare_rows([row(1), row(2), row(3)], [row(1), row(3)])
    assert difference.mistake == "rows-foreign"
    assert "row-2" in difference.detail


def test_many_rows_are_compared_in_a_time_that_grows_with_their_number() -> None:
    """A case of the contract has 100,000 rows."""
    rows = [row(number) for number in range(50_000)]
    began = time.thread_time()  # of this thread alone: other programs on the machine do not count
    assert list(compare_rows(rows, rows)) == []
    assert time.thread_time() - began < MOST_SECONDS
