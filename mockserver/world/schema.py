"""The tables of a workspace, as `schema.sql` has them in the portable dialect."""

from __future__ import annotations

import re
from importlib import import_module, resources

from mockserver.world.database import Connection
from mockserver.world.record import Record

_INDEX = re.compile(r"^CREATE (?:UNIQUE )?INDEX [^;]*;", re.MULTILINE)


def schema_parts() -> tuple[str, str]:
    """The statements that create the tables, and those that create the indexes."""
    text = resources.files("mockserver.world").joinpath("schema.sql").read_text("utf-8")
    return _INDEX.sub("", text), "\n".join(_INDEX.findall(text))


RECORDS = (
    "api_keys", "data_rows", "events", "faults", "groups", "imports", "integrations", "issues", "jobs", "labels",
    "legacy", "models", "people", "polls", "projects", "slices", "tasks", "uploads", "webhooks", "workspace",
)  # fmt: skip
"""The modules of records. Not all of them are imported when a server starts."""


def tables() -> list[type[Record]]:
    """Every record that has a table, by name."""
    for name in RECORDS:
        import_module(f"mockserver.world.records.{name}")
    return sorted((kind for kind in _subclasses(Record) if hasattr(kind, "TABLE")), key=lambda kind: kind.__name__)


def check_tables(connection: Connection) -> None:
    """Raises the engine's error if a table or column is missing: another version created this database."""
    for kind in tables():
        connection.select(kind, first=0)


def _subclasses(kind: type[Record]) -> list[type[Record]]:
    return [below for child in kind.__subclasses__() for below in (child, *_subclasses(child))]
