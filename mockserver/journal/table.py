"""The interface of a database that keeps the journals of workspaces, for the next server that serves them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Place(NamedTuple):
    """The place of a journal: the number of a life, and that of the server which may write there."""

    life: int
    owner: int | None


class Head(NamedTuple):
    """The numbers of a journal: how many requests were received, and the oldest one that is kept."""

    received: int = 0
    oldest: int = 1


class Batch(NamedTuple):
    """Entries of one journal that are to be written, each with its number, and its head after them."""

    place: Place
    received: int
    oldest: int
    entries: list[tuple[int, bytes]]


class JournalTable(Protocol):
    """The journals in a database. Methods that wait for it raise ResourceFailed."""

    def owns(self, place: Place) -> bool:
        """Whether this server may still write a journal. It waits for nothing."""

    def read_head(self, life: int) -> Head:
        """The numbers of a journal."""

    def read(self, life: int, numbers: range) -> list[tuple[int, bytes]]:
        """The entries with these numbers, in their order."""

    def write(self, batches: Sequence[Batch]) -> None:
        """Adds entries, and deletes those in front of the oldest one of each batch. Writing them again changes
        nothing."""

    def clear(self, place: Place) -> None:
        """Deletes the entries of a journal, and begins to number them at 1 again."""

    def trim(self, most_bytes: int) -> None:
        """Deletes the entries of the journals that were written longest ago, if all of them together have more than
        `most_bytes` for each server."""
