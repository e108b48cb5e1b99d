"""The journals of workspaces as rows: one for each entry, and one for each life, which counts them.

Only the owner of a life writes its journal. To declare a server dead is to delete its row in `replica`, which waits for
a transaction of `begin_as_member`: so what a server writes in one was still its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from mockserver.journal.table import Batch, Head, Place
from mockserver.world.postgres.database import build_taken_over
from mockserver.world.postgres.pool import Pool, Session
from mockserver.world.postgres.tables import DATA
from mockserver.world.postgres.transactions import begin_as_member, begin_transaction


class JournalRows:
    """The journals of one database. Every method is a transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def read_head(self, life: int) -> Head:
        """How many requests were received in a life, and the number of its oldest entry."""
        with begin_transaction(self._pool) as session:
            row = session.raw.execute(f"SELECT received, oldest FROM {DATA}.journal WHERE life = %s", [life]).fetchone()
        return Head() if row is None else Head(*row)

    def read(self, life: int, numbers: range) -> list[tuple[int, bytes]]:
        """The entries with these numbers, in their order."""
        select = (
            f"SELECT number, content FROM {DATA}.journal_entry"
            " WHERE life = %s AND number >= %s AND number < %s ORDER BY number"
        )
        with begin_transaction(self._pool) as session:
            rows = session.raw.execute(select, [life, numbers.start, numbers.stop], binary=True).fetchall()
        return [(int(number), bytes(content)) for number, content in rows]

    def owns(self, place: Place) -> bool:
        """Whether this server still has the number under which it opened a life. It waits for nothing."""
        return place.owner == self._pool.number

    def write(self, batches: Sequence[Batch]) -> None:
        """Adds entries, and deletes those in front of the oldest one of each batch. Writing them again changes nothing.
        Batches of lives that this server does not own are left out. Raises ResourceFailed."""
        with begin_as_member(self._pool) as session:
            owned = _lock_owned(session, [batch.place.life for batch in batches])
            batches = [batch for batch in batches if batch.place.life in owned]
            entries = [(batch.place.life, *entry) for batch in batches for entry in batch.entries]
            values = {
                "lives": [batch.place.life for batch in batches],
                "received": [batch.received for batch in batches],
                "oldest": [batch.oldest for batch in batches],
                "entry_lives": [life for life, _, _ in entries],
                "numbers": [number for _, number, _ in entries],
                "contents": [content for _, _, content in entries],
            }
            if batches:
                session.raw.execute(_WRITE, values)

    def clear(self, place: Place) -> None:
        """Deletes the entries of a life, and begins to number them at 1 again. Raises ResourceFailed."""
        with begin_as_member(self._pool) as session:
            if not _lock_owned(session, [place.life]):
                raise build_taken_over(self._pool)
            session.raw.execute(build_journal_removal(place.life).encode(), prepare=False)

    def trim(self, most_bytes: int) -> None:
        """Deletes the entries of the journals that were written longest ago, if all of them together have more than
        `most_bytes` for each server. Raises ResourceFailed."""
        with begin_as_member(self._pool) as session:
            lives = [life for (life,) in session.raw.execute(_OLD, [most_bytes]).fetchall()]
            # Locked first, as by those that write: a life in which something happens now is left for the next time.
            locked = session.raw.execute(
                f"SELECT no FROM {DATA}.life WHERE no = ANY(%s) FOR UPDATE SKIP LOCKED", [lives]
            ).fetchall()
            session.raw.execute(
                f"DELETE FROM {DATA}.journal_entry WHERE life = ANY(%s)", [[life for (life,) in locked]]
            )
            session.raw.execute(
                f"UPDATE {DATA}.journal SET oldest = received + 1, bytes = 0 WHERE life = ANY(%s)",
                [[life for (life,) in locked]],
            )


def build_journal_removal(life: int) -> str:
    """The statements that delete the journal of a life."""
    return f"DELETE FROM {DATA}.journal_entry WHERE life = {life:d}; DELETE FROM {DATA}.journal WHERE life = {life:d};"


def _lock_owned(session: Session, lives: list[int]) -> set[int]:
    """The lives among these that this server owns; they are not removed before the end of the transaction."""
    owned = f"SELECT no FROM {DATA}.life WHERE no = ANY(%s) AND owner IS NOT DISTINCT FROM %s ORDER BY no FOR KEY SHARE"
    return {life for (life,) in session.raw.execute(owned, [lives, session.number]).fetchall()}


_WRITE = f"""
WITH added AS (
  INSERT INTO {DATA}.journal_entry (life, number, size, content)
  SELECT life, number, octet_length(content), content
  FROM unnest(%(entry_lives)s::bigint[], %(numbers)s::bigint[], %(contents)b::bytea[]) AS e (life, number, content)
  ON CONFLICT DO NOTHING RETURNING life, size
), given AS (
  SELECT * FROM unnest(%(lives)s::bigint[], %(received)s::bigint[], %(oldest)s::bigint[]) AS g (life, received, oldest)
), dropped AS (
  DELETE FROM {DATA}.journal_entry e USING given g WHERE e.life = g.life AND e.number < g.oldest
  RETURNING e.life, -e.size AS size
), growth AS (
  SELECT life, sum(size)::bigint AS bytes FROM (SELECT * FROM added UNION ALL SELECT * FROM dropped) AS s GROUP BY life
)
INSERT INTO {DATA}.journal AS j (life, received, oldest, bytes, written_at)
SELECT g.life, g.received, g.oldest, coalesce(w.bytes, 0), clock_timestamp()
FROM given g LEFT JOIN growth w USING (life)
ON CONFLICT (life) DO UPDATE SET received = excluded.received, oldest = excluded.oldest,
  bytes = j.bytes + excluded.bytes, written_at = excluded.written_at
"""
_OLD = f"""
SELECT life FROM (
  SELECT life, bytes, sum(bytes) OVER (ORDER BY written_at DESC, life) AS total FROM {DATA}.journal
) AS j WHERE bytes > 0 AND total > %s * (SELECT count(*) FROM {DATA}.replica)
"""
