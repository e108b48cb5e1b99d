"""The counts of faults, and the interface of whatever keeps them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, Self, TypeVar

T = TypeVar("T")


class Counts(NamedTuple):
    """How often a fault matched a call, and hit one; and how many calls it let pass in the window with this number."""

    calls: int
    hits: int
    window_no: int
    passed: int

    def let_pass(self, window_no: int) -> Self:
        """Counts a call in a window; the first one of another window begins to count anew."""
        return self._replace(window_no=window_no, passed=self.passed + 1 if window_no == self.window_no else 1)


NO_CALLS = Counts(0, 0, -1, 0)


class StoredFault(NamedTuple):
    """A fault as it is kept: `rule` is JSON; `ends` is a time of the workspace's clock in microseconds UTC."""

    no: int
    rule: str
    ends: int | None
    counts: Counts


class FaultStorage(Protocol):
    """The faults of one workspace. Each call is one transaction, or a part of the one that is open."""

    def load(self) -> list[StoredFault]:
        """The faults in the order of their numbers."""
        ...

    def add(self, rules: Sequence[tuple[str, int | None]]) -> int:
        """Adds faults by their rules and ends, all or none. Returns the number of the first, which no fault of the
        workspace had before; the others have the next ones."""
        ...

    def remove(self, numbers: Sequence[int]) -> None:
        """Removes faults."""
        ...

    def count(self, numbers: Sequence[int], count: Callable[[int, Counts], Counts]) -> list[tuple[int, Counts, Counts]]:
        """Replaces the counts of faults, and returns number, earlier and new counts of those that are still there."""
        ...

    async def run(self, work: Callable[[], T]) -> T:
        """Calls a function that counts, without holding the event loop."""
        ...
