"""Notes about a request: the rooms that answer it write them into its ASGI scope, and the journal keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

NOTES = "mockserver.notes"
"""The key of the notes in the scope of a request."""


class Operation(NamedTuple):
    """One operation of a GraphQL document: its name, `query` or `mutation`, and the fields of the root it selects."""

    name: str | None
    type: str
    root_fields: tuple[str, ...]


class Unknown(NamedTuple):
    """A word of a request that was not understood, with the nearest known words and the sentence that says so.

    `kind` is one of `KINDS`.
    """

    kind: str
    received: str
    nearest: tuple[str, ...]
    message: str


KINDS = ("document", "field", "argument", "type", "variable", "path", "method", "body", "input")
"""What may be unknown. An `input` is a field that was understood and has no effect."""


class AppliedFault(NamedTuple):
    """The requested fault that changed the answer."""

    id: str
    fault: str


class Notes:
    """The notes about one request."""

    __slots__ = ("fault", "operation", "unknown")

    def __init__(self) -> None:
        self.operation: Operation | None = None
        self.unknown: tuple[Unknown, ...] = ()
        self.fault: AppliedFault | None = None

    def add_unknown(self, unknown: Sequence[Unknown]) -> None:
        """Notes further words that were not understood."""
        if unknown:
            self.unknown = (*self.unknown, *unknown)


def notes_of(scope: Any) -> Notes:
    """The notes of a request. Without a journal nobody reads them."""
    notes = scope.get(NOTES)
    if notes is None:
        notes = scope[NOTES] = Notes()
    return notes  # type: ignore[no-any-return]  # a scope holds anything
