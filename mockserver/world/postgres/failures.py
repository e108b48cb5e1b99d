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

_BACK = "the server goes on by itself then"
_NO_CONNECTION = ("No connection to", f"start PostgreSQL again; {_BACK}")
_FULL = (
    "No connection left in",
    "raise max_connections of PostgreSQL, or give the server fewer by --database-connections",
)
_NOTHING_LEFT = re.compile("too many connections|too many clients|connection slots")
"""PostgreSQL's words for a lack of connections. libpq gives no code if a connection was refused."""
_TOO_LONG = (
    "A transaction was open for too long in",
    "see idle_in_transaction_session_timeout and transaction_timeout of PostgreSQL, and send it again",
)
_BROKEN = ("The disk or a file is damaged in", "look at the log of PostgreSQL")
_CAUSES: tuple[tuple[str, str, str], ...] = (
    ("08", *_NO_CONNECTION),
    ("25006", "It cannot be written:", f"give the address of the primary; {_BACK}"),
    ("25P03", *_TOO_LONG),
    ("25P04", *_TOO_LONG),
    ("28", *_NO_CONNECTION),
    ("40", "Another transaction was in the way in", "send it again"),
    ("42501", "The user may not do this in", f"give the user the rights of the schemas' owner; {_BACK}"),
    ("53100", "No space left on the disk of", f"free some space there; {_BACK}"),
    ("53200", "No memory left in", "give PostgreSQL more"),
    ("53300", *_FULL),
    ("53", "A limit is reached in", "look at the log of PostgreSQL"),
    ("54", "A statement is too large for", "send a smaller request"),
    ("55P03", "A statement waited too long for a lock in", "end the program that holds it, and send it again"),
    ("55", "Something is in the way in", "look at the log of PostgreSQL, and send it again"),
    ("57014", "A statement was cancelled in", "see statement_timeout of PostgreSQL, and send it again"),
    ("57", *_NO_CONNECTION),
    ("58", *_BROKEN),
    ("XX001", *_BROKEN),
    ("XX002", *_BROKEN),
)
"""The beginning of a code (postgresql.org/docs/current/errcodes-appendix.html), the sentence that the database's name
follows, and what to do; the first that fits counts."""


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
    return None if cause is None else report_failure(_describe(error, place, cause))


def explain_loss(error: psycopg.Error, place: str) -> str:
    """Returns why the database `place` cannot be used now. An error without a known cause is a lost connection."""
    return _describe(error, place, _find_cause(error) or _NO_CONNECTION)


def _find_cause(error: psycopg.Error) -> tuple[str, str] | None:
    code = error.sqlstate
    if code is not None:
        return next(((what, advice) for start, what, advice in _CAUSES if code.startswith(start)), None)
    if not isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return None
    return _FULL if _NOTHING_LEFT.search(str(error)) else _NO_CONNECTION


def _describe(error: psycopg.Error, place: str, cause: tuple[str, str]) -> str:
    what, advice = cause
    return f"{what} the {place}: {_first_line(error)}; {advice}"


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
