"""Changes of slices."""

from __future__ import annotations

from mockserver.errors import Conflict
from mockserver.world import ids
from mockserver.world.clause import Clause
from mockserver.world.record import JsonText
from mockserver.world.records.events import EventKind
from mockserver.world.records.slices import CatalogSlice
from mockserver.world.store import Store

MOST_SLICES = 10_000


class SliceChanges:
    """The changes of one store's slices."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(
        self, name: str, description: str | None, query: JsonText, sorting: JsonText | None = None
    ) -> CatalogSlice:
        """Raises Conflict when there are too many."""
        with self._store.change() as change:
            if change.connection.count(CatalogSlice, Clause("NOT deleted")) >= MOST_SLICES:
                raise Conflict(f"There are {MOST_SLICES:,} slices already; delete one first")
            created = CatalogSlice(
                ids.random_uuid(change.new_id()), name, description, query, self._store.workspace.user_id, change.now,
                change.now, deleted=False, sorting=sorting,
            )  # fmt: skip
            change.connection.insert([created])
            change.add_event(EventKind.SCHEMA_UPDATED, id=created.id)
            return created

    def delete(self, slice_id: str) -> None:
        """Raises NotFound."""
        with self._store.change() as change:
            known = change.one(CatalogSlice, slice_id)
            change.connection.update(CatalogSlice, Clause("id = :id", id=known.id), deleted=True, updated_at=change.now)
            change.add_event(EventKind.SCHEMA_UPDATED, id=known.id)
