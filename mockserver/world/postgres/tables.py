"""The tables of all workspaces in PostgreSQL, derived from the portable schema of one workspace.

Each table gets a column `life`, and each key and index begins with it. A connection names the life that it works for
(`SET mockserver.life`), and sees that life's rows alone: the SQL of a workspace runs on views that have the names of
the tables. Measured with the default world: rows are copied in some 30 ms, and the tables and indexes of a schema of
its own would be created in some 300. All workspaces also share the plans of their statements, and one migration.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from mockserver.world.schema import schema_parts

DATA = "mockserver_data"
"""The schema of the tables."""
WORLD = "mockserver"
"""The schema of the views, in which the statements of workspaces run."""
LIFE = "mockserver.life"
"""The setting of a connection that names the life it works for."""

REMOVED = "removed-"
"""The beginning of the names of lives whose rows are being removed. No other life has such a name."""

_COMMENT = re.compile(r"--[^\n]*")
_TABLE = re.compile(r"CREATE TABLE (\w+) \(([^;]*)\)(?=\s*(?:;|$))")
_SERIAL = re.compile(r"(\w+) SERIAL")
_KEY = re.compile(r"(\w+) (?:TEXT|BIGINT)(?: COLLATE \S+)? PRIMARY KEY")
_INLINE_KEY = re.compile(r" PRIMARY KEY(?! \()")
_UNIQUE = re.compile(r"(\w+) (?:TEXT|BIGINT)(?: COLLATE \S+)? NOT NULL UNIQUE")
_DROP = re.compile(r"DROP TABLE (\w+)")
"""The view of a table that is no longer needed goes with it."""
_INDEX = re.compile(r"(CREATE (?:UNIQUE )?INDEX \w+ ON )(\w+) \(")
_TYPES = ((re.compile(r"\bTEXT\b"), 'TEXT COLLATE "C"'), (re.compile(r"\bINTEGER\b"), "BIGINT"))
"""Texts are ordered by their characters' numbers, as SQLite orders them, whatever the database's own order is. SQLite's
integers have 64 bits."""

JSON_EACH = f"""
CREATE FUNCTION {WORLD}.json_each(list TEXT) RETURNS TABLE (value TEXT) LANGUAGE SQL IMMUTABLE
AS 'SELECT json_array_elements_text(CAST(list AS json))';
"""
"""SQLite's function of this name, for lists of texts. PostgreSQL has one too, which takes no text."""


class Table(NamedTuple):
    """A table of the portable schema, and its columns."""

    name: str
    columns: tuple[str, ...]

    @property
    def names(self) -> str:
        return ", ".join(self.columns)


@functools.cache
def list_tables() -> list[Table]:
    """The tables of the portable schema, in its order."""
    statements = _COMMENT.sub("", schema_parts()[0]).split(";")
    return [_parse_table(match[1], match[2]) for match in map(_TABLE.search, statements) if match is not None]


def _parse_table(name: str, body: str) -> Table:
    parts = [part.strip() for part in re.split(r",(?![^(]*\))", body)]
    return Table(name, tuple(part.split()[0] for part in parts if not part.startswith("PRIMARY KEY")))


def build_schema() -> str:
    """The statements that create everything in an empty database."""
    tables, indexes = schema_parts()
    return "\n".join([build_migration(tables), build_migration(indexes), JSON_EACH, build_views()])


def build_migration(statements: str) -> str:
    """Statements in the portable dialect, about one workspace, as statements about the tables of all."""
    statements = _COMMENT.sub("", statements)
    for portable, own in _TYPES:
        statements = portable.sub(own, statements)
    statements = _INDEX.sub(rf"\1{DATA}.\2 (life, ", statements)
    statements = statements.replace("ALTER TABLE ", f"ALTER TABLE {DATA}.")
    statements = _DROP.sub(rf"DROP TABLE {DATA}.\1 CASCADE", statements)
    return _TABLE.sub(lambda match: _create_table(match[1], match[2]), statements).rstrip().removesuffix(";") + ";"


def _create_table(name: str, body: str) -> str:
    keys = [f"PRIMARY KEY (life, {column})" for column in _SERIAL.findall(body)]
    keys += [f"PRIMARY KEY (life, {column})" for column in _KEY.findall(body)]
    keys += [f"UNIQUE (life, {column})" for column in _UNIQUE.findall(body)]
    body = body.replace("SERIAL", "BIGINT NOT NULL").replace("BYTES", "BYTEA")
    body = _INLINE_KEY.sub(" NOT NULL", body).replace("NOT NULL UNIQUE", "NOT NULL")
    body = body.replace("PRIMARY KEY (", "PRIMARY KEY (life, ")
    life = f"life BIGINT NOT NULL DEFAULT CAST(current_setting('{LIFE}') AS BIGINT)"
    return f"CREATE TABLE {DATA}.{name} ({', '.join([life, body.strip(), *keys])})"


def build_views() -> str:
    """The statements that create the views of one life.

    The life is a subquery, so that the planner does not know it and expects the rows of an average life. It would
    expect no row of one that is newer than its statistics, and join thousands by nested loops.
    """
    return "".join(
        f"CREATE VIEW {WORLD}.{table.name} AS SELECT {table.names} FROM {DATA}.{table.name}"
        f" WHERE life = (SELECT CAST(current_setting('{LIFE}') AS BIGINT));"
        for table in list_tables()
    )


def drop_views() -> str:
    """The statements that drop the views before their tables are changed."""
    return "".join(f"DROP VIEW IF EXISTS {WORLD}.{table.name};" for table in list_tables())


def build_copy(source: int, target: int, *, without: set[str]) -> str:
    """The statements that copy the rows of one life to another, except those of the tables `without`."""
    return "".join(
        f"INSERT INTO {DATA}.{table.name} (life, {table.names})"
        f" SELECT {target:d}, {table.names} FROM {DATA}.{table.name} WHERE life = {source:d};"
        for table in list_tables()
        if table.name not in without
    )


def build_analysis() -> str:
    """The statement that collects statistics about all tables of worlds."""
    return f"ANALYZE {', '.join(f'{DATA}.{table.name}' for table in list_tables())}"


def build_removal(life: int) -> str:
    """The statements that delete all rows of a life."""
    return "".join(f"DELETE FROM {DATA}.{table.name} WHERE life = {life:d};" for table in list_tables())
