"""Changes of the faults that tests have requested: which there are, and the calls that they count."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.record import JsonText
from mockserver.world.records.faults import ArmedFault
from mockserver.world.records.workspace import Workspace
from mockserver.world.store import Store


class FaultChanges:
    """The faults of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_all(self) -> list[ArmedFault]:
        """The faults in the order of their numbers."""
        with self._store.reading() as connection:
            return connection.select(ArmedFault, order="no")

    def add(self, rules: Sequence[tuple[str, int | None]]) -> int:
        """Adds faults by their rules and ends. Returns the number of the first, which no fault of this life had
        before; the others have the next ones."""
        with self._store.change() as change:
            first: int = change.connection.value("SELECT requested_faults + 1 FROM workspace")
            faults = [ArmedFault(first + index, JsonText(rule), ends) for index, (rule, ends) in enumerate(rules)]
            change.connection.update(Workspace, EVERYTHING, requested_faults=faults[-1].no)
            change.connection.insert(faults)
            return first

    def remove(self, numbers: Sequence[int]) -> None:
        """Removes faults."""
        with self._store.change() as change:
            change.connection.delete(ArmedFault, _match(numbers))

    def replace(
        self, numbers: Sequence[int], replace: Callable[[ArmedFault], ArmedFault]
    ) -> list[tuple[ArmedFault, ArmedFault]]:
        """Replaces the counts of faults, and returns those that are there, as they were and as they are."""
        with self._store.change() as change:
            faults = change.connection.select(ArmedFault, _match(numbers), order="no")
            replaced = [(fault, replace(fault)) for fault in faults]
            for before, after in replaced:
                if before != after:
                    counts = {name: getattr(after, name) for name in COUNTS}
                    change.connection.update(ArmedFault, Clause("no = :no", no=before.no), **counts)
            return replaced


COUNTS = ("calls", "hits", "window_no", "passed")


def _match(numbers: Sequence[int]) -> Clause:
    return Clause("no IN :numbers", numbers=list(numbers))
