"""Numbers in text that clients send: ASCII digits and nothing else."""

from __future__ import annotations

MOST = 18
"""Digits of the largest number that any column and any field holds."""


def parse_digits(text: str, most: int = MOST) -> int | None:
    """The number that up to `most` ASCII digits write.

    None for every other text. Python's own `int` also takes signs, blanks, underscores and the digits of all scripts,
    refuses the superscripts that `isdigit` takes, and raises for more than 4,300 digits.
    """
    return int(text) if len(text) <= most and text.isascii() and text.isdigit() else None
