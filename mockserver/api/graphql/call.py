"""A call: the request that resolvers answer, with its workspace, and how they read records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

import msgspec

from mockserver.api.graphql.filters import build_condition, build_unique_condition
from mockserver.api.graphql.pages import Window
from mockserver.errors import QueryTooComplex
from mockserver.jobs.turns import TurnLock
from mockserver.workspaces.workspace import Workspace
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.database import Connection
from mockserver.world.progression import AT_ONCE
from mockserver.world.queries.conditions import LIVE
from mockserver.world.record import R, Record
from mockserver.world.records.data_rows import MetadataSchema
from mockserver.world.records.tasks import Task, TaskStatus
from mockserver.world.short_reads import TakesLong
from mockserver.world.store import Store

if TYPE_CHECKING:
    from mockserver.exports.legacy.labels import LabelElements

MOST_RECORDS = 20_000
"""Records that one answer may read. The largest page of an SDK, 500 data rows with metadata, reads some 10,000."""
RECORDS_ON_LOOP = 1_000
"""Records that a query reads on the event loop before it begins again in a thread; some 20 ms."""
LEGACY_LABEL = 5
"""Records that the Export V1 form of a label counts for."""
MOST_TEXT_OF_ANSWER = 16 * 1024 * 1024
"""Characters of the long texts and JSON documents of one answer. A page of 100 labels in their Export V1 form has some
100,000, and ten million in the worst case."""
LARGE_ANSWER = 64 * 1024
"""Characters of long texts. An answer that has more is encoded in a thread."""

READ_TOGETHER = 100
"""Records of a list."""

T = TypeVar("T")
ReadValues = Callable[[Connection, list[str]], dict[str, T]]
"""Reads a value for each of the records with these ids."""


class Call(msgspec.Struct):
    """`base_url` is scheme and host of the URLs in the answer, without a slash at its end.

    What a document costs shows only while it is answered, so the records it reads are counted.
    """

    workspace: Workspace
    base_url: str
    records: int = 0
    answered: int = 0
    """Fields that graphql-core has answered; 1 or more where a document changes something."""
    characters: int = 0
    """Characters of long texts and JSON documents in the answer so far."""
    on_loop: bool = False
    """While it is true, reads raise TakesLong when they are so many that others wait."""
    _elements: LabelElements | None = None
    _schemas: dict[str, MetadataSchema] | None = None
    _own: Connection | None = None
    _neighbours: dict[str, list[str]] = {}
    """Record id -> ids of the records whose values are read together with its own."""
    _values: dict[tuple[Callable[..., Any], str], Any] = {}
    _polls: dict[str, Any] = {}

    def poll(self, name: str, count: Callable[[], T]) -> T:
        """The result of a poll of the thing that `name` names. One request polls it once, even if its document names it
        twice, or is answered again from its beginning in a thread.

        Raises TakesLong on the event loop while a long change holds the store, because a poll is a change, too.
        """
        if name not in self._polls:
            with self.store.hold_still() as free:
                if free is None and self.on_loop:
                    raise TakesLong
                self._polls[name] = count()
        result: T = self._polls[name]
        return result

    def poll_task(self, record: Task) -> Task:
        """The task as a poll sees it."""
        exports = self.workspace.exports
        seen = exports.view(record)
        is_delayed = record.pace != AT_ONCE and seen.status == TaskStatus.IN_PROGRESS
        if not is_delayed and record.id not in self._polls:
            return seen
        return self.poll(record.id, lambda: exports.poll(record))

    def is_processed(self, name: str, *, since: int | None = None) -> bool:
        """Polls the processing that `name` names, which without `since` began when it was first polled."""
        pace = self.workspace.settings.progression.processing
        if pace == "at_once":
            return True
        return self.poll(name, lambda: self.workspace.processing.poll(name, pace, since=since))

    def read_together(self, ids: list[str]) -> None:
        """Lets `value_of` one of these records read the values of its neighbours in the list too.

        Not in a document that may change what was read before.
        """
        if not self.answered:
            for first in range(0, len(ids), READ_TOGETHER):
                together = ids[first : first + READ_TOGETHER]
                self._neighbours.update(dict.fromkeys(together, together))

    def value_of(self, record_id: str, read: ReadValues[T]) -> T:
        """The value that `read` gives for one record."""
        if (read, record_id) not in self._values:
            ids = self._neighbours.get(record_id) or [record_id]
            self._count(len(ids))
            with self._connect() as connection:
                values = read(connection, ids)
            if ids == [record_id]:
                return values[record_id]
            self._values.update({(read, key): value for key, value in values.items()})
        value: T = self._values[read, record_id]
        return value

    def build_legacy_label(self, label_id: str) -> dict[str, Any]:
        """The `Label` of Export V1. A document may ask for hundreds."""
        with self._connect() as connection:
            label: dict[str, Any] = self._load_elements(connection).one(label_id)["Label"]
            return label

    def build_legacy_body(self, label_id: str, body_id: int) -> dict[str, Any]:
        """The `Label` of Export V1 of an earlier body of a label."""
        with self._connect() as connection:
            return self._load_elements(connection).build_version(label_id, body_id)

    def _load_elements(self, connection: Connection) -> LabelElements:
        """The elements of labels, whose common facts are read once for an answer."""
        from mockserver.exports.legacy.labels import LabelElements  # noqa: PLC0415  few documents request labels

        if self._elements is None:
            now, links = self.store.clock.now(), self.workspace.links
            self._elements = LabelElements(connection, links=links, host=self.base_url, now=now, copies=True)
        self._count(LEGACY_LABEL)
        return self._elements

    def forget_legacy_labels(self) -> None:
        """Reads labels again the next time, after one was changed."""
        self._elements = None

    def count_text(self, characters: int) -> None:
        """Counts a long text or JSON document of the answer. Raises QueryTooComplex when there are too many."""
        self.characters += characters
        if self.characters > MOST_TEXT_OF_ANSWER:
            raise QueryTooComplex(
                f"the answer has more than {MOST_TEXT_OF_ANSWER:,} characters of texts; request fewer fields or pages"
            )

    @property
    def is_large(self) -> bool:
        """Whether encoding the answer as JSON would keep other requests waiting."""
        return self.characters > LARGE_ANSWER or self.records > RECORDS_ON_LOOP

    def get_metadata_schemas(self) -> dict[str, MetadataSchema]:
        """The schemas by id, read once for an answer: each data row of a page needs them."""
        if self._schemas is None:
            self._schemas = {schema.id: schema for schema in self.select(MetadataSchema)}
        return self._schemas

    @contextmanager
    def use_snapshot(self) -> Iterator[None]:
        """Reads from a snapshot inside this context, so that no other request waits for many reads."""
        self.records = self.characters = 0
        self._elements = self._schemas = None
        self._neighbours, self._values = {}, {}
        self._own = self.store.snapshot()
        try:
            yield
        finally:
            self._own.close()
            self._own = None

    @property
    def store(self) -> Store:
        return self.workspace.store

    @property
    def long_reads(self) -> TurnLock:
        return self.workspace.long_reads

    def read(self) -> AbstractContextManager[Connection]:
        """A connection for other reads than those below. Counts one record. Raises QueryTooComplex, TakesLong."""
        self._count(1)
        return self._connect()

    def _connect(self) -> AbstractContextManager[Connection]:
        return self.workspace.store.reading() if self._own is None else nullcontext(self._own)

    def select(self, kind: type[R], clause: Clause = EVERYTHING, **page: Any) -> list[R]:
        with self._connect() as connection:
            return self._count_records(connection.select(kind, clause, **page))

    def search(
        self,
        kind: type[R],
        where: Mapping[str, Any] | None,
        within: Clause = EVERYTHING,
        *,
        order: str,
        **window: Unpack[Window],
    ) -> list[R]:
        """The records that fit the search `where` and the clause, without deleted ones unless `where` names them."""
        return self.select(kind, build_condition(kind, where) & within, order=order, **window)

    def find(self, kind: type[R], record_id: str | None) -> R | None:
        """The record with this id, deleted or not; None if there is none or the id is None."""
        if record_id is None:
            return None
        with self._connect() as connection:
            records = self._count_records(connection.select(kind, Clause("id = :id", id=record_id)))
        return records[0] if records else None

    def _count_records(self, records: list[R]) -> list[R]:
        self._count(1 + len(records))
        return records

    def _count(self, records: int) -> None:
        """Counts records that were read. Raises QueryTooComplex when they are more than any client reads, and on the
        event loop TakesLong when they are so many that other requests wait."""
        self.records += records
        if self.on_loop and self.records > RECORDS_ON_LOOP:
            raise TakesLong
        if self.records > MOST_RECORDS:
            raise QueryTooComplex(
                f"the document reads more than {MOST_RECORDS} records; request fewer fields, or pages"
            )

    def one(self, kind: type[R], clause: Clause, what: str) -> R:
        """The record that meets the clause. Raises NotFound, whose message says that `what` does not exist."""
        self._count(1)
        with self._connect() as connection:
            return connection.one(kind, clause, what)

    def get(self, kind: type[R], record_id: str | None, name: str | None = None) -> R:
        """The record with this id, unless it is deleted. Raises NotFound, whose message calls the record by `name`."""
        live = LIVE if "deleted" in kind.__struct_fields__ else EVERYTHING
        return self.one(kind, Clause("id = :id", id=record_id) & live, f"{name or kind.__name__} {record_id!r}")

    def get_unique(
        self, kind: type[R], where: Mapping[str, Any], name: str | None = None, within: Clause = EVERYTHING
    ) -> R:
        """The record that the argument `where` of a field for one record names. Raises NotFound, BadInput."""
        sent = where["id"] if where.get("id") is not None else dict(where)
        what = f"{name or kind.__name__} {sent!r}"
        return self.one(kind, build_unique_condition(kind, where) & within, what)

    def count(self, kind: type[Record], clause: Clause) -> int:
        self._count(1)
        with self._connect() as connection:
            return connection.count(kind, clause)
