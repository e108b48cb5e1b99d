"""Changes that create and update data rows, many in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from msgspec import UNSET

from mockserver.errors import MalformedRequest
from mockserver.world.change import Change
from mockserver.world.clause import Clause
from mockserver.world.new_rows import Content, KeyType, NewAttachment, NewVector, Refusal, RowSpec
from mockserver.world.record import JsonText, Record
from mockserver.world.records.data_rows import Attachment, DataRow, Dataset, EmbeddingVector
from mockserver.world.records.events import EventKind
from mockserver.world.records.imports import ImportRow, PreLabel
from mockserver.world.records.labels import Body, Label
from mockserver.world.records.models import Prediction
from mockserver.world.store import Store

Outcome = DataRow | Refusal


class ImportItem(NamedTuple):
    """One item of an import: the data row it describes, or why it describes none. `render` writes the item as the
    record of its refusal keeps it."""

    spec: RowSpec | Refusal
    render: Callable[[], JsonText]


class DataRowChanges:
    """The changes of one store's data rows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def upsert(self, specs: Sequence[RowSpec]) -> list[Outcome]:
        """Creates and updates data rows in one transaction, in their order. A row that is refused changes nothing and
        keeps no other back."""
        with self._store.change() as change:
            return Upsert(change, self._store.workspace.user_id).run(specs)

    def upsert_or_refuse(self, specs: Sequence[RowSpec]) -> list[DataRow]:
        """The same, but all of it or nothing. Raises MalformedRequest for the first row that is refused."""
        with self._store.change() as change:
            rows = []
            for outcome in Upsert(change, self._store.workspace.user_id).run(specs):
                if isinstance(outcome, Refusal):
                    raise MalformedRequest(outcome.message)
                rows.append(outcome)
            return rows

    def import_rows(self, task_no: int, first: int, items: Sequence[ImportItem]) -> None:
        """Creates and updates the rows of an import task from its position `first` on, and records what became of each,
        in one transaction."""
        with self._store.change() as change:
            specs = [item.spec for item in items if isinstance(item.spec, RowSpec)]
            outcomes = iter(Upsert(change, self._store.workspace.user_id).run(specs))
            records = []
            for position, item in enumerate(items, first):
                outcome = item.spec if isinstance(item.spec, Refusal) else next(outcomes)
                if isinstance(outcome, DataRow):
                    records.append(ImportRow(task_no, position, outcome.no, None, None))
                else:
                    records.append(ImportRow(task_no, position, None, outcome.message, item.render()))
            change.connection.insert(records)


