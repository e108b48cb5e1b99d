"""The servers of one database (replicas): each has a row with its number, and writes its heartbeat there.

A server whose row is gone owns nothing, whatever it believes. So to declare one dead is to delete its row, in one
statement with the condition: a heartbeat that is written at the same time wins or loses as a whole.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import psycopg

from mockserver import __version__
from mockserver.world.postgres.pool import SESSION_NAME
from mockserver.world.postgres.tables import DATA

ORPHANED_SECONDS = 1.5
"""Age of the heartbeat of a server whose lock is free, at which it counts as dead. A server that has lost a connection,
or whose database was started again, takes its lock again in that time."""
LEASE_SECONDS = 8.0
"""Age of the heartbeat at which any server counts as dead: its process may be frozen, or its network cut."""
NUMBERS = 0x6C_62
"""The class of the advisory locks that each server holds on its number, as long as it is connected."""


class Member(NamedTuple):
    """A server as its row describes it. `age` is that of its heartbeat, in seconds."""

    number: int
    name: str
    address: str
    version: str
    age: float


def join(raw: psycopg.Connection[Any], name: str, address: str) -> int:
    """Adds a server, and returns its number, which no other ever has."""
    # Each statement by itself: a server that is frozen between them keeps no other one from joining.
    row = raw.execute(f"UPDATE {DATA}.state SET server = server + 1 RETURNING server").fetchone()
    assert row is not None, "a prepared database has a state"
    number = int(row[0])
    lock_number(raw, number)
    raw.execute(
        f"INSERT INTO {DATA}.replica VALUES (%s, %s, %s, %s, clock_timestamp())",
        [number, name, address, __version__],
    )
    return number


def lock_number(raw: psycopg.Connection[Any], number: int) -> bool:
    """Holds the lock of a number as long as the connection is open; False if a former connection still does."""
    return raw.execute(f"SELECT pg_try_advisory_lock({NUMBERS}, {number:d})").fetchone() == (True,)


def unlock_number(raw: psycopg.Connection[Any], number: int) -> None:
    """Releases the lock of a number that is no longer used."""
    raw.execute(f"SELECT pg_advisory_unlock({NUMBERS}, {number:d})")


def beat(raw: psycopg.Connection[Any], number: int) -> dict[int, Member]:
    """Writes the heartbeat of a server, and returns all members by number: without it if it counts as dead."""
    # Not flushed to the disk: a heartbeat that a crash of the database loses is written again.
    heartbeat = f"UPDATE {DATA}.replica SET heartbeat = clock_timestamp() WHERE no = {number:d}"
    answer = raw.execute(
        f"BEGIN; SET LOCAL synchronous_commit TO off; {heartbeat}; {_LIST}; COMMIT".encode(), prepare=False
    )
    for _ in range(3):
        answer.nextset()
    return {int(row[0]): Member(int(row[0]), row[1], row[2], row[3], float(row[4])) for row in answer.fetchall()}


_LIST = (
    "SELECT no, name, address, version, extract(epoch FROM clock_timestamp() - heartbeat)"
    f" FROM {DATA}.replica ORDER BY no"
)

_IS_OF_NUMBER = (
    f"locktype = 'advisory' AND objsubid = 2 AND classid = {NUMBERS} AND objid = replica.no AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_IS_LOCKED = f"EXISTS (SELECT 1 FROM pg_locks WHERE {_IS_OF_NUMBER})"
_SILENT_SINCE = "clock_timestamp() - greatest(heartbeat, pg_postmaster_start_time())"
"""A database that was down has kept all servers from their heartbeats."""
_IS_DEAD = (
    f"({_SILENT_SINCE} > make_interval(secs => {LEASE_SECONDS})"
    f" OR ({_SILENT_SINCE} > make_interval(secs => {ORPHANED_SECONDS}) AND NOT {_IS_LOCKED}))"
)


_END_TRANSACTIONS = f"""
SELECT pg_terminate_backend(pid) FROM {DATA}.replica, pg_stat_activity AS session
WHERE no <> {{number}} AND {_IS_DEAD} AND datname = current_database() AND usename = current_user AND state <> 'idle'
AND session.pid <> pg_backend_pid() AND (application_name = '{SESSION_NAME}' || no OR EXISTS (
  SELECT 1 FROM pg_locks WHERE pg_locks.pid = session.pid AND {_IS_OF_NUMBER}
))
"""
"""Ends the transactions of servers that are dead, those of their watches included."""


def count_unlocked(raw: psycopg.Connection[Any], number: int) -> int:
    """How many other servers are not connected now."""
    row = raw.execute(f"SELECT count(*) FROM {DATA}.replica WHERE no <> {number:d} AND NOT {_IS_LOCKED}").fetchone()
    return 0 if row is None else int(row[0])


def remove_dead(raw: psycopg.Connection[Any], number: int) -> list[str]:
    """Deletes the rows of servers that are dead, and returns their names; never that of `number`.

    A frozen server may be in a transaction in which nobody can declare it dead (transactions.py). It is ended, and this
    statement waits for nothing: the server that executes it would be silent too. A row that is still locked is deleted
    the next time.
    """
    raw.execute(_END_TRANSACTIONS.format(number=number).encode())
    rows = raw.execute(
        f"DELETE FROM {DATA}.replica WHERE no IN (SELECT no FROM {DATA}.replica WHERE no <> {number:d} AND {_IS_DEAD}"
        " FOR UPDATE SKIP LOCKED) RETURNING no, name"
    )
    dead = [f"{name} ({no})" for no, name in rows.fetchall()]
    if dead:
        end_sessions_of_dead(raw)
    return dead


def end_sessions_of_dead(raw: psycopg.Connection[Any]) -> None:
    """Ends the connections of servers that count as dead: a frozen one may hold the rows of a workspace locked."""
    raw.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        f" AND usename = current_user AND application_name ~ '^{SESSION_NAME}[0-9]+$'"
        f" AND NOT EXISTS (SELECT 1 FROM {DATA}.replica"
        f" WHERE application_name = '{SESSION_NAME}' || replica.no)"
    )


def leave(raw: psycopg.Connection[Any], number: int) -> None:
    """Removes a server that stops, and releases its workspaces: others may serve them immediately."""
    with raw.transaction():
        raw.execute(f"UPDATE {DATA}.manifest SET owner = NULL, wake_at = now() WHERE owner = {number:d}")
        raw.execute(f"DELETE FROM {DATA}.replica WHERE no = {number:d}")


def read_secret(raw: psycopg.Connection[Any]) -> str:
    """The secret that only the servers of the database know."""
    row = raw.execute(f"SELECT secret FROM {DATA}.state").fetchone()
    assert row is not None, "a prepared database has a state"
    return str(row[0])
