"""The choice of entries by what they are like."""

from __future__ import annotations

import msgspec

from mockserver.journal.entry import Entry
from mockserver.journal.view import KeyWord


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
