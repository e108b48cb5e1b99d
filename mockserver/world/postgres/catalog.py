"""The manifests and lives that a PostgreSQL database has, beside the rows of worlds.

A manifest is text here, as `storage/manifest` encodes it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import chain

from mockserver.errors import Conflict, NotFound
from mockserver.world.database import Database
from mockserver.world.postgres.database import PostgresConnection, PostgresDatabase
from mockserver.world.postgres.files import PURGES, build_files_removal
from mockserver.world.postgres.journals import build_journal_removal
from mockserver.world.postgres.pool import Pool, Session
from mockserver.world.postgres.tables import DATA, REMOVED, build_analysis, build_copy, build_removal, list_tables
from mockserver.world.postgres.transactions import begin_as_member, begin_transaction
from mockserver.world.records.workspace import OF_ONE_LIFE

ROWS_SENT = 1000
TABLES_OF_ONE_LIFE = {kind.TABLE for kind in OF_ONE_LIFE}


class Catalog:
    """The lives and manifests of one database. Every method is a transaction."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    # Manifests

    def list_manifests(self) -> list[tuple[str, str]]:
        """The homes of workspaces and their manifests, by home."""
        with begin_transaction(self.pool) as session:
            rows = session.raw.execute(f"SELECT home, content FROM {DATA}.manifest ORDER BY home").fetchall()
        return [(str(home), str(content)) for home, content in rows]

    def count_manifests(self) -> int:
        """The number of all workspaces."""
        with begin_transaction(self.pool) as session:
            row = session.raw.execute(f"SELECT count(*) FROM {DATA}.manifest").fetchone()
        return 0 if row is None else int(row[0])

    def list_manifests_without_slug(self) -> list[tuple[str, str]]:
        """The homes and manifests that were written by a version that had no slugs."""
        with begin_transaction(self.pool) as session:
            rows = session.raw.execute(f"SELECT home, content FROM {DATA}.manifest WHERE slug IS NULL").fetchall()
        return [(str(home), str(content)) for home, content in rows]

    def add_slug(self, home: str, slug: str) -> None:
        """Adds the name that the links of a workspace contain."""
        with begin_transaction(self.pool) as session:
            session.raw.execute(f"UPDATE {DATA}.manifest SET slug = %s WHERE home = %s", [slug, home])

    def add_manifest(self, home: str, content: str, slug: str) -> None:
        """Adds a workspace that this server owns. Raises Conflict if there is one."""
        with begin_as_member(self.pool) as session:
            inserted = session.raw.execute(
                f"INSERT INTO {DATA}.manifest (home, content, slug, owner) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                [home, content, slug, session.number],
            )
            if inserted.rowcount != 1:
                raise Conflict("There is a workspace with this API key already; delete it or choose another key")

    def replace_manifest(self, home: str, content: str) -> None:
        """Raises Conflict if this server owns no such workspace."""
        with begin_as_member(self.pool) as session:
            replaced = session.raw.execute(
                f"UPDATE {DATA}.manifest SET content = %s WHERE home = %s AND owner IS NOT DISTINCT FROM %s",
                [content, home, session.number],
            )
            if replaced.rowcount != 1:
                raise Conflict("This workspace was deleted in the meantime; create it again")

    def delete_manifest(self, home: str) -> str | None:
        """Deletes the manifest of a workspace that this server owns, and returns it; None if there was none."""
        with begin_as_member(self.pool) as session:
            rows = session.raw.execute(
                f"DELETE FROM {DATA}.manifest WHERE home = %s AND owner IS NOT DISTINCT FROM %s RETURNING content",
                [home, session.number],
            )
            row = rows.fetchone()
        return None if row is None else str(row[0])

    # Lives

    def open_life(self, name: str) -> PostgresDatabase | None:
        """The rows of a life, which its owner may change; None if it does not exist."""
        with begin_transaction(self.pool) as session:
            row = session.raw.execute(f"SELECT no, owner FROM {DATA}.life WHERE name = %s", [name]).fetchone()
        if row is None:
            return None
        no, owner = row
        return PostgresDatabase(self.pool, no, owner if owner == self.pool.number else None)

    def create_life(self, name: str) -> PostgresDatabase:
        """Creates a life without rows, which this server may change."""
        with begin_transaction(self.pool) as session:
            return PostgresDatabase(self.pool, _insert_life(session, name, session.number), session.number)

    def load_life(self, name: str, world: Database) -> PostgresDatabase:
        """Creates a life with a world of another database, without the records of one life."""
        with contextlib.closing(world.connect()) as source, begin_transaction(self.pool) as session:
            life = _insert_life(session, name, session.number)
            session.name_life(life)
            connection = PostgresConnection(self.pool, life, session.number, session)
            for table in list_tables():
                if table.name not in TABLES_OF_ONE_LIFE:
                    batches = source.pieces(f"SELECT {table.names} FROM {table.name}", {}, ROWS_SENT)
                    connection.insert_rows(table.name, table.columns, chain.from_iterable(batches))
            # Without statistics about the first world, joins are planned as if its tables were empty.
            session.raw.execute(build_analysis().encode(), prepare=False)
            return PostgresDatabase(self.pool, life, session.number)

    def copy_life(self, source: PostgresDatabase, names: Sequence[str]) -> list[PostgresDatabase]:
        """Creates lives with the world of another, as it is at one moment, without the records of one life. Raises
        NotFound if it was removed."""
        with begin_transaction(self.pool, "BEGIN ISOLATION LEVEL REPEATABLE READ") as session:
            query = f"SELECT 1 FROM {DATA}.life WHERE no = {source.life:d} AND NOT starts_with(name, '{REMOVED}')"
            if session.raw.execute(query.encode()).rowcount != 1:
                raise NotFound("The world to copy was removed in the meantime; send the request again")
            copies = [_insert_life(session, name, session.number) for name in names]
            script = "".join(build_copy(source.life, copy, without=TABLES_OF_ONE_LIFE) for copy in copies)
            session.raw.execute(script.encode(), prepare=False)
            return [PostgresDatabase(self.pool, copy, session.number) for copy in copies]

    def list_lives(self) -> list[str]:
        """The names of all lives, the oldest first."""
        with begin_transaction(self.pool) as session:
            rows = session.raw.execute(f"SELECT name FROM {DATA}.life ORDER BY no").fetchall()
        return [str(name) for (name,) in rows]

    def list_abandoned_lives(self) -> list[str]:
        """The names of the lives that no living server has created or claimed."""
        alive = f"SELECT 1 FROM {DATA}.replica r WHERE r.no = l.owner"
        with begin_transaction(self.pool) as session:
            rows = session.raw.execute(f"SELECT name FROM {DATA}.life l WHERE NOT EXISTS ({alive}) ORDER BY no")
            return [str(name) for (name,) in rows.fetchall()]

    def remove_life(self, name: str) -> None:
        """Removes a life with its rows and results. A reader that has opened a result can read it to its end. Does
        nothing if the life does not exist.

        It gets another name and no owner first, so that nobody opens or changes it, or waits for the removal of its
        rows. If that fails it is an abandoned life, which has to be removed by its new name."""
        abandon = f"UPDATE {DATA}.life SET name = %s || no, owner = NULL WHERE name = %s RETURNING no"
        with begin_transaction(self.pool) as session:
            row = session.raw.execute(abandon, [REMOVED, name]).fetchone()
        if row is None:
            return
        life = int(row[0])
        removal = (
            f"{build_removal(life)} {build_journal_removal(life)} {build_files_removal(life)}"
            f" DELETE FROM {DATA}.life WHERE no = {life:d}"
        )
        with begin_transaction(self.pool) as session:
            session.raw.execute(removal.encode(), prepare=False)
        with begin_transaction(self.pool) as session:
            session.raw.execute("; ".join(PURGES).encode(), prepare=False)


def _insert_life(session: Session, name: str, owner: int | None) -> int:
    """Raises Conflict if there is one of this name, once another server has created it."""
    insert = f"INSERT INTO {DATA}.life (name, owner) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING no"
    row = session.raw.execute(insert, [name, owner]).fetchone()
    if row is None:
        raise Conflict("Another server has created the same in the meantime; send the request again")
    return int(row[0])
