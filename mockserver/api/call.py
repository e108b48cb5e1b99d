"""What a resolver knows of the request it works for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import msgspec

from mockserver.errors import NotFound, QueryTooComplex
from mockserver.exports.legacy.labels import Elements
from mockserver.workspaces.workspace import Workspace
from mockserver.world.data_rows import MetadataSchema
from mockserver.world.database import EVERYTHING, Clause, Connection, R, Record, where
from mockserver.world.store import Store

MOST_RECORDS = 50_000
"""In one answer. The largest page an SDK asks for, 500 data rows with their metadata, reads some 10,000."""


class Call(msgspec.Struct):
    """`base_url` is scheme and host of the URLs in the answer, without a slash at its end.

    What a document costs shows only while it is answered, so the records it reads are counted.
    """

    workspace: Workspace
    base_url: str
    records: int = 0
    _elements: Elements | None = None
    _schemas: dict[str, MetadataSchema] | None = None
    _own: Connection | None = None

    def legacy_label(self, label_id: str) -> dict[str, Any]:
        """The `Label` of Export V1. A document may ask for hundreds."""
        with self.reading() as connection:
            if self._elements is None:
                now = self.store.clock.now()
                self._elements = Elements(connection, links=self.workspace.links, host=self.base_url, now=now)
            self.records += 1
            label: dict[str, Any] = self._elements.one(label_id)["Label"]
            return label

    def metadata_schemas(self) -> dict[str, MetadataSchema]:
        """By id. A page of data rows asks for them with every row."""
        if self._schemas is None:
            self._schemas = {schema.id: schema for schema in self.select(MetadataSchema)}
        return self._schemas

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is read within comes from a snapshot, so that nobody waits for whoever reads much."""
        self._own = self.store.snapshot()
        try:
            yield
        finally:
            self._own.close()
            self._own = None

    @property
    def store(self) -> Store:
        return self.workspace.store

    def reading(self) -> AbstractContextManager[Connection]:
        return self.workspace.store.reading() if self._own is None else nullcontext(self._own)

    def select(self, kind: type[R], clause: Clause = EVERYTHING, **page: Any) -> list[R]:
        with self.reading() as connection:
            return self._counted(connection.select(kind, clause, **page))

    def find(self, kind: type[R], record_id: str | None) -> R | None:
        """By id; None for None."""
        if record_id is None:
            return None
        with self.reading() as connection:
            found = self._counted(connection.select(kind, where("id = :id", id=record_id)))
        return found[0] if found else None

    def _counted(self, records: list[R]) -> list[R]:
        """Raises QueryTooComplex when the document has read more than any client's does."""
        self.records += 1 + len(records)
        if self.records > MOST_RECORDS:
            raise QueryTooComplex(f"the document reads more than {MOST_RECORDS} records; ask for less, or for pages")
        return records

    def one(self, kind: type[R], clause: Clause, what: str) -> R:
        """The record that meets the clause. Raises NotFound saying `what` was looked for."""
        with self.reading() as connection:
            found = connection.find(kind, clause)
        if found is None:
            raise NotFound(f"{what} does not exist in this workspace")
        return found

    def count(self, kind: type[Record], clause: Clause) -> int:
        with self.reading() as connection:
            return connection.count(kind, clause)


def call_of(info: Any) -> Call:
    """The request a resolver works for."""
    call: Call = info.context
    return call
