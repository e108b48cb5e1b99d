"""Rules of a scenario about files that clients import: media types and attributes by patterns of their URLs.

Nothing is fetched, so only such a rule can give a file attributes that its name does not show.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec

MOST_FILE_RULES = 200
ANY = "*"

MOST = 10**15
"""Greater numbers, and those that are none (`nan`, `inf`), have no place in JSON that every client can read."""
_RANGE = msgspec.Meta(ge=-MOST, le=MOST)

Attribute = (
    Annotated[str, msgspec.Meta(min_length=1, max_length=1000)] | Annotated[int, _RANGE] | Annotated[float, _RANGE]
)
Name = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]


class FileRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The files whose URL fits a pattern, in which `*` is any text. `media_type` counts for clients that send none."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    media_type: str | None = None
    attributes: dict[Name, Attribute] = {}
    readable: bool = True
    """Whether the service could read the file. Data rows of one that it could not read come into no batch."""

    def matches(self, url: str) -> bool:
        """Whether a URL fits. Takes time that grows with its length alone."""
        first, *others = self.url.split(ANY)
        if not others:
            return url == first
        if not url.startswith(first):
            return False
        *middle, last = others
        place = len(first)
        for part in middle:
            start = url.find(part, place)
            if start < 0:
                return False
            place = start + len(part)
        return url.endswith(last) and len(url) - len(last) >= place


def find_rule(rules: Iterable[FileRule], url: str) -> FileRule | None:
    """The first rule that a URL fits."""
    return next((rule for rule in rules if rule.matches(url)), None)
