"""The server of a database that serves a workspace: the owner in its manifest, and in the life that is served.

An owner that has no row in `replica` is dead, and what it owned may be claimed. Every method is a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import psycopg

from mockserver.errors import ResourceFailed
from mockserver.world.clock import SECOND, Clock
from mockserver.world.postgres import members
from mockserver.world.postgres.pool import Pool, Session
from mockserver.world.postgres.tables import DATA
from mockserver.world.postgres.transactions import begin_as_member, begin_transaction
from mockserver.world.records.tasks import TaskStatus

LOCK_SECONDS = 5
"""Seconds that a claim waits for a change that is being made in the life."""


FindLife = Callable[[str], str | None]
"""Reads from a manifest which life is served; None if it is damaged."""


class Owner(NamedTuple):
    """Another living server, which owns a workspace: its number and address."""

    number: int
    address: str


class Owned(NamedTuple):
    """A workspace by its manifest, and its owner; None if this server or no living one owns it."""

    home: str
    content: str
    owner: Owner | None


class Share(NamedTuple):
    """A living server and the workspaces that it owns: how many there are, and the manifests of the first ones."""

    server: members.Member
    workspaces: int
    manifests: list[str]


class Ownership:
    """Finds and changes the owners of workspaces."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @property
    def number(self) -> int | None:
        """The number of this server."""
        return self._pool.number

    def find(self, home: str) -> Owned | None:
        """The workspace that is kept under this name."""
        return self._find("m.home = %s", home)

    def find_by_slug(self, slug: str) -> Owned | None:
        """The workspace whose links contain this slug."""
        return self._find("m.slug = %s", slug)

    def _find(self, condition: str, value: str) -> Owned | None:
        with begin_transaction(self._pool) as session:
            row = session.raw.execute(
                f"SELECT m.home, m.content, r.no, r.address FROM {DATA}.manifest m"
                f" LEFT JOIN {DATA}.replica r ON r.no = m.owner AND r.no <> %s WHERE {condition}",
                [session.number or 0, value],
            ).fetchone()
        if row is None:
            return None
        home, content, number, address = row
        return Owned(home, content, None if number is None else Owner(number, address))

    def list_shares(self, most: int) -> list[Share]:
        """The living servers by number, each with at most `most` manifests."""
        with begin_transaction(self._pool) as session:
            rows = session.raw.execute(_SHARES, {"most": most}).fetchall()
        return [
            Share(members.Member(number, name, address, version, float(age)), count, manifests)
            for number, name, address, version, age, count, manifests in rows
        ]

    def has_label(self, label_id: str) -> bool:
        """Whether any life has a label with this id."""
        with begin_transaction(self._pool) as session:
            row = session.raw.execute(
                f"SELECT EXISTS (SELECT 1 FROM {DATA}.label WHERE id = %s)", [label_id]
            ).fetchone()
        return row == (True,)

    def list_waiting(self, most: int) -> list[str]:
        """The homes of some workspaces without a living owner that have something to do, or whose owner is lost. Each
        server has an order of its own, so that they share the work."""
        with begin_transaction(self._pool) as session:
            rows = session.raw.execute(
                f"SELECT home FROM {DATA}.manifest m WHERE (owner IS NULL AND wake_at <= clock_timestamp())"
                f" OR (owner IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {DATA}.replica r WHERE r.no = m.owner))"
                " ORDER BY md5(home || %s) LIMIT %s",
                [str(session.number), most],
            )
            return [str(home) for (home,) in rows.fetchall()]

    def list_unused(self, age: float, most: int) -> list[str]:
        """The homes of some workspaces without a living owner that no request has used for `age` seconds."""
        with begin_transaction(self._pool) as session:
            rows = session.raw.execute(
                f"SELECT home FROM {DATA}.manifest m WHERE used_at < clock_timestamp() - make_interval(secs => %s)"
                f" AND NOT EXISTS (SELECT 1 FROM {DATA}.replica r WHERE r.no = m.owner) ORDER BY used_at LIMIT %s",
                [age, most],
            )
            return [str(home) for (home,) in rows.fetchall()]

    def note_uses(self, ages: Sequence[tuple[str, float]]) -> None:
        """Writes when the last requests used workspaces of this server: their homes, and how many seconds ago."""
        note = (
            f"UPDATE {DATA}.manifest SET used_at = clock_timestamp() - make_interval(secs => %s)"
            " WHERE home = %s AND owner = %s"
        )
        with begin_transaction(self._pool) as session, session.raw.cursor() as cursor:
            cursor.executemany(note.encode(), [(age, home, session.number) for home, age in ages])

    def claim(self, home: str, find_life: FindLife) -> Owned | None:
        """Makes this server the owner of a workspace that no living server owns, and of the life that `find_life` reads
        from its manifest. Returns the workspace with its owner; None if there is none. Raises ResourceFailed."""
        try:
            return self._claim(home, find_life)
        except _LifeHeld:
            with begin_transaction(self._pool) as session:
                members.end_sessions_of_dead(session.raw)
            raise ResourceFailed(
                "A change of a lost server holds this workspace and is ended now; send the request again"
            ) from None

    def _claim(self, home: str, find_life: FindLife) -> Owned | None:
        with begin_as_member(self._pool) as session:
            locked = f"SELECT content, owner FROM {DATA}.manifest WHERE home = %s FOR UPDATE"
            row = session.raw.execute(locked, [home]).fetchone()
            if row is None:
                return None
            content, owner = row
            if owner != session.number and (living := _find_living(session, owner)) is not None:
                return Owned(home, content, living)
            session.raw.execute(
                f"UPDATE {DATA}.manifest SET owner = %s, used_at = clock_timestamp() WHERE home = %s",
                [session.number, home],
            )
            if (life := find_life(content)) is not None:
                _own_life(session, life)
            return Owned(home, content, None)

    def release(self, homes: Sequence[str], *, wake_in: float | None) -> None:
        """Lets any server serve these workspaces, which this one owns. They have something to do in `wake_in` seconds,
        or nothing."""
        with begin_as_member(self._pool) as session:
            session.raw.execute(
                f"UPDATE {DATA}.manifest SET owner = NULL,"
                " wake_at = clock_timestamp() + make_interval(secs => %s::float8)"
                " WHERE home = ANY(%s) AND owner IS NOT DISTINCT FROM %s",
                [wake_in, list(homes), session.number],
            )

    def find_work(self, life: str) -> float | None:
        """The seconds until a life has something to do that no request causes: a task that was left unfinished, unless
        a test lets it hang, or a delivery that is due by its own clock. None if there is nothing."""
        with begin_transaction(self._pool) as session:
            row = session.raw.execute(_WORK, {"life": life, "running": TaskStatus.IN_PROGRESS}).fetchone()
        if row is None:
            return None
        is_running, due_at, offset, frozen_at = row
        if is_running:
            return 0.0
        if due_at is None or (frozen_at is not None and due_at > frozen_at):
            return None
        seconds: float = (due_at - Clock(offset, frozen_at).now()) / SECOND
        return max(seconds, 0.0)


