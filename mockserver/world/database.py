"""The two SQL engines behind one set of calls: conditions, connections, records.

SQL is written once, with `:name` parameters, in the part of the language that SQLite and PostgreSQL share.
"""

from __future__ import annotations

import functools
import re
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, NewType, Self, TypeVar

import msgspec
import orjson

from mockserver.errors import NotFound

JsonText = NewType("JsonText", str)
"""A column that holds JSON, still as text."""


def encode_json(document: Any) -> JsonText:
    """Encodes a document for such a column."""
    return JsonText(orjson.dumps(document).decode())


Row = tuple[Any, ...]
Values = Mapping[str, Any]
NO_VALUES: Values = {}

PARAMETER = re.compile(r"(?<!:):([a-z_][a-z0-9_]*)")
ALL_ROWS = 2**63 - 1
"""The LIMIT that is no limit, in both engines."""
FEW = 100
"""Texts that are parameters of their own; more travel as one JSON list, since SQLite's time for parameters grows with
the square of their number."""


class Clause:
    """A condition and its parameters: `Clause("id = :id AND NOT deleted", id=record_id)`.

    A list or tuple becomes `(…)` in `x IN :names`; an empty one is a list that holds nothing. `a & b` holds where
    both hold, whatever their parameters are called.
    """

    __slots__ = ("params", "terms")

    def __init__(self, sql: str, /, **params: Any) -> None:
        for value in params.values():  # a generator would take as long as all the rest
            if isinstance(value, (list, tuple)):
                sql, params = _expand_lists(sql, params)
                break
        self.terms: tuple[str, ...] = (sql,)
        self.params = params

    @classmethod
    def from_terms(cls, terms: tuple[str, ...], params: dict[str, Any]) -> Clause:
        """The condition that all terms hold, whose lists are expanded already."""
        clause = cls.__new__(cls)
        clause.terms, clause.params = terms, params
        return clause

    @property
    def sql(self) -> str:
        """The terms as a balanced tree: SQLite takes an expression a thousand deep, and a chain is as deep as it is
        long."""
        if len(self.terms) == 1:
            return f"({self.terms[0]})"
        level = [f"({term})" for term in self.terms] or ["TRUE"]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=False)
            level = [f"({left} AND {right})" for left, right in pairs] + level[len(level) // 2 * 2 :]
        return level[0]

    @classmethod
    def all_of(cls, clauses: Iterable[Clause]) -> Clause:
        """The condition that holds where all of them hold, made in time that grows with their number."""
        terms: list[str] = []
        params: dict[str, Any] = {}
        for clause in clauses:
            renamed = clause._rename_apart(params)
            terms += renamed.terms
            params |= renamed.params
        return cls.from_terms(tuple(terms), params)

    def __and__(self, other: Clause) -> Clause:
        renamed = other._rename_apart(self.params)
        return Clause.from_terms(self.terms + renamed.terms, self.params | renamed.params)

    def _rename_apart(self, taken: dict[str, Any]) -> Clause:
        """The same condition with parameters whose names are not taken."""
        if taken.keys().isdisjoint(self.params):
            return self
        number = len(taken)
        while any(f"p{number}_{name}" in taken for name in self.params):
            number += 1
        prefix = f"p{number}_"
        terms = tuple(PARAMETER.sub(lambda match: f":{prefix}{match[1]}", term) for term in self.terms)
        return Clause.from_terms(terms, {prefix + name: value for name, value in self.params.items()})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clause) and (self.terms, self.params) == (other.terms, other.params)

    __hash__ = None  # type: ignore[assignment]  # Python's own way to say that it has no hash

    def __repr__(self) -> str:
        return f"Clause({self.sql!r}, {self.params!r})"


def _expand_lists(sql: str, params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The condition with a parameter for each item of a short list, and with one JSON text for each long one."""
    flat: dict[str, Any] = {}

    def expand(match: re.Match[str]) -> str:
        name = match[1]
        value = params[name]
        if not isinstance(value, (list, tuple)):
            flat[name] = value
            return match[0]
        if len(value) > FEW and all(isinstance(item, str) for item in value):
            flat[name] = msgspec.json.encode(value).decode()
            return f"(SELECT value FROM json_each(CAST(:{name} AS TEXT)))"
        flat.update({f"{name}_{index}": item for index, item in enumerate(value)})
        return "(" + (", ".join(f":{name}_{index}" for index in range(len(value))) or "NULL") + ")"

    return PARAMETER.sub(expand, sql), flat


EVERYTHING = Clause.from_terms((), {})
"""The condition that always holds."""


class Record(msgspec.Struct, frozen=True):
    """One row of a table; its fields are the table's columns, in their order."""

    TABLE: ClassVar[str]
    NOUN: ClassVar[str] = ""
    """The name of a record in messages, where it is not that of its class."""

    @classmethod
    def noun(cls) -> str:
        """`Data row` for DataRow."""
        return cls.NOUN or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cls.__name__).capitalize()

    @classmethod
    def load(cls, row: Row) -> Self:
        flags = bool_positions(cls)
        if not flags:
            return cls(*row)
        values = list(row)
        for position in flags:
            values[position] = bool(values[position])
        return cls(*values)


R = TypeVar("R", bound=Record)


@functools.cache
def bool_positions(kind: type[Record]) -> tuple[int, ...]:
    """The positions of columns that SQLite returns as 0 and 1."""
    hints = typing.get_type_hints(kind)
    return tuple(index for index, name in enumerate(kind.__struct_fields__) if hints[name] is bool)


@functools.cache
def columns(kind: type[Record], alias: str = "") -> str:
    """`a.id, a.name, …` in the record's order."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(prefix + name for name in kind.__struct_fields__)


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
