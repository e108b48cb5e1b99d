"""The choice of entries by what they are like."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mockserver.journal.entry import Entry
from mockserver.journal.view import KeyWord, classify_key


class Pattern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The likeness of a request; what is left out may be anything.

    `operation` is the name of a GraphQL operation or of a field of its root; in `path` an asterisk is any text;
    `contains` is a text of the body of the request.
    """

    operation: str | None = None
    path: str | None = None
    method: str | None = None
    status: int | None = None
    key: KeyWord | None = None
    contains: str | None = None

    def fits(self, entry: Entry, api_key: str | None) -> bool:
        """Whether an entry of the journal of this key is like the pattern."""
        return (
            (self.operation is None or self.operation in list_names(entry))
            and (self.path is None or fits_path(self.path, entry.path))
            and (self.method is None or self.method.upper() == entry.method)
            and (self.status is None or self.status == entry.status)
            and (self.key is None or self.key == classify_key(entry, api_key))
            and (self.contains is None or self.contains.encode() in entry.request_body)
        )

    def describe(self) -> str:
        """The pattern in words, for messages."""
        words = [f"{name} {value!r}" for name, value in msgspec.structs.asdict(self).items() if value is not None]
        return " with ".join(["a request", " and ".join(words)]) if words else "a request"


def list_names(entry: Entry) -> tuple[str, ...]:
    """The names by which an entry is found: its operation and the fields of its root."""
    operation = entry.operation
    if operation is None:
        return ()
    return operation.root_fields if operation.name is None else (operation.name, *operation.root_fields)


def fits_path(pattern: str, path: str) -> bool:
    """Whether a path is like a pattern, in which each asterisk is any text. The time is linear in the path."""
    first, *others = pattern.split("*")
    if not others:
        return path == pattern
    *middle, last = others
    if not path.startswith(first) or not path.endswith(last) or len(path) < len(first) + len(last):
        return False
    place, end = len(first), len(path) - len(last)
    for part in middle:
        place = path.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


def select(
    entries: Iterable[Entry],
    pattern: Pattern,
    api_key: str | None,
    *,
    after: int = 0,
    since: int | None = None,
    not_understood: bool = False,
) -> list[Entry]:
    """The entries that fit, in their order. `after` is a number, `since` in microseconds since 1970."""
    return [
        entry
        for entry in entries
        if entry.number > after
        and (since is None or entry.started >= since)
        and (not not_understood or entry.unknown)
        and pattern.fits(entry, api_key)
    ]
