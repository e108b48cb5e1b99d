"""Checks whose a PostgreSQL database is, and makes it one that this version can use."""

from __future__ import annotations

import secrets
from typing import Any

import psycopg

from mockserver import __version__
from mockserver.errors import StartupError
from mockserver.world.migrations import FORMAT, can_migrate, checksum_of_tables, list_migrations
from mockserver.world.postgres.failures import name_database
from mockserver.world.postgres.own_tables import COUNT_STEPS, FIRST_TABLES, OWN_MIGRATIONS
from mockserver.world.postgres.tables import DATA, WORLD, build_migration, build_schema, build_views, drop_views

OLDEST = 130_000
"""The oldest version of PostgreSQL that is tried, as libpq numbers it."""
CREATING = 0x6C_62_6D_63
"""The number of the advisory lock under which a database is created or migrated."""

SERVING = 0x6C_62_6D_64
"""The number of the advisory lock that every server of a database shares. A server that migrates holds it alone, and so
did each server before several could use one database."""


def prepare(raw: psycopg.Connection[Any]) -> None:
    """Creates the schemas in an empty database, and migrates those of an older version. The connection shares the lock
    of servers from then on.

    Raises StartupError for a database of another program, one that is not usable, or an older one that is served;
    psycopg.Error.
    """
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
        if not share_lock(raw):
            raise StartupError(
                f"the {place} is in use by another server, of a version that serves alone or is migrating it; stop that"
                " one, or give another database"
            )


def share_lock(raw: psycopg.Connection[Any]) -> bool:
    """Shares the lock of servers as long as the connection is open; False if a server holds it alone."""
    return raw.execute(f"SELECT pg_try_advisory_lock_shared({SERVING})").fetchone() == (True,)


def is_current(raw: psycopg.Connection[Any]) -> bool:
    """Whether the database still has the tables of this version."""
    row = raw.execute(f"SELECT format, tables, own FROM {DATA}.state").fetchone()
    return row == (FORMAT, checksum_of_tables(), len(OWN_MIGRATIONS))


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
        raw.execute(f"CREATE SCHEMA {DATA}; CREATE SCHEMA {WORLD}; {FIRST_TABLES}".encode(), prepare=False)
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
    raw.execute(COUNT_STEPS)
    _migrate_own(raw, 0)


def _migrate(raw: psycopg.Connection[Any], place: str) -> None:
    """Brings the tables of worlds and the others to this version."""
    row = raw.execute(f"SELECT format, tables, written_by, product FROM {DATA}.state").fetchone()
    if row is None or row[3] != "labelbox-mockserver":
        raise StartupError(f"the table {DATA}.state in the {place} was changed by hand; give another database")
    theirs, tables, written_by = int(row[0]), str(row[1]), str(row[2])
    own = _count_own_steps(raw)
    is_same = (theirs, tables) == (FORMAT, checksum_of_tables())
    if is_same and own == len(OWN_MIGRATIONS):
        return
    if own > len(OWN_MIGRATIONS) or not (is_same or can_migrate(theirs, tables)):
        age = "a newer" if theirs > FORMAT or own > len(OWN_MIGRATIONS) else "another"
        raise StartupError(
            f"the {place} was written by {age} version of mockserver ({written_by}, format {theirs}); this is"
            f" {__version__}, format {FORMAT}: start that version, or give another database"
        )
    _check_unserved(raw, place, written_by)
    if not is_same:
        steps = [build_migration(statement) for step in list_migrations(theirs) for statement in step.statements]
        raw.execute("\n".join([drop_views(), *steps, build_views()]).encode(), prepare=False)
    raw.execute(COUNT_STEPS)
    _migrate_own(raw, own)
    raw.execute(
        f"UPDATE {DATA}.state SET format = %s, tables = %s, written_by = %s",
        [FORMAT, checksum_of_tables(), __version__],
    )
    # Servers of the former version that are silent at this time change nothing when they wake.
    raw.execute(f"DELETE FROM {DATA}.replica")


def _count_own_steps(raw: psycopg.Connection[Any]) -> int:
    """The steps of OWN_MIGRATIONS that a database has."""
    counted = raw.execute(
        "SELECT 1 FROM information_schema.columns WHERE (table_schema, table_name, column_name) = (%s, 'state', 'own')",
        [DATA],
    )
    row = raw.execute(f"SELECT own FROM {DATA}.state").fetchone() if counted.rowcount else None
    return 0 if row is None else int(row[0])


def _migrate_own(raw: psycopg.Connection[Any], since: int) -> None:
    """Makes the steps from a version of the tables beside worlds to this one."""
    for step in OWN_MIGRATIONS[since:]:
        raw.execute(step.encode(), prepare=False)
    raw.execute(
        f"UPDATE {DATA}.state SET own = %s, secret = coalesce(secret, %s)",
        [len(OWN_MIGRATIONS), secrets.token_urlsafe(32)],
    )


def _check_unserved(raw: psycopg.Connection[Any], place: str, written_by: str) -> None:
    """Raises StartupError if a server uses a database that is to be migrated."""
    if raw.execute(f"SELECT pg_try_advisory_xact_lock({SERVING})").fetchone() != (True,):
        raise StartupError(
            f"the {place} is in use by servers of version {written_by}; this is {__version__}, which changes its"
            " tables: stop all of them first, and then start this one"
        )
