"""Generated worlds that a database keeps as lives without a workspace, so that a new workspace is copied inside of it.

Such a copy takes a tenth of the time that sending the rows takes.
"""

from __future__ import annotations

import contextlib

from mockserver.errors import Conflict, NotFound
from mockserver.storage.interface import GetWorld
from mockserver.world.postgres.catalog import Catalog
from mockserver.world.postgres.database import PostgresDatabase
from mockserver.world.sqlite import SqliteDatabase

GENERATED = "generated-"
"""The beginning of the names of these lives."""
MOST_KEPT = 8
LARGEST_KEPT = 64 * 1024 * 1024
"""Bytes of the file of a generated world that is kept; a larger one is sent for each workspace."""


def is_generated(life: str) -> bool:
    """Whether the life with this name holds a generated world."""
    return life.startswith(GENERATED)


class GeneratedLives:
    """The generated worlds of one database. Other servers may add and remove some at the same time."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def copy(self, get_world: GetWorld, name: str) -> PostgresDatabase:
        """A life with a copy of a generated world, which is sent to the database when it is first needed there."""
        world = get_world()
        assert isinstance(world, SqliteDatabase), "generated worlds are SQLite files"
        if world.path.stat().st_size > LARGEST_KEPT:
            return self._catalog.load_life(name, world)
        cached = f"{GENERATED}{world.path.stem}"
        for _ in range(MOST_KEPT):
            source = self._find_or_load(cached, world)
            if source is not None:
                with contextlib.suppress(NotFound):  # another server has made room for another world
                    return self._catalog.copy_life(source, [name])[0]
        return self._catalog.load_life(name, world)

    def _find_or_load(self, cached: str, world: SqliteDatabase) -> PostgresDatabase | None:
        """The life of a generated world; None if other servers create and remove it at the same time."""
        source = self._catalog.open_life(cached)
        if source is not None:
            return source
        self._make_room()
        try:
            return self._catalog.load_life(cached, world)
        except Conflict:
            return self._catalog.open_life(cached)

    def _make_room(self) -> None:
        """Removes the generated worlds that were sent first."""
        cached = [name for name in self._catalog.list_lives() if is_generated(name)]
        for name in cached[: max(len(cached) - MOST_KEPT + 1, 0)]:
            self._catalog.remove_life(name)
