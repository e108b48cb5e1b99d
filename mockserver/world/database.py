"""The two SQL engines behind one set of calls: databases and connections to them.

SQL is written once, with `:name` parameters, in the part of the language that SQLite and PostgreSQL share.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import msgspec

from mockserver.errors import NotFound
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.record import R, Record, Row, columns

Values = Mapping[str, Any]
NO_VALUES: Values = {}
ALL_ROWS = 2**63 - 1
"""The LIMIT that is no limit, in both engines."""


class Source(NamedTuple):
    """Tables with aliases, for a query to select from; all of them are in world/queries/sources.py."""

    sql: str


def _find_hint(name: str) -> str:
    """The end of the error about a missing record, if the id that was sent is empty."""
    sent_empty = not name.rpartition(" ")[2].strip("'")
    return ": the id that was sent is empty; send the id of a record of this workspace" if sent_empty else ""


def _select_sql(source: Source | type[Record], names: str, clause: Clause, order: str) -> str:
    sql = f"SELECT {names} FROM {_source_sql(source)} WHERE {clause.sql}"
    return f"{sql} ORDER BY {order}" if order else sql


def _source_sql(source: Source | type[Record]) -> str:
    return source.sql if isinstance(source, Source) else source.TABLE


class Connection(ABC):
    """One open connection of either engine, used by one thread at a time."""

    @abstractmethod
    def run(self, sql: str, params: Values = NO_VALUES) -> int:
        """Executes a statement and returns the number of rows it changed."""

    @abstractmethod
    def run_many(self, sql: str, params: Sequence[Values]) -> None:
        """Executes a statement once for each set of parameters."""

    @abstractmethod
    def rows(self, sql: str, params: Values = NO_VALUES) -> list[Row]:
        """Executes a query and returns all rows."""

    @abstractmethod
    def pieces(self, sql: str, params: Values, size: int) -> Iterator[list[Row]]:
        """Executes a query and yields `size` rows at a time; other calls are allowed in between."""

    @abstractmethod
    def insert_rows(self, table: str, names: Sequence[str], rows: Iterable[Row]) -> None:
        """Inserts many rows into one table."""

    @abstractmethod
    def script(self, sql: str) -> None:
        """Executes several statements separated by semicolons."""

    @abstractmethod
    def begin(self, *, snapshot: bool = False) -> None:
        """Opens a transaction; a `snapshot` only reads, and sees the state in which it began."""

    @abstractmethod
    def commit(self) -> None: ...

    @abstractmethod
    def rollback(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def interrupt(self) -> None:
        """Ends the query that another thread executes on this connection: it fails there. Does nothing if there is
        none. Not called when the connection is being closed."""

    @abstractmethod
    def end_long_reads(self) -> None:
        """Lets long reads raise TakesLong in a thread that may only read shortly (world/short_reads.py)."""

    def close_deleted(self) -> None:
        """Closes the connection to a database that is being deleted."""
        self.close()

    def row(self, sql: str, params: Values = NO_VALUES) -> Row | None:
        """The first row, or None."""
        rows = self.rows(sql, params)
        return rows[0] if rows else None

    def value(self, sql: str, params: Values = NO_VALUES) -> Any:
        """The first column of the one row there must be."""
        row = self.row(sql, params)
        assert row is not None, f"a query for one value must give a row: {sql}"
        return row[0]

    def insert(self, records: Iterable[Record]) -> None:
        """Inserts records of any kinds, table by table, in the order in which the kinds first appear."""
        kinds: dict[type[Record], list[Record]] = {}
        for record in records:
            kinds.setdefault(type(record), []).append(record)
        for kind, alike in kinds.items():
            self.insert_rows(kind.TABLE, kind.__struct_fields__, map(msgspec.structs.astuple, alike))

    def select(
        self,
        kind: type[R],
        clause: Clause = EVERYTHING,
        *,
        order: str = "",
        skip: int = 0,
        first: int | None = None,
    ) -> list[R]:
        """The records that meet the clause. `order` is never a client's text."""
        sql = f"SELECT {columns(kind)} FROM {kind.TABLE} WHERE {clause.sql}"
        if order:
            sql += f" ORDER BY {order}"
        if first is not None or skip:
            sql += f" LIMIT {ALL_ROWS if first is None else min(first, ALL_ROWS)} OFFSET {min(skip, ALL_ROWS)}"
        return [kind.load(row) for row in self.rows(sql, clause.params)]

    def select_columns(
        self,
        source: Source | type[Record],
        names: str,
        clause: Clause = EVERYTHING,
        *,
        order: str = "",
        first: int | None = None,
    ) -> list[Row]:
        """The named columns of the rows that meet the clause. `names` and `order` are never a client's text."""
        limit = "" if first is None else f" LIMIT {first:d}"
        return self.rows(_select_sql(source, names, clause, order) + limit, clause.params)

    def select_batches(
        self, source: Source | type[Record], names: str, clause: Clause, *, order: str, size: int
    ) -> Iterator[list[Row]]:
        """The same columns, `size` rows at a time; other calls are allowed in between."""
        return self.pieces(_select_sql(source, names, clause, order), clause.params, size)

    def count_rows(self, source: Source | type[Record], clause: Clause) -> int:
        """The number of rows that meet the clause."""
        return int(self.value(f"SELECT count(*) FROM {_source_sql(source)} WHERE {clause.sql}", clause.params))

    def find(self, kind: type[R], clause: Clause) -> R | None:
        """The first record that meets the clause, or None."""
        records = self.select(kind, clause, first=1)
        return records[0] if records else None

    def one(self, kind: type[R], clause: Clause, name: str, *, error: Callable[[str], Exception] = NotFound) -> R:
        """The first record that meets the clause. Raises `error`, whose message says that `name` does not exist."""
        record = self.find(kind, clause)
        if record is None:
            raise error(f"{name} does not exist in this workspace{_find_hint(name)}")
        return record

    def one_by_id(self, kind: type[R], record_id: str, *, error: Callable[[str], Exception] = NotFound) -> R:
        """The record with this id that is not marked deleted. Raises `error`."""
        live = " AND NOT deleted" if "deleted" in kind.__struct_fields__ else ""
        return self.one(kind, Clause(f"id = :id{live}", id=record_id), f"{kind.noun()} {record_id!r}", error=error)

    def next_number(self, kind: type[Record]) -> int:
        """The number of the next row of a table with numbered rows, inside the transaction that will insert it."""
        return int(self.value(f"SELECT COALESCE(MAX(no), 0) + 1 FROM {kind.TABLE}"))

    def count(self, kind: type[Record], clause: Clause = EVERYTHING) -> int:
        """The number of records that meet the clause."""
        sql = f"SELECT count(*) FROM {kind.TABLE} WHERE {clause.sql}"
        return int(self.value(sql, clause.params))

    def update(self, kind: type[Record], clause: Clause, **values: Any) -> int:
        """Sets columns of all records that meet the clause, and returns how many there were."""
        assignments = ", ".join(f"{name} = :set_{name}" for name in values)
        params = {f"set_{name}": value for name, value in values.items()}
        sql = f"UPDATE {kind.TABLE} SET {assignments} WHERE {clause.sql}"
        return self.run(sql, params | clause.params)

    def delete(self, kind: type[Record], clause: Clause = EVERYTHING) -> int:
        """Removes records for good, and returns how many there were."""
        return self.run(f"DELETE FROM {kind.TABLE} WHERE {clause.sql}", clause.params)


class Database(ABC):
    """One workspace's database: where it is and how to open it."""

    IS_REMOTE: ClassVar[bool] = False
    """Whether statements wait for another process: then none is executed on the event loop, and every reader has a
    connection of its own."""

    @abstractmethod
    def connect(self) -> Connection: ...

    def connect_reader(self, _get_state: Callable[[], int | None]) -> Connection:
        """A connection for short reads. Results may be kept for other reads in the same state of the world, which is
        another one after every change; None if it is unknown."""
        return self.connect()

    @abstractmethod
    def create_tables(self, connection: Connection) -> None:
        """Creates the tables of the portable schema where they are missing."""

    @abstractmethod
    def create_indexes(self, connection: Connection) -> None:
        """Creates the indexes, when the tables have been filled."""
