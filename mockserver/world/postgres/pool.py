"""The connections of one server to PostgreSQL, shared by all of its workspaces.

A connection is lent to one user at a time: for a statement, or for a transaction. One that has broken is replaced.
While the database is known to be lost (`health`), requests are refused immediately instead of waiting for it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import psycopg
from psycopg import sql

from mockserver.errors import ResourceFailed
from mockserver.world.postgres.failures import name_database, name_failures
from mockserver.world.postgres.kept_reads import KeptReads
from mockserver.world.postgres.tables import LIFE, WORLD

CONNECT_SECONDS = 5
WAIT_SECONDS = 15.0
"""Seconds that a user waits for a connection while all are lent."""
STATEMENTS_KEPT = 1000
"""Prepared statements of one connection. All workspaces share them, as they run on the same views."""
PREPARED_AFTER = 2
"""Executions of a statement after which it is prepared."""
SILENT_SECONDS = 10.0
"""Seconds that a check may take before the database counts as lost: its machine may be frozen, or cut off."""
KEEPALIVES: dict[str, Any] = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""Both sides close a TCP connection when the other side has been gone for 25 seconds. The default of systems is two
hours, for which the database would keep the lock of a machine that has lost its power."""
CONFIRMED_SECONDS = 1.0
"""Age of the last heartbeat up to which a server may believe that it is alive: the others wait longer."""
SESSION_NAME = "mockserver-"
"""The beginning of the names of a server's connections, which its number follows."""
RESERVED = 4
"""Connections that snapshots leave for others: exports that wait for a thread hold one each."""


class Session:
    """One connection, the life whose rows it sees, and the number of the server when it was opened."""

    __slots__ = ("life", "number", "raw")

    def __init__(self, raw: psycopg.Connection[Any], number: int | None) -> None:
        self.raw, self.number = raw, number
        self.life: int | None = None

    @property
    def is_usable(self) -> bool:
        return not self.raw.closed and not self.raw.broken

    @property
    def is_idle(self) -> bool:
        """Whether no transaction is open."""
        return self.is_usable and self.raw.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE

    @property
    def has_failed(self) -> bool:
        """Whether the open transaction can only be rolled back."""
        return self.raw.pgconn.transaction_status == psycopg.pq.TransactionStatus.INERROR

    def name_life(self, life: int) -> None:
        """Makes the connection see the rows of this life."""
        if self.life != life:
            self.raw.execute(_NAME_LIFE, [str(life)])
            self.life = life


_NAME_LIFE = f"SELECT set_config('{LIFE}', %s, false)"


