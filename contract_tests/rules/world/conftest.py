"""Worlds on both engines."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract_tests.rules.worlds import generate_world
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.database import Database
from mockserver.world.postgres.catalog import Catalog
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store

NUMBERS = itertools.count()

Make = Callable[[], Database]


@pytest.fixture(params=["sqlite", "postgres"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes empty databases: a file or a life of its own each time."""
    if request.param == "sqlite":
        return lambda: SqliteDatabase(tmp_path / f"world-{next(NUMBERS)}.sqlite")
    catalog: Catalog = request.getfixturevalue("catalog")
    return lambda: catalog.create_life(f"world-{next(NUMBERS)}")


@pytest.fixture
def store(fresh: Make) -> Iterator[Store]:
    opened = Store.create(fresh(), *generate_world())
    WorkspaceSettings(opened).begin_life(name="rules", incarnation="first")
    yield opened
    opened.close()
