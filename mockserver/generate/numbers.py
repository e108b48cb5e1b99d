"""The running numbers of a world's tables."""

from __future__ import annotations

import msgspec


class Numbers(msgspec.Struct):
    """The last number given in each numbered table."""

    data_row: int = 0
    label: int = 0
    body: int = 0
    review: int = 0
    attachment: int = 0
    issue: int = 0
    comment: int = 0
    model_run_row: int = 0
    prediction: int = 0

    def next(self, table: str) -> int:
        number: int = getattr(self, table) + 1
        setattr(self, table, number)
        return number
