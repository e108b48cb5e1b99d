"""Items of JSON that follow one another in a text, parsed one by one.

No other thread runs while a parser builds one item, so an item has only so many parts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

MOST_PARTS = 250_000
"""Objects, lists, keys and items of one item or line: some 20,000 boxes, or 50,000 points. They are parsed within 20 to
60 ms."""
LONGEST_ITEM = 4 * 1024 * 1024
"""Characters of one item, as of a body of GraphQL."""
WINDOW = 4096
"""Characters in which the end of an item is searched first."""
_MARKS = ("{", "[", ",", ":")


class ItemDecoder:
    """Parses items, each within the smallest window of the text that has it whole."""

    def __init__(
        self,
        parse_constant: Callable[[str], Any],
        parse_int: Callable[[str], Any] | None = None,
        *,
        window: int = WINDOW,
    ) -> None:
        """`parse_constant` is called with NaN, Infinity and -Infinity, `parse_int` with the digits of integers."""
        self._window = window
        self._decoder = json.JSONDecoder(parse_constant=parse_constant, parse_int=parse_int)

    def decode(self, text: str, start: int) -> tuple[Any, int]:
        """The item that begins at `start`, and the place of its end. Raises ValueError, RecursionError."""
        size = self._window
        while True:
            window = text[start : start + size]
            beginning = cut_parts(window)
            if len(beginning) == len(window) and start + size >= len(text):
                break
            try:
                item, end = self._decoder.raw_decode(beginning)
            except json.JSONDecodeError as error:
                if not _may_be_cut(error, len(beginning)):
                    break
                end = len(beginning)
            if end < len(beginning):
                return item, start + end
            if len(beginning) < len(window):
                raise ValueError(
                    f"an item has too many objects, lists, keys and items; at most {MOST_PARTS:,} are read"
                )
            size *= 2
            if size > LONGEST_ITEM:
                raise ValueError(f"an item has more than {LONGEST_ITEM:,} characters")
        return self._decoder.raw_decode(text, start)


def _may_be_cut(error: json.JSONDecodeError, size: int) -> bool:
    """Whether an error in a text of this size may be there only because its end is missing. An escape of two
    surrogates, the longest word of JSON, has 12 characters."""
    return error.msg.startswith("Unterminated string") or error.pos >= size - 12


def cut_parts(text: str) -> str:
    """The beginning of a text up to the mark that is one more than an item may have; the whole text if it has no more.
    Marks within strings are counted too."""
    if len(text) <= MOST_PARTS or count_marks(text) <= MOST_PARTS:
        return text
    low, high, left = 0, len(text), MOST_PARTS
    while high - low > 1:
        middle = (low + high) // 2
        marks = count_marks(text[low:middle])
        if marks > left:
            high = middle
        else:
            low, left = middle, left - marks
    return text[:high]


def count_marks(text: str) -> int:
    """How many parts a text seems to have."""
    return sum(map(text.count, _MARKS))
