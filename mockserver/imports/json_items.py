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
        while start + size < len(text):
            window = text[start : start + size]
            check_parts(window)
            try:
                item, end = self._decoder.raw_decode(window)
            except json.JSONDecodeError as error:
                if not _may_be_cut(error, size):
                    break
                end = size
            if end < size:
                return item, start + end
            size *= 2
            if size > LONGEST_ITEM:
                raise ValueError(f"an item has more than {LONGEST_ITEM:,} characters")
        else:
            check_parts(text[start:])
        return self._decoder.raw_decode(text, start)


def _may_be_cut(error: json.JSONDecodeError, size: int) -> bool:
    """Whether an error in a text of this size may be there only because its end is missing. An escape of two
    surrogates, the longest word of JSON, has 12 characters."""
    return error.msg.startswith("Unterminated string") or error.pos >= size - 12


def check_parts(text: str) -> None:
    """Raises ValueError when a text has more parts than one item may have: marks within its strings are counted too."""
    if len(text) > MOST_PARTS and (parts := sum(map(text.count, _MARKS))) > MOST_PARTS:
        raise ValueError(f"an item has {parts:,} objects, lists, keys and items; at most {MOST_PARTS:,} are read")
