"""One workspace's rows in PostgreSQL, behind the same calls as a SQLite file."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

import psycopg

from mockserver.errors import BadInput, Conflict, ResourceFailed
from mockserver.world.database import NO_VALUES, Connection, Database, Values
from mockserver.world.postgres.failures import commit, name_failures
from mockserver.world.postgres.kept_reads import build_key
from mockserver.world.postgres.pool import Pool, Session
from mockserver.world.postgres.statements import LONG, translate
from mockserver.world.postgres.tables import DATA, REMOVED
from mockserver.world.record import Row

SNAPSHOT = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1 FROM workspace"
"""A snapshot is taken by the first statement of its transaction."""
NUL = "\x01\uffff"
"""Characters that no client sends, in the place of NUL."""
CANCEL_SECONDS = 5.0
"""Seconds that ending a query may take."""
_CURSORS = itertools.count()

T = TypeVar("T")


def replace_nul(params: Values) -> dict[str, Any]:
    """The parameters of a query with a stand-in for NUL, which no text in PostgreSQL has: so none is found, as in a
    state folder where none is kept. Lists of texts are JSON, in which NUL is escaped."""
    return {
        name: value.replace("\0", NUL).replace("\\u0000", "\\u0001\\uffff") if isinstance(value, str) else value
        for name, value in params.items()
    }


class PostgresConnection(Connection):
    """The connection of one user. It borrows a connection of the pool for each statement, or for a transaction."""

    def __init__(
        self,
        pool: Pool,
        life: int,
        owner: int | None,
        session: Session | None = None,
        get_state: Callable[[], int | None] | None = None,
    ) -> None:
        """`owner` is the number of the server that may change the life. `session` has an open transaction, which the
        caller ends. `get_state` names the state of the world if results may be kept."""
        self._pool, self._life, self._owner = pool, life, owner
        self._session, self._get_state = session, get_state
        """The connection of the open transaction."""
        self._is_snapshot = False

    def run(self, sql: str, params: Values = NO_VALUES) -> int:
        return self._execute(sql, params).rowcount

    def rows(self, sql: str, params: Values = NO_VALUES) -> list[Row]:
        state = self._find_state()
        key = None if state is None else build_key(self._life, sql, params)
        if state is None or key is None:
            return self._query(sql, params)
        rows = self._pool.reads.find(key, state)
        if rows is None:
            rows = self._query(sql, params)
            self._pool.reads.keep(key, state, rows)
        return rows

    def _find_state(self) -> int | None:
        """The state of the world whose results may be kept; None if none may. Raises ResourceFailed."""
        if self._get_state is None or self._session is not None or not self._pool.is_confirmed():
            return None
        self._pool.check_thread()
        self._check_owner()
        if self._pool.lost is not None:
            raise ResourceFailed(self._pool.lost)
        return self._get_state()

    def _query(self, sql: str, params: Values) -> list[Row]:
        try:
            return self._execute(sql, params).fetchall()
        except BadInput:
            if not self._may_query_again(sql):
                raise
        return self._execute(sql, replace_nul(params)).fetchall()

    def _may_query_again(self, sql: str) -> bool:
        """Whether a statement that was refused for a NUL is a query, and the open transaction can go on."""
        session = self._session
        return sql.startswith("SELECT") and (session is None or not session.has_failed)

    def _execute(self, sql: str, params: Values) -> psycopg.Cursor[Any]:
        """Executes a statement; on a borrowed connection, if no transaction is open."""
        session = self._session
        if session is not None:
            with name_failures(self._pool.place):
                return _execute(session, sql, params)
        return self._execute_alone(sql, params)

    def _execute_alone(self, sql: str, params: Values) -> psycopg.Cursor[Any]:
        """Changes are made in transactions, so this is a query."""
        session, cursor = self._begin_on_lent(lambda session: _execute(session, sql, params))
        self._pool.give_back(session)
        return cursor

    def _begin_on_lent(self, work: Callable[[Session], T], *, for_snapshot: bool = False) -> tuple[Session, T]:
        """Borrows a connection and does the first work on it; again on a new one if it broke while it was idle."""
        try:
            return self._try_on_lent(work, for_snapshot=for_snapshot)
        except ResourceFailed:
            if self._pool.lost is not None:
                raise
            self._pool.drop_idle()
            return self._try_on_lent(work, for_snapshot=for_snapshot)

    def _try_on_lent(self, work: Callable[[Session], T], *, for_snapshot: bool) -> tuple[Session, T]:
        self._check_owner()
        session = self._pool.lend(self._life, for_snapshot=for_snapshot)
        try:
            with name_failures(self._pool.place):
                return session, work(session)
        except BaseException:
            self._pool.give_back(session, for_snapshot=for_snapshot)
            raise

    def _check_owner(self) -> None:
        if self._owner not in (None, self._pool.number):
            raise build_taken_over(self._pool)

    def run_many(self, sql: str, params: Sequence[Values]) -> None:
        with name_failures(self._pool.place), self._get_session().raw.cursor() as cursor:
            cursor.executemany(translate(sql), params)

    def pieces(self, sql: str, params: Values, size: int) -> Iterator[list[Row]]:
        if self._session is None:
            with contextlib.closing(PostgresConnection(self._pool, self._life, self._owner)) as own:
                own.begin(snapshot=True)
                yield from own.pieces(sql, params, size)
            return
        # A named cursor stays on the server: memory stays flat.
        name = f"pieces_{next(_CURSORS)}"
        with name_failures(self._pool.place), self._get_session().raw.cursor(name=name) as cursor:
            try:
                cursor.execute(translate(sql), params, binary=True)
            except psycopg.DataError as error:
                if "NUL" not in str(error):
                    raise
                cursor.execute(translate(sql), replace_nul(params), binary=True)
            while piece := cursor.fetchmany(size):
                yield piece

    def insert_rows(self, table: str, names: Sequence[str], rows: Iterable[Row]) -> None:
        statement = f"COPY {DATA}.{table} ({', '.join(names)}) FROM STDIN".encode()
        raw = self._get_session().raw
        with name_failures(self._pool.place), raw.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def script(self, sql: str) -> None:
        with name_failures(self._pool.place):
            self._get_session().raw.execute(sql.encode(), prepare=False)

    def begin(self, *, snapshot: bool = False) -> None:
        begin = _begin_snapshot if snapshot else self._begin_change
        self._session, _ = self._begin_on_lent(begin, for_snapshot=snapshot)
        self._is_snapshot = snapshot

    def _begin_change(self, session: Session) -> None:
        """Changes of one life take turns, as they number what they insert. A server that takes over the life names
        itself in its row, and so waits for a change that has passed this check."""
        life = (
            f"SELECT owner, starts_with(name, '{REMOVED}') FROM {DATA}.life WHERE no = {self._life:d} FOR NO KEY UPDATE"
        )
        begun = session.raw.execute(f"BEGIN; {life}".encode(), prepare=False)
        begun.nextset()
        row = begun.fetchone()
        if row is None or row[1]:
            raise Conflict("This workspace was reset or deleted in the meantime; send the request again")
        if row[0] != self._owner:
            raise build_taken_over(self._pool)

    def _get_session(self) -> Session:
        assert self._session is not None, "rows are written within a transaction"
        return self._session

    def commit(self) -> None:
        try:
            commit(self._get_session().raw, self._pool.place)
        finally:
            self._give_back()

    def rollback(self) -> None:
        session = self._session
        if session is None:
            return
        try:
            if session.is_usable:
                with name_failures(self._pool.place):
                    session.raw.execute(b"ROLLBACK", prepare=False)
        finally:
            self._give_back()

    def _give_back(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._pool.give_back(session, for_snapshot=self._is_snapshot)

    def end_long_reads(self) -> None:
        """Does nothing: no event loop waits for this database."""

    def interrupt(self) -> None:
        session = self._session
        if session is not None:
            with contextlib.suppress(psycopg.Error):  # a lost database has ended it
                session.raw.cancel_safe(timeout=CANCEL_SECONDS)

    def close(self) -> None:
        with contextlib.suppress(ResourceFailed):  # a lost database has rolled back by itself
            self.rollback()


class PostgresDatabase(Database):
    """The rows of one life. Reads borrow connections of the pool, so any number of threads may read."""

    IS_REMOTE: ClassVar[bool] = True

    def __init__(self, pool: Pool, life: int, owner: int | None) -> None:
        """`owner` is the number of the server that may change the life."""
        self.pool, self.life, self.owner = pool, life, owner

    def connect(self) -> PostgresConnection:
        return PostgresConnection(self.pool, self.life, self.owner)

    def connect_reader(self, get_state: Callable[[], int | None]) -> PostgresConnection:
        is_owner = self.owner is not None
        return PostgresConnection(self.pool, self.life, self.owner, get_state=get_state if is_owner else None)

    def create_tables(self, connection: Connection) -> None:
        """The tables are those of all lives."""

    def create_indexes(self, connection: Connection) -> None:
        """The indexes are those of all lives."""


def build_taken_over(pool: Pool) -> ResourceFailed:
    """The error of a change by a server that no longer owns the workspace."""
    return ResourceFailed(f"Another server of the {pool.place} has taken over this workspace; send the request again")


def _execute(session: Session, sql: str, params: Values) -> psycopg.Cursor[Any]:
    return session.raw.execute(translate(sql), params, binary=True, prepare=False if len(sql) > LONG else None)


def _begin_snapshot(session: Session) -> None:
    session.raw.execute(SNAPSHOT, prepare=False)
