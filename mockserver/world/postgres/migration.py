"""Checks whose a PostgreSQL database is, and makes it one that this version can use."""

from __future__ import annotations

from typing import Any

import psycopg

from mockserver import __version__
from mockserver.errors import StartupError
from mockserver.world.migrations import FORMAT, can_migrate, checksum_of_tables, list_migrations
from mockserver.world.postgres.failures import name_database
from mockserver.world.postgres.tables import DATA, WORLD, build_migration, build_schema, build_views, drop_views

OLDEST = 130_000
"""The oldest version of PostgreSQL that is tried, as libpq numbers it."""
CREATING = 0x6C_62_6D_63
"""The number of the advisory lock under which a database is created or migrated."""

OWN_TABLES = f"""
CREATE TABLE {DATA}.state (
  product TEXT NOT NULL, format INTEGER NOT NULL, tables TEXT NOT NULL, written_by TEXT NOT NULL, server BIGINT NOT NULL
);
CREATE TABLE {DATA}.life (no BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT COLLATE "C" NOT NULL UNIQUE);
CREATE TABLE {DATA}.manifest (home TEXT COLLATE "C" PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE {DATA}.result (
  no BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, life BIGINT NOT NULL, name TEXT COLLATE "C" NOT NULL,
  size BIGINT NOT NULL, modified_at DOUBLE PRECISION NOT NULL, deleted_at TIMESTAMPTZ, complete BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX result_by_name ON {DATA}.result (life, name) WHERE complete AND deleted_at IS NULL;
CREATE INDEX result_deleted ON {DATA}.result (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE TABLE {DATA}.result_part (
  result_no BIGINT NOT NULL, part BIGINT NOT NULL, content BYTEA NOT NULL, PRIMARY KEY (result_no, part)
);
ALTER TABLE {DATA}.result_part ALTER COLUMN content SET STORAGE EXTERNAL;
"""
"""The tables beside those of worlds: whose database it is, lives and manifests of workspaces, results of exports."""


def prepare(raw: psycopg.Connection[Any]) -> None:
    """Creates the schemas in an empty database, and migrates those of an older version. Raises StartupError for a
    database of another program, or one that is not usable; psycopg.Error."""
    place = name_database(raw.info.dsn)
    _check_server(raw, place)
    with raw.transaction():
        raw.execute(f"SELECT pg_advisory_xact_lock({CREATING})")
        present = {name for (name,) in raw.execute(_SCHEMAS, [[DATA, WORLD]])}
        if not present:
            _create(raw, place)
        elif raw.execute("SELECT to_regclass(%s)", [f"{DATA}.state"]).fetchone() == (None,):
            raise StartupError(
                f"the {place} has a schema {' and '.join(map(repr, sorted(present)))} that mockserver has not created;"
                " give another database, for example one made by `createdb mockserver`"
            )
        else:
            _migrate(raw, place)


_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)"


def _check_server(raw: psycopg.Connection[Any], place: str) -> None:
    if raw.info.server_version < OLDEST:
        version = raw.info.server_version // 10_000
        raise StartupError(f"the {place} is of PostgreSQL {version}; expected {OLDEST // 10_000} or newer: upgrade it")
    encoding = raw.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StartupError(
            f"the {place} has the encoding {encoding}, which does not hold all texts; create one by"
            " `createdb --encoding=UTF8 --template=template0 mockserver`"
        )
    if raw.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
        raise StartupError(f"the {place} is a standby, which cannot be written; give the address of the primary")


def _create(raw: psycopg.Connection[Any], place: str) -> None:
    try:
        raw.execute(f"CREATE SCHEMA {DATA}; CREATE SCHEMA {WORLD}; {OWN_TABLES}".encode(), prepare=False)
    except psycopg.errors.InsufficientPrivilege:
        user = raw.info.user
        raise StartupError(
            f"the user {user!r} may not create schemas in the {place}; let it: GRANT CREATE ON DATABASE"
            f' "{raw.info.dbname}" TO "{user}"'
        ) from None
    raw.execute(build_schema().encode(), prepare=False)
    raw.execute(
        f"INSERT INTO {DATA}.state VALUES ('labelbox-mockserver', %s, %s, %s, 0)",
        [FORMAT, checksum_of_tables(), __version__],
    )


def _migrate(raw: psycopg.Connection[Any], place: str) -> None:
    row = raw.execute(f"SELECT format, tables, written_by, product FROM {DATA}.state").fetchone()
    if row is None or row[3] != "labelbox-mockserver":
        raise StartupError(f"the table {DATA}.state in the {place} was changed by hand; give another database")
    theirs, tables, written_by = int(row[0]), str(row[1]), str(row[2])
    if (theirs, tables) == (FORMAT, checksum_of_tables()):
        return
    if not can_migrate(theirs, tables):
        age = "a newer" if theirs > FORMAT else "another"
        raise StartupError(
            f"the {place} was written by {age} version of mockserver ({written_by}, format {theirs}); this is"
            f" {__version__}, format {FORMAT}: start that version, or give another database"
        )
    steps = [build_migration(statement) for step in list_migrations(theirs) for statement in step.statements]
    raw.execute("\n".join([drop_views(), *steps, build_views()]).encode(), prepare=False)
    raw.execute(
        f"UPDATE {DATA}.state SET format = %s, tables = %s, written_by = %s",
        [FORMAT, checksum_of_tables(), __version__],
    )