class Upsert:
    """One transaction's worth of rows: what exists is read once, then the rows are taken one by one."""

    def __init__(self, change: Change, user_id: str) -> None:
        self._change, self._connection, self._user_id = change, change.connection, user_id
        self._by_id: dict[str, DataRow] = {}
        self._by_key: dict[str, DataRow] = {}
        self._created: set[int] = set()
        self._records: list[Record] = []

    def run(self, specs: Sequence[RowSpec]) -> list[Outcome]:
        self._read(specs)
        self._ids = iter(self._change.new_ids(len(specs))) if specs else iter(())
        self._number = self._change.number(DataRow)
        if any(spec.attachments for spec in specs):
            self._attachment_number = self._change.number(Attachment)
        if any(spec.vectors for spec in specs):
            self._body_number = self._change.body_id()
        outcomes = [self._take(spec) for spec in specs]
        self._flush()
        return outcomes

    def _flush(self) -> None:
        """Inserts what was created."""
        self._connection.insert(self._records)
        self._created, self._records = set(), []

    def _read(self, specs: Sequence[RowSpec]) -> None:
        keys = [spec.global_key for spec in specs if isinstance(spec.global_key, str)]
        keys += [spec.key for spec in specs if spec.key_type == KeyType.GLOBAL_KEY]
        row_ids = [spec.key for spec in specs if spec.key_type == KeyType.ID]
        for column, names in (("global_key", keys), ("id", row_ids)):
            if names:
                live = Clause(f"{column} IN :names AND NOT deleted", names=names)
                for row in self._connection.select(DataRow, live):
                    self._remember(row)
        dataset_ids = list({spec.dataset_id for spec in specs if spec.dataset_id is not None})
        datasets = self._connection.select(Dataset, Clause("id IN :ids AND NOT deleted", ids=dataset_ids))
        self._datasets = {dataset.id for dataset in datasets}

    def _remember(self, row: DataRow) -> None:
        self._by_id[row.id] = row
        if row.global_key is not None:
            self._by_key[row.global_key] = row

    def _take(self, spec: RowSpec) -> Outcome:
        if spec.key_type == KeyType.ID:
            row = self._by_id.get(spec.key)
            return Refusal(f"Data row not found: '{spec.key}'") if row is None else self._update(row, spec)
        row = self._by_key.get(spec.key) if spec.key_type == KeyType.GLOBAL_KEY else None
        return self._create(spec) if row is None else self._update(row, spec)

    # Creating

    def _create(self, spec: RowSpec) -> Outcome:
        content = spec.content
        key = spec.global_key or (spec.key if spec.key_type == KeyType.GLOBAL_KEY else None)
        if content is None:
            return Refusal("A new data row has no row_data; send a URL or the content")
        if spec.dataset_id not in self._datasets:
            return Refusal(f"Dataset not found: '{spec.dataset_id}'")
        if isinstance(key, str) and key in self._by_key:
            return Refusal(f"Duplicate global key: '{key}'")
        now = self._change.now
        row = DataRow(
            self._number, next(self._ids), spec.dataset_id or "", spec.external_id or None, key or None,
            content.media_type, content.row_data, content.asset, content.media_attributes, spec.metadata or _NOTHING,
            self._user_id, now, now, now, deleted=False,
        )  # fmt: skip
        self._number += 1
        self._created.add(row.no)
        self._records.append(row)
        self._remember(row)
        self._add_attachments(row.no, spec.attachments or ())
        self._add_vectors(row.no, spec.vectors or ())
        self._change.add_event(EventKind.DATA_ROW_CREATED, data_row=row.id)
        return row

    def _add_attachments(self, row: int, attachments: Sequence[NewAttachment]) -> None:
        for kind, value, name in attachments:
            attachment_id = self._change.new_id()
            self._records.append(Attachment(self._attachment_number, attachment_id, row, kind, value, None, name))
            self._attachment_number += 1

    def _add_vectors(self, row: int, vectors: Sequence[NewVector]) -> None:
        for embedding_id, vector in vectors:
            self._records.append(Body(self._body_number, vector, None))
            self._records.append(EmbeddingVector(row, embedding_id, self._body_number))
            self._body_number += 1

    # Updating

    def _update(self, row: DataRow, spec: RowSpec) -> Outcome:
        key = spec.global_key
        if isinstance(key, str) and key != row.global_key and key in self._by_key:
            return Refusal(f"Duplicate global key: '{key}'")
        columns = self._list_columns(row, spec)
        changed = DataRow(**({name: getattr(row, name) for name in DataRow.__struct_fields__} | columns))
        if row.global_key is not None:
            self._by_key.pop(row.global_key, None)
        self._remember(changed)
        if row.no in self._created:
            self._flush()
        self._connection.update(DataRow, Clause("no = :no", no=row.no), **columns)
        self._replace_lists(row.no, spec)
        self._change.add_event(EventKind.DATA_ROW_UPDATED, data_row=row.id)
        return changed

    def _list_columns(self, row: DataRow, spec: RowSpec) -> dict[str, Any]:
        columns: dict[str, Any] = {"updated_at": self._change.now, "last_activity_at": self._change.now}
        if spec.content is not None:
            columns |= {name: getattr(spec.content, name) for name in self._list_changed(row, spec.content)}
        if spec.external_id is not UNSET:
            columns["external_id"] = spec.external_id
        if spec.global_key is not UNSET:
            columns["global_key"] = spec.global_key
        if spec.metadata is not None:
            columns["metadata"] = spec.metadata
        return columns

    def _list_changed(self, row: DataRow, content: Content) -> tuple[str, ...]:
        """The fields of a new content that the row takes. An annotated row keeps its media type and what is known about
        its file, as its annotations are of that type (inferred)."""
        of_row = Clause("data_row_no = :no", no=row.no)
        is_other = content.media_type != row.media_type
        if is_other and any(self._connection.count(kind, of_row) for kind in (Label, PreLabel, Prediction)):
            return ("row_data", "asset")
        return content.__struct_fields__

    def _replace_lists(self, row: int, spec: RowSpec) -> None:
        if spec.attachments is not None:
            self._connection.delete(Attachment, Clause("data_row_no = :no", no=row))
            self._add_attachments(row, spec.attachments)
        for embedding_id, vector in spec.vectors or ():
            both = Clause("data_row_no = :no AND embedding_id = :id", no=row, id=embedding_id)
            self._connection.delete(EmbeddingVector, both)
            self._add_vectors(row, [NewVector(embedding_id, vector)])


_NOTHING = JsonText("{}")
