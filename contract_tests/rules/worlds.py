"""Worlds for rules below the wire: the generated default world in a store, and single things added to it."""

import functools
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mockserver.generate import history, scenario, scenario_files
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.database import Database
from mockserver.world.record import Record
from mockserver.world.records.workspace import OF_ONE_LIFE, Workspace
from mockserver.world.schema import tables
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Hooks, Store

DEFAULT = scenario.load(scenario_files.find("default"))
PROJECTS = [project.name for project in DEFAULT.projects]
"""The projects of the default world, in the order in which they are listed."""
ROWS = {project.name: project.rows for project in DEFAULT.projects}


def generate_world(
    name: str = "default", *, seed: int = 0, ends: int | None = None
) -> tuple[Workspace, list[list[Record]]]:
    """A scenario's world as records, which are generated once in a process."""
    workspace, batches = _generate_once(name, seed, ends)
    return workspace, list(batches)


@functools.cache
def _generate_once(name: str, seed: int, ends: int | None) -> tuple[Workspace, list[list[Record]]]:
    workspace, batches = history.build_world(scenario.load(scenario_files.find(name)), name=name, seed=seed, ends=ends)
    return workspace, list(batches)


@contextmanager
def open_store(database: Database, name: str = "default", *, hooks: Hooks = Hooks()) -> Iterator[Store]:  # noqa: B008  a frozen record
    """Puts that world into a database, as a life of its own, and opens the store of it."""
    store = Store.create(database, *generate_world(name), hooks=hooks)
    WorkspaceSettings(store).begin_life(name="rules")
    try:
        yield store
    finally:
        store.close()


def digest_world(store: Store) -> str:
    """A hash of the generated world: every row of every table in a stable order. Equal worlds, equal digests."""
    total = hashlib.blake2b(digest_size=16)
    with store.reading() as connection:
        for kind in tables():
            if kind not in {Workspace, *OF_ONE_LIFE}:
                rows = sorted(map(repr, connection.select(kind)))
                total.update("\n".join([kind.TABLE, *rows]).encode())
    return total.hexdigest()


def build_database(folder: Path) -> SqliteDatabase:
    return SqliteDatabase(folder / "world.sqlite")


def many_boxes(folder: Path, *, labelled: int = 0, unlabelled: int = 0) -> Path:
    """A scenario of one project, `many`, of so many pictures with boxes."""
    file = folder / "many.toml"
    file.write_text(
        'description = "Many pictures."\n[ontologies.boxes]\nmedia = "image"\n'
        'tools = [{ name = "Box", tool = "rectangle" }]\n'
        '[[projects]]\nname = "many"\nmedia = "image"\nontology = "boxes"\nskipped = 0\nvariants = 16\n'
        f"labelled = {labelled}\nunlabelled = {unlabelled}\n"
    )
    return file
