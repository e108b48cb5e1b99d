"""Keeps the faults of a workspace among the rows of its world, so that the next server goes on with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import msgspec

from mockserver.faults.counts import Counts, StoredFault
from mockserver.http.threads import call_off_loop
from mockserver.jobs.long_changes import LongChanges
from mockserver.world.records.faults import ArmedFault
from mockserver.world.store import Store

if TYPE_CHECKING:
    from mockserver.world.changes.faults import FaultChanges

T = TypeVar("T")


class KeptFaults:
    """A `FaultStorage` in a store."""

    def __init__(self, store: Store, long_changes: LongChanges) -> None:
        self._store, self._long_changes = store, long_changes

    @cached_property
    def _changes(self) -> FaultChanges:
        from mockserver.world.changes.faults import FaultChanges  # noqa: PLC0415  few workspaces have faults

        return FaultChanges(self._store)

    def load(self) -> list[StoredFault]:
        return [StoredFault(fault.no, fault.rule, fault.ends, _get_counts(fault)) for fault in self._changes.list_all()]

    def add(self, rules: Sequence[tuple[str, int | None]]) -> int:
        return self._changes.add(rules)

    def remove(self, numbers: Sequence[int]) -> None:
        self._changes.remove(numbers)

    def count(self, numbers: Sequence[int], count: Callable[[int, Counts], Counts]) -> list[tuple[int, Counts, Counts]]:
        def replace(fault: ArmedFault) -> ArmedFault:
            return msgspec.structs.replace(fault, **count(fault.no, _get_counts(fault))._asdict())

        replaced = self._changes.replace(numbers, replace)
        return [(before.no, _get_counts(before), _get_counts(after)) for before, after in replaced]

    async def run(self, work: Callable[[], T]) -> T:
        """Waits for the long change that runs, as every change does, and for a remote database in a thread."""
        await self._long_changes.wait()
        return await call_off_loop(self._store.database.IS_REMOTE, work)


def _get_counts(fault: ArmedFault) -> Counts:
    return Counts(fault.calls, fault.hits, fault.window_no, fault.passed)
