"""The manifests and lives that a PostgreSQL database has, beside the rows of worlds.

A manifest is text here, as `workspaces/manifest` encodes it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import psycopg

from mockserver.errors import Conflict
from mockserver.world.database import Database
from mockserver.world.postgres.database import PostgresConnection, PostgresDatabase, build_taken_over
from mockserver.world.postgres.failures import name_failures
from mockserver.world.postgres.pool import Pool, Session
from mockserver.world.postgres.tables import DATA, build_analysis, build_copy, build_removal, list_tables
from mockserver.world.workspace import OF_ONE_LIFE

ROWS_SENT = 1000
TABLES_OF_ONE_LIFE = {kind.TABLE for kind in OF_ONE_LIFE}
NO_LIFE = 0
"""The number of no life, for statements about none."""


class Catalog:
    """The lives and manifests of one database. Every method is a transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    # Manifests

    def list_manifests(self) -> list[tuple[str, str]]:
        """The homes of workspaces and their manifests, by home."""
        with self._transaction() as session:
            rows = session.raw.execute(f"SELECT home, content FROM {DATA}.manifest ORDER BY home").fetchall()
        return [(str(home), str(content)) for home, content in rows]

    def add_manifest(self, home: str, content: str) -> None:
        """Raises Conflict if there is one."""
        with self._transaction() as session:
            inserted = session.raw.execute(
                f"INSERT INTO {DATA}.manifest VALUES (%s, %s) ON CONFLICT DO NOTHING", [home, content]
            )
            if inserted.rowcount != 1:
                raise Conflict("There is a workspace with this API key already; delete it or choose another key")

    def replace_manifest(self, home: str, content: str) -> None:
        """Raises Conflict if there is none."""
        with self._transaction() as session:
            replaced = session.raw.execute(f"UPDATE {DATA}.manifest SET content = %s WHERE home = %s", [content, home])
            if replaced.rowcount != 1:
                raise Conflict("This workspace was deleted in the meantime; create it again")

    def delete_manifest(self, home: str) -> str | None:
        """Deletes a manifest and returns it; None if there was none."""
        with self._transaction() as session:
            rows = session.raw.execute(f"DELETE FROM {DATA}.manifest WHERE home = %s RETURNING content", [home])
            row = rows.fetchone()
        return None if row is None else str(row[0])

    # Lives

    def open_life(self, name: str) -> PostgresDatabase | None:
        """The rows of a life; None if it does not exist."""
        with self._transaction() as session:
            row = session.raw.execute(f"SELECT no FROM {DATA}.life WHERE name = %s", [name]).fetchone()
        return None if row is None else PostgresDatabase(self._pool, int(row[0]))

    def create_life(self, name: str) -> PostgresDatabase:
        """Creates a life without rows."""
        with self._transaction() as session:
            return PostgresDatabase(self._pool, _insert_life(session, name))

    def load_life(self, name: str, world: Database) -> PostgresDatabase:
        """Creates a life with a world of another database, without the records of one life."""
        with contextlib.closing(world.connect()) as source, self._transaction() as session:
            life = _insert_life(session, name)
            session.name_life(life)
            connection = PostgresConnection(self._pool, life, session)
            for table in list_tables():
                if table.name not in TABLES_OF_ONE_LIFE:
                    batches = source.pieces(f"SELECT {table.names} FROM {table.name}", {}, ROWS_SENT)
                    connection.insert_rows(table.name, table.columns, chain.from_iterable(batches))
            # Without statistics about the first world, joins are planned as if its tables were empty.
            session.raw.execute(build_analysis().encode(), prepare=False)
        return PostgresDatabase(self._pool, life)

    def copy_life(self, source: PostgresDatabase, names: Sequence[str]) -> list[PostgresDatabase]:
        """Creates lives with the world of another, as it is at one moment, without the records of one life."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ") as session:
            copies = [_insert_life(session, name) for name in names]
            script = "".join(build_copy(source.life, copy, without=TABLES_OF_ONE_LIFE) for copy in copies)
            session.raw.execute(script.encode(), prepare=False)
        return [PostgresDatabase(self._pool, copy) for copy in copies]

    def list_lives(self) -> list[str]:
        """The names of all lives, the oldest first."""
        with self._transaction() as session:
            rows = session.raw.execute(f"SELECT name FROM {DATA}.life ORDER BY no").fetchall()
        return [str(name) for (name,) in rows]

    def remove_life(self, name: str) -> None:
        """Removes a life with its rows and results. Does nothing if it does not exist."""
        with self._transaction() as session:
            row = session.raw.execute(f"DELETE FROM {DATA}.life WHERE name = %s RETURNING no", [name]).fetchone()
            if row is not None:
                parts = f"DELETE FROM {DATA}.result_part p USING {DATA}.result r"
                removal = (
                    f"{build_removal(row[0])} {parts} WHERE p.result_no = r.no AND r.life = {row[0]:d};"
                    f" DELETE FROM {DATA}.result WHERE life = {row[0]:d}"
                )
                session.raw.execute(removal.encode(), prepare=False)

    @contextmanager
    def _transaction(self, begin: str = "BEGIN") -> Iterator[Session]:
        """A transaction on a borrowed connection."""
        session = self._pool.lend(NO_LIFE)
        try:
            with name_failures(self._pool.place):
                session.raw.execute(begin.encode(), prepare=False)
                self._check_fence(session)
                yield session
                session.raw.execute(b"COMMIT", prepare=False)
        except BaseException:
            _roll_back(session)
            raise
        finally:
            self._pool.give_back(session)

    def _check_fence(self, session: Session) -> None:
        """A server that takes over the database waits for the end of the transaction. Raises ResourceFailed if one has
        done so."""
        fence = f"SELECT 1 FROM {DATA}.state WHERE {self._pool.fence} FOR SHARE"
        if session.raw.execute(fence.encode()).rowcount != 1:
            raise build_taken_over(self._pool)


def _roll_back(session: Session) -> None:
    session.life = None  # it may have been named within the transaction
    if session.is_usable and not session.is_idle:
        try:
            session.raw.execute(b"ROLLBACK", prepare=False)
        except psycopg.Error:
            session.raw.close()


def _insert_life(session: Session, name: str) -> int:
    row = session.raw.execute(f"INSERT INTO {DATA}.life (name) VALUES (%s) RETURNING no", [name]).fetchone()
    assert row is not None, "INSERT … RETURNING gives a row"
    return int(row[0])
