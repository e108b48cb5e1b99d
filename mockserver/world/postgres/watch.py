"""Watches the database of a server from a thread: whether it answers, and whether the others count the server as alive.

The thread writes the heartbeat of the server. What the server knows is true as long as a heartbeat was confirmed a
moment ago (`is_confirmed`): nobody declares it dead in that time. One that counts as dead forgets all that it owns, and
joins again with another number.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from mockserver.errors import StartupError
from mockserver.world.postgres import members
from mockserver.world.postgres.failures import explain_loss, name_database
from mockserver.world.postgres.members import ORPHANED_SECONDS, Member
from mockserver.world.postgres.migration import is_current, prepare, share_lock
from mockserver.world.postgres.pool import Pool, open_connection

LOG = logging.getLogger(__name__)

NAME = "mockserver-watch"
INTERVAL = 0.4
"""Seconds between two heartbeats."""
STEADY_SECONDS = 3.0
"""Seconds of heartbeats without a break after which a server may declare others dead: a failure that kept it from the
database may have kept them too."""


class DatabaseWatch:
    """Holds the locks of a server on a connection of its own, and writes its heartbeat."""

    def __init__(self, dsn: str, pool: Pool, name: str, address: str) -> None:
        """Prepares the database for this version. Others reach the server at `address`. Raises StartupError."""
        self._dsn, self._pool, self._place = dsn, pool, name_database(dsn)
        self._name, self._address = name, address
        self._stopped = threading.Event()
        self.on_taken_over: Callable[[], None] = lambda: None
        """Is called in the thread of the watch if the others have declared this server dead, before it joins again."""
        self.members: dict[int, Member] = {}
        self._steady_since = float("-inf")
        self._outdated = False
        """Whether a newer version has migrated the database: this server can never use it again."""
        try:
            self._raw: psycopg.Connection[Any] | None = open_connection(dsn, NAME)
        except psycopg.Error as error:
            raise StartupError(
                f"no connection to the {self._place}: {_describe(error)}; check --state and that PostgreSQL runs"
            ) from None
        try:
            self._join_first(self._raw)
        except BaseException:
            self._raw.close()
            raise
        self._thread = threading.Thread(target=self._watch, name="database", daemon=True)
        self._thread.start()

    def _join_first(self, raw: psycopg.Connection[Any]) -> None:
        try:
            prepare(raw)
            self.secret = members.read_secret(raw)
            self._join(raw)
            self._wait_for_killed(raw)
        except psycopg.Error as error:
            raise StartupError(f"the {self._place} cannot be used: {_describe(error)}; check --state") from error

    def _wait_for_killed(self, raw: psycopg.Connection[Any]) -> None:
        """Waits until the servers count as dead whose process has just ended: a server that is started again serves
        what it served before."""
        deadline = time.monotonic() + 2 * ORPHANED_SECONDS
        members.remove_dead(raw, self._number)
        while members.count_unlocked(raw, self._number) and time.monotonic() < deadline:
            time.sleep(0.05)
            members.remove_dead(raw, self._number)
        self.members = members.beat(raw, self._number)

    def _join(self, raw: psycopg.Connection[Any]) -> None:
        began = time.monotonic()
        self._pool.replace_number(members.join(raw, self._name, self._address))
        self.members = members.beat(raw, self._number)
        self._pool.confirmed_at = began

    @property
    def _number(self) -> int:
        number = self._pool.number
        assert number is not None, "a server that watches its database has joined"
        return number

    def is_confirmed(self) -> bool:
        """Whether nobody can have declared this server dead."""
        return self._pool.is_confirmed()

    def find_loss(self) -> str | None:
        """The reason why the database counts as lost; None while it answers."""
        return self._pool.lost

    # In the thread

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
                self._raw = self._connect_again()
            if self._pool.number is None and not self._outdated:
                self._join(self._raw)
            elif not self._outdated:
                self._beat(self._raw)
        except psycopg.Error as error:
            self._forget()
            return explain_loss(error, self._place)
        if self._outdated:
            return f"Another version has migrated the {self._place}; stop this server, and start that version"
        return None

    def _connect_again(self) -> psycopg.Connection[Any]:
        raw = open_connection(self._dsn, NAME)
        try:
            if self._pool.number is not None:
                # The database may still see the former connection: then its lock lasts as long as that one.
                members.lock_number(raw, self._pool.number)
            self._outdated = not share_lock(raw) or not is_current(raw)
        except BaseException:
            raw.close()
            raise
        self._steady_since = time.monotonic()
        return raw

    def _beat(self, raw: psycopg.Connection[Any]) -> None:
        """Writes the heartbeat, and acts on what the others have declared, or have not done in time."""
        began = time.monotonic()
        if began - self._pool.confirmed_at > ORPHANED_SECONDS:
            self._steady_since = began
        present = members.beat(raw, self._number)
        if self._number not in present:
            self._give_up(raw)
            return
        self.members, self._pool.confirmed_at = present, began
        is_steady = began - self._steady_since > STEADY_SECONDS
        if is_steady and any(member.age > ORPHANED_SECONDS for member in present.values()):
            for dead in members.remove_dead(raw, self._number):
                LOG.warning("the server %s of the %s is lost; its workspaces are taken over", dead, self._place)

    def _give_up(self, raw: psycopg.Connection[Any]) -> None:
        """Forgets what the server owned, and joins again."""
        LOG.error("this server was silent for too long: others have taken over its workspaces; it joins them again")
        former = self._number
        self._pool.replace_number(None)
        self.on_taken_over()
        self._outdated = not is_current(raw)
        if not self._outdated:
            members.unlock_number(raw, former)
            self._join(raw)

    def _forget(self) -> None:
        raw, self._raw = self._raw, None
        if raw is not None:
            raw.close()

    def close(self) -> None:
        """Releases the workspaces, so that others can serve them."""
        self._stopped.set()
        self._thread.join()
        if self._raw is not None and self._pool.number is not None:
            try:
                members.leave(self._raw, self._number)
            except psycopg.Error as error:
                LOG.warning("the %s was not told of the end of this server: %s", self._place, _describe(error))
        self._forget()


def _describe(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
