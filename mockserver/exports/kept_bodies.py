"""The bodies of labels that an export has built, kept for the next labels that share them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import Generic, TypeVar

from mockserver.exports.allowance import MOST_TOGETHER, Allowance

BYTES_KEPT = MOST_TOGETHER
"""Bytes of bodies from which on those that are not wanted are forgotten."""

K = TypeVar("K")
Build = Callable[[Set[K]], Iterator[tuple[K, list[str]]]]
"""Yields the parts of the bodies with these keys. It is not kept: a cycle would keep the bodies of an ended export."""


class KeptBodies(Generic[K]):
    """Bodies in parts, built once for all labels that share them: large projects share many. If none is shared, few are
    kept."""

    def __init__(self, allowance: Allowance) -> None:
        """`allowance` counts each body as often as it is read."""
        self._allowance = allowance
        self.parts: dict[K, list[str]] = {}
        """By key; those that the last `read` wanted, and perhaps others."""
        self._sizes: dict[K, int] = {}
        self._bytes = 0

    def read(self, wanted: Sequence[K], build: Build[K]) -> None:
        """Builds those that are missing. `wanted` names a body once for each of its labels. Raises TooMuchTogether."""
        missing = set(wanted) - self.parts.keys()
        if missing:
            self._make_room(wanted)
            self._add(build(missing))
        self._allowance.take(sum(map(self._sizes.__getitem__, wanted)))

    def _make_room(self, wanted: Iterable[K]) -> None:
        """Forgets the bodies that are not wanted now, if there are many."""
        if self._bytes > BYTES_KEPT:
            self.parts = {key: self.parts[key] for key in self.parts.keys() & wanted}
            self._sizes = {key: self._sizes[key] for key in self.parts}
            self._bytes = sum(self._sizes.values())

    def _add(self, bodies: Iterator[tuple[K, list[str]]]) -> None:
        """Keeps bodies until they are too many together."""
        before = self._bytes
        for key, parts in bodies:
            self.parts[key] = parts
            size = self._sizes[key] = sum(map(len, parts))
            self._bytes += size
            self._allowance.check(self._bytes - before)