class Pool:
    """At most `most` connections to one database. Safe for several threads."""

    def __init__(self, dsn: str, most: int) -> None:
        self.dsn, self.most = dsn, most
        self.place = name_database(dsn)
        self.number: int | None = None
        """The number of this server among those of the database: what it opened under another one is refused (a fence).
        None while it has none, and in tests without a server."""
        self.asked_at: float | None = None
        """When the check began that the database has not answered yet."""
        self.confirmed_at = float("-inf")
        """When the last heartbeat was sent that the database has confirmed."""
        self.reads = KeptReads()
        self._lost: str | None = None
        self._idle: list[Session] = []
        self._lent = self._snapshots = 0
        self._without = 0
        """Users among those of `_lent` that could not open a connection, and wait for that of another one."""
        self._changed = threading.Condition()
        self._closed = False

    @property
    def lost(self) -> str | None:
        """The reason why the database counts as lost; None while it answers."""
        asked_at = self.asked_at
        if self._lost is None and asked_at is not None and time.monotonic() - asked_at > SILENT_SECONDS:
            return (
                f"The {self.place} has not answered for {SILENT_SECONDS:.0f} seconds; look at its machine and the"
                " network; the server goes on by itself when it answers"
            )
        return self._lost

    def replace_number(self, number: int | None) -> None:
        """Gives the server another number, and closes the connections of the former one."""
        with self._changed:
            self.number = number
            self._close_idle()

    def is_confirmed(self) -> bool:
        """Whether nobody can have declared this server dead."""
        return time.monotonic() - self.confirmed_at < CONFIRMED_SECONDS

    def check_thread(self) -> None:
        """Raises AssertionError on the event loop of a server, also if the caller needs no statement this time."""
        on_loop = self.number is not None and _is_on_main_loop()
        assert not on_loop, "no statement waits for the database on the event loop"

    def lend(self, life: int, *, for_snapshot: bool = False) -> Session:
        """A connection that sees this life, an idle one or a new one. Raises ResourceFailed when none is available for
        WAIT_SECONDS, or the database is lost."""
        self.check_thread()
        session = self._take(life, for_snapshot=for_snapshot)
        try:
            if session is None:
                session = self._connect_or_wait(life)
            with name_failures(self.place):
                session.name_life(life)
        except BaseException:
            self.give_back(session, for_snapshot=for_snapshot)
            raise
        return session

    def _take(self, life: int, *, for_snapshot: bool) -> Session | None:
        """An idle connection, one of this life if there is one; None when a new one may be opened."""
        deadline = time.monotonic() + WAIT_SECONDS
        with self._changed:
            while not self._may_lend(for_snapshot=for_snapshot):
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    raise ResourceFailed(self._explain())
            self._lent += 1
            self._snapshots += for_snapshot
            return self._pop_idle(life) if self._idle else None

    def _pop_idle(self, life: int) -> Session:
        """An idle connection, one of this life if there is one."""
        index = next((at for at in range(len(self._idle) - 1, -1, -1) if self._idle[at].life == life), -1)
        return self._idle.pop(index)

    def _may_lend(self, *, for_snapshot: bool) -> bool:
        """Raises ResourceFailed when the database is lost."""
        self._check_found()
        if for_snapshot and self._snapshots >= max(self.most - RESERVED, 1):
            return False
        return self._lent < self.most

    def _check_found(self) -> None:
        refusal = "The server is stopping; send the request to another one" if self._closed else self.lost
        if refusal is not None:
            raise ResourceFailed(refusal)

    def _explain(self) -> str:
        return (
            f"All {self.most} connections to the {self.place} are in use, {self._snapshots} of them by exports and long"
            " queries; send the request again when some have ended, or give the server more by --database-connections"
        )

    def _connect_or_wait(self, life: int) -> Session:
        """A new connection, or one that another user gives back: other programs may use all that the database accepts.
        Raises ResourceFailed."""
        try:
            return self._connect()
        except ResourceFailed as failure:
            return self._wait_for_another(life, failure)

    def _wait_for_another(self, life: int, failure: ResourceFailed) -> Session:
        """Raises the failure when no other user has a connection, or gives one back in WAIT_SECONDS."""
        deadline = time.monotonic() + WAIT_SECONDS
        with self._changed:
            self._without += 1
            self._changed.notify_all()  # the others see that one less has a connection
            try:
                while not self._idle:
                    self._check_found()
                    if self._without == self._lent or not self._changed.wait(deadline - time.monotonic()):
                        raise failure
                return self._pop_idle(life)
            finally:
                self._without -= 1

    def _connect(self) -> Session:
        number = self.number
        name = "mockserver" if number is None else f"{SESSION_NAME}{number}"
        with name_failures(self.place):
            return Session(open_connection(self.dsn, name), number)

    def give_back(self, session: Session | None, *, for_snapshot: bool = False) -> None:
        """Lends a connection to others again. One that is broken, or in a transaction, is closed; when one has broken
        while it was idle, so have the others."""
        keep = session is not None and session.is_idle and not self._closed and session.number == self.number
        if session is not None and not keep:
            session.raw.close()
        with self._changed:
            if keep and session is not None:
                self._idle.append(session)
            self._lent -= 1
            self._snapshots -= for_snapshot
            self._changed.notify_all()  # all of them: the first one that waits may be a snapshot, which may not have it

    def drop_idle(self) -> None:
        """Closes the connections that nobody uses: one of them has broken, and so may have the others."""
        with self._changed:
            self._close_idle()

    def mark_lost(self, reason: str) -> None:
        """Refuses users from now on, and forgets the idle connections: they have broken too."""
        with self._changed:
            self._lost = reason
            self._close_idle()
            self._changed.notify_all()

    def mark_found(self) -> None:
        """Lends connections again."""
        with self._changed:
            self._lost = None

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._close_idle()
            self._changed.notify_all()

    def _close_idle(self) -> None:
        for session in self._idle:
            session.raw.close()
        self._idle.clear()


def _is_on_main_loop() -> bool:
    """Whether this is the server's event loop, which runs in the main thread."""
    return threading.get_ident() == threading.main_thread().ident and asyncio._get_running_loop() is not None


def open_connection(dsn: str, name: str) -> psycopg.Connection[Any]:
    """Opens a connection whose transactions begin and end by statements, as with SQLite. `name` is shown by the
    database. Raises psycopg.Error."""
    raw = psycopg.connect(
        dsn,
        autocommit=True,
        prepare_threshold=PREPARED_AFTER,
        connect_timeout=CONNECT_SECONDS,
        application_name=name,
        tcp_user_timeout=10_000,
        **KEEPALIVES,
    )
    raw.prepared_max = STATEMENTS_KEPT
    settings = [sql.SQL("SET search_path TO {}, pg_catalog").format(sql.Identifier(WORLD))]
    settings += [
        sql.SQL("SET {} TO {}").format(sql.Identifier(f"tcp_{name}"), sql.Literal(value))
        for name, value in KEEPALIVES.items()
    ]
    raw.execute(sql.SQL("; ").join(settings), prepare=False)
    return raw
