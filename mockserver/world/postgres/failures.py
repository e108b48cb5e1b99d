"""Errors of PostgreSQL and of the way to it that a request can meet without a bug of the server."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from mockserver.errors import BadInput, MockserverError, ResourceFailed
from mockserver.world.machine_failures import report_failure

_FULL = (
    "No connection left in",
    "raise max_connections of PostgreSQL, or give the server fewer by --database-connections",
)
_NOTHING_LEFT = re.compile("too many connections|too many clients|connection slots")
"""PostgreSQL's words for that; libpq gives no code of a connection that was refused."""
_CAUSES: tuple[tuple[type[psycopg.Error], str, str], ...] = (
    (errors.DiskFull, "No space left on the disk of", "free some space there; the server goes on by itself then"),
    (errors.OutOfMemory, "No memory left in", "give PostgreSQL more"),
    (errors.TooManyConnections, *_FULL),
    (errors.ReadOnlySqlTransaction, "It cannot be written:", "give the address of the primary"),
    (errors.InsufficientPrivilege, "The user may not do this in", "give the user the rights of the schemas' owner"),
    (errors.QueryCanceled, "A statement was cancelled in", "see statement_timeout of PostgreSQL, and send it again"),
    (psycopg.OperationalError, "No connection to", "start PostgreSQL again; the server goes on by itself then"),
    (psycopg.InterfaceError, "No connection to", "start PostgreSQL again; the server goes on by itself then"),
)  # fmt: skip
"""The sentence that the database's name follows, and what to do; the first that fits counts."""


def name_database(dsn: str) -> str:
    """The database as messages name it: without a password."""
    parts = conninfo_to_dict(dsn)
    host = str(parts.get("host") or parts.get("hostaddr") or "localhost")
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"PostgreSQL database {parts.get('dbname') or parts.get('user') or 'of the default user'} at {host}{port}"


def find_failure(error: psycopg.Error, place: str) -> MockserverError | None:
    """The failure that an error reports, which names the database `place`; None if it is a bug of the server."""
    if isinstance(error, errors.UntranslatableCharacter) or (
        isinstance(error, psycopg.DataError) and "NUL" in str(error)
    ):
        return BadInput("A text contains the character U+0000; PostgreSQL keeps no text that does: send it without")
    cause = _find_cause(error)
    return cause and report_failure(f"{cause[0]} the {place}: {_first_line(error)}; {cause[1]}")


def _find_cause(error: psycopg.Error) -> tuple[str, str] | None:
    if isinstance(error, psycopg.OperationalError) and _NOTHING_LEFT.search(str(error)):
        return _FULL
    return next(((what, advice) for kind, what, advice in _CAUSES if isinstance(error, kind)), None)


@contextlib.contextmanager
def name_failures(place: str) -> Iterator[None]:
    """Raises ResourceFailed, which names the database, for errors of it and of the way to it; BadInput for texts that
    it cannot keep."""
    try:
        yield
    except psycopg.Error as error:
        failure = find_failure(error, place)
        if failure is None:
            raise
        raise failure from error


def commit(raw: psycopg.Connection[Any], place: str) -> None:
    """Commits the transaction of a connection. Raises ResourceFailed, after which it may be committed or not."""
    try:
        with name_failures(place):
            raw.execute(b"COMMIT", prepare=False)
    except ResourceFailed as failure:
        failure.may_be_committed = True
        raise


def _first_line(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
