"""Watches the database of a server: whether it answers, and whether this server is the one that serves it."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import psycopg

from mockserver.errors import StartupError
from mockserver.world.postgres.failures import name_database
from mockserver.world.postgres.migration import prepare
from mockserver.world.postgres.pool import Pool, open_connection
from mockserver.world.postgres.tables import DATA

LOG = logging.getLogger(__name__)

NAME = "mockserver-watch"
INTERVAL = 0.5
"""Seconds between two checks."""
SERVING = 0x6C_62_6D_64
"""The number of the advisory lock that the one server of a database holds as long as its connection is open."""


class DatabaseWatch:
    """Holds the lock of a database on a connection of its own, and checks it from a thread."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        """Prepares the database for this version. Raises StartupError."""
        self._dsn, self._pool, self._place = dsn, pool, name_database(dsn)
        self._stopped = threading.Event()
        try:
            self._raw: psycopg.Connection[Any] | None = open_connection(dsn, NAME)
        except psycopg.Error as error:
            raise StartupError(
                f"no connection to the {self._place}: {_describe(error)}; check --state and that PostgreSQL runs"
            ) from None
        try:
            self._take_first(self._raw)
        except BaseException:
            self._raw.close()
            raise
        self._thread = threading.Thread(target=self._watch, name="database", daemon=True)
        self._thread.start()

    def _take_first(self, raw: psycopg.Connection[Any]) -> None:
        try:
            if not _try_lock(raw):
                raise StartupError(
                    f"the {self._place} is in use by another server; stop that one, or give another database"
                )
            prepare(raw)
            # Waits for the changes of the former server that are being committed.
            row = raw.execute(f"UPDATE {DATA}.state SET server = server + 1 RETURNING server").fetchone()
            assert row is not None, "a prepared database has a state"
            self._pool.server = int(row[0])
        except psycopg.Error as error:
            raise StartupError(f"the {self._place} cannot be used: {_describe(error)}; check --state") from error

    def _watch(self) -> None:
        while not self._stopped.wait(INTERVAL):
            self._pool.asked_at = time.monotonic()
            reason, lost = self._check(), self._pool.lost
            self._pool.asked_at = None
            if reason is None and lost is not None:
                LOG.warning("the %s is back", self._place)
                self._pool.mark_found()
            elif reason is not None and reason != lost:
                LOG.error("%s", reason)
                self._pool.mark_lost(reason)

    def _check(self) -> str | None:
        """The reason why this server cannot use the database now, or None."""
        try:
            if self._raw is None:
                self._raw = open_connection(self._dsn, NAME)
                if not _try_lock(self._raw) or not self._is_current(self._raw):
                    self._forget()
                    return f"Another server has taken over the {self._place}; stop this one"
            self._raw.execute("SELECT 1")
        except psycopg.Error as error:
            self._forget()
            return (
                f"No connection to the {self._place}: {_describe(error)}; the server goes on by itself when it is back"
            )
        return None

    def _is_current(self, raw: psycopg.Connection[Any]) -> bool:
        """Whether no other server has used the database since: it may have changed what this one remembers."""
        return raw.execute(f"SELECT server FROM {DATA}.state").fetchone() == (self._pool.server,)

    def _forget(self) -> None:
        raw, self._raw = self._raw, None
        if raw is not None:
            raw.close()

    def close(self) -> None:
        """Lets another server use the database."""
        self._stopped.set()
        self._thread.join()
        self._forget()


def _try_lock(raw: psycopg.Connection[Any]) -> bool:
    return raw.execute(f"SELECT pg_try_advisory_lock({SERVING})").fetchone() == (True,)


def _describe(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