class _LifeHeld(Exception):
    """A change of a lost server holds a life that this one claims."""


def _own_life(session: Session, life: str) -> None:
    """Makes this server the owner of a life. Raises _LifeHeld if a change is being made in it for too long."""
    session.raw.execute(f"SET LOCAL lock_timeout TO '{LOCK_SECONDS}s'".encode())
    try:
        session.raw.execute(f"UPDATE {DATA}.life SET owner = %s WHERE name = %s", [session.number, life])
    except psycopg.errors.LockNotAvailable:
        raise _LifeHeld from None


def _find_living(session: Session, owner: int | None) -> Owner | None:
    """The owner with this number, unless it is dead; nobody can declare it dead before the transaction ends."""
    # A statement of its own: it sees the servers that have joined while the one before it waited for a lock.
    living = f"SELECT no, address FROM {DATA}.replica WHERE no = %s FOR KEY SHARE"
    row = session.raw.execute(living, [owner]).fetchone()
    return None if row is None else Owner(*row)


_SHARES = f"""
SELECT no, name, address, version, extract(epoch FROM clock_timestamp() - heartbeat),
  (SELECT count(*) FROM {DATA}.manifest m WHERE m.owner = r.no),
  ARRAY(SELECT content FROM {DATA}.manifest m WHERE m.owner = r.no ORDER BY home LIMIT %(most)s)
FROM {DATA}.replica r ORDER BY no
"""
_WORK = f"""
SELECT EXISTS (SELECT 1 FROM {DATA}.task t WHERE t.life = l.no AND t.status = %(running)s AND NOT t.hangs)
    OR EXISTS (SELECT 1 FROM {DATA}.legacy_file f WHERE f.life = l.no AND f.status = %(running)s),
  (SELECT min(due_at) FROM {DATA}.outbox o WHERE o.life = l.no AND o.due_at IS NOT NULL),
  w.clock_offset, w.clock_frozen_at
FROM {DATA}.life l JOIN {DATA}.workspace w ON w.life = l.no WHERE l.name = %(life)s
"""
