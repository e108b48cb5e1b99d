"""The search for a text chosen by a client in texts chosen by a client: its time is linear in what it reads.

`in` and `find` of Python are quadratic for some texts: for parts of less than 100 letters, and in texts of less than
2,500 (CPython 3.11, Objects/stringlib/fastsearch.h). The regular expression of a text is linear. Long texts
are not made into one, because `re` keeps the expressions that were used last.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import AnyStr

SHORT_PART = 100
SHORT_TEXT = 2_500

Search = Callable[[AnyStr, int, int], int]
"""The end of the first occurrence of a part in a text between two places; -1 without one."""


def search_for(part: AnyStr) -> Search[AnyStr]:
    """Prepares the search for a part."""
    if len(part) < SHORT_PART:
        expression = re.compile(re.escape(part))

        def search_short(text: AnyStr, start: int, end: int) -> int:
            match = expression.search(text, start, end)
            return -1 if match is None else match.end()

        return search_short

    def search_long(text: AnyStr, start: int, end: int) -> int:
        place = text[start:end].ljust(SHORT_TEXT).find(part)
        last = start + place + len(part)
        return last if place >= 0 and last <= end else -1

    return search_long


class Glob:
    """A pattern in which each asterisk is any text."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._first, *others = pattern.split("*")
        self._last = others[-1] if others else None
        self._middle = [search_for(part) for part in others[:-1] if part]

    @property
    def is_plain(self) -> bool:
        """Whether the pattern is one text, without asterisks."""
        return self._last is None

    @property
    def steps(self) -> int:
        """How many parts are searched in each text."""
        return len(self._middle)

    def fits(self, text: str) -> bool:
        """Whether a text is like the pattern. The time is linear in the text."""
        first, last = self._first, self._last
        if last is None:
            return text == self.pattern
        if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
            return False
        place, end = len(first), len(text) - len(last)
        for search in self._middle:
            place = search(text, place, end)
            if place < 0:
                return False
        return True
