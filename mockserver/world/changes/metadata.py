"""Changes of metadata: the schemas of the organization, and the values of data rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from mockserver.errors import BadInput, Conflict, MalformedRequest, NotAllowed
from mockserver.world.change import Change
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import ENUM, DataRow, MetadataSchema, MetadataValue, encode_metadata
from mockserver.world.records.events import EventKind
from mockserver.world.store import Store

KINDS = ("CustomMetadataNumber", "CustomMetadataDateTime", "CustomMetadataEnum", "CustomMetadataString")
"""The kinds of schemas that can be created (SDK data_row_metadata.py DataRowMetadataKind, but for embeddings)."""
OPTION = "CustomMetadataEnumOption"
LONGEST_NAME = 100
"""Characters (SDK data_row_metadata.py)."""
MOST_SCHEMAS, MOST_OPTIONS = 500, 1_000


Values = dict[str, MetadataValue]


class Option(NamedTuple):
    """An option of an enum; without an id it is new."""

    id: str | None
    name: str


class MetadataChanges:
    """The changes of one store's metadata."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Schemas

    def create_schema(self, name: str, kind: str, options: Sequence[Option]) -> MetadataSchema:
        """Raises BadInput, Conflict, and MalformedRequest when there is a schema of this name."""
        with self._store.change() as change:
            _check_schema(name, kind, options)
            _check_unique_name(change, name)
            position = change.connection.count(MetadataSchema, Clause("parent_id IS NULL"))
            if position >= MOST_SCHEMAS:
                raise Conflict(f"There are {position:,} metadata schemas; at most {MOST_SCHEMAS:,} can be created")
            schema = MetadataSchema(change.new_id(), position, None, name, kind, reserved=False)
            change.connection.insert([schema])
            _write_options(change, schema, options)
            change.add_event(EventKind.SCHEMA_UPDATED, id=schema.id)
            return schema

    def update_schema(self, schema_id: str, name: str, kind: str, options: Sequence[Option]) -> MetadataSchema:
        """Renames a schema and its options; options that are not named are deleted. Raises NotFound, NotAllowed,
        BadInput, MalformedRequest."""
        with self._store.change() as change:
            schema = _find_own(change, schema_id)
            _check_schema(name, kind, options)
            if kind != schema.kind:
                raise BadInput(
                    f"Metadata schema {schema_id!r} is of the kind {schema.kind}, which cannot become {kind}"
                )
            if name != schema.name:
                _check_unique_name(change, name)
            change.connection.update(MetadataSchema, Clause("id = :id", id=schema_id), name=name)
            _write_options(change, schema, options)
            change.add_event(EventKind.SCHEMA_UPDATED, id=schema.id)
            return change.one(MetadataSchema, schema_id)

    def delete_schema(self, schema_id: str) -> None:
        """Deletes a schema with the values of all data rows. Raises NotFound, and NotAllowed for a reserved one."""
        with self._store.change() as change:
            schema = _find_own(change, schema_id)
            _remove_values(change, schema.id, lambda values: {k: v for k, v in values.items() if k != schema.id})
            change.connection.delete(MetadataSchema, Clause("id = :id OR parent_id = :id", id=schema.id))
            change.add_event(EventKind.SCHEMA_UPDATED, id=schema.id)

    # Values

    def set_values(self, values: Mapping[str, Mapping[str, MetadataValue]]) -> None:
        """Sets fields of data rows by their ids; other fields stay. Raises NotFound."""
        with self._store.change() as change:
            for row_id, fields in values.items():
                row = change.one(DataRow, row_id)
                _write_values(change, row, row.metadata_values | dict(fields))

    def delete_values(self, schema_ids: Mapping[str, Iterable[str]]) -> None:
        """Deletes fields of data rows by their ids; an option of an enum names the enum. Raises NotFound."""
        with self._store.change() as change:
            for row_id, deleted in schema_ids.items():
                row, names = change.one(DataRow, row_id), set(deleted)
                remaining = {k: v for k, v in row.metadata_values.items() if k not in names and v not in names}
                _write_values(change, row, remaining)


def _find_own(change: Change, schema_id: str) -> MetadataSchema:
    schema = change.one(MetadataSchema, schema_id)
    if schema.reserved or schema.parent_id is not None:
        raise NotAllowed(
            f"Metadata schema {schema.name!r} is reserved or an option; only schemas of your own can be changed"
        )
    return schema


def _check_schema(name: str, kind: str, options: Sequence[Option]) -> None:
    names = [name, *(option.name for option in options)]
    if wrong := [text for text in names if not 1 <= len(text) <= LONGEST_NAME or "\0" in text]:
        raise BadInput(
            f"A metadata schema has the name {wrong[0][:LONGEST_NAME]!r}; expected 1 to {LONGEST_NAME} characters, none"
            " of them NUL"
        )
    if kind not in KINDS:
        raise BadInput(f"A metadata schema has the kind {kind!r}; expected one of {', '.join(KINDS)}")
    if options and kind != ENUM:
        raise BadInput(f"A metadata schema of the kind {kind} was sent with options; only {ENUM} has some")
    if len(options) > MOST_OPTIONS or len({option.name for option in options}) < len(options):
        raise BadInput(f"The options of {name!r} must be at most {MOST_OPTIONS:,}, each with a name of its own")


def _check_unique_name(change: Change, name: str) -> None:
    """Raises MalformedRequest (SDK tests test_data_row_metadata.py, fixture mdo)."""
    if change.connection.count(MetadataSchema, Clause("parent_id IS NULL AND name = :name", name=name)):
        raise MalformedRequest(f"There is a metadata schema {name!r} already; give the new one another name")


def _write_options(change: Change, schema: MetadataSchema, options: Sequence[Option]) -> None:
    """Makes these the options of an enum."""
    known = change.connection.select(MetadataSchema, Clause("parent_id = :id", id=schema.id))
    remaining = {option.id for option in options if option.id is not None}
    for unknown in sorted(remaining - {option.id for option in known}):
        raise BadInput(
            f"{unknown!r} is no option of the metadata schema {schema.name!r}; leave out the id of a new one"
        )
    gone = {option.id for option in known} - remaining
    if gone:
        _remove_values(change, schema.id, lambda values: {k: v for k, v in values.items() if v not in gone})
    change.connection.delete(MetadataSchema, Clause("parent_id = :id", id=schema.id))
    change.connection.insert(
        MetadataSchema(option.id or change.new_id(), position, schema.id, option.name, OPTION, reserved=False)
        for position, option in enumerate(options)
    )


def _remove_values(change: Change, schema_id: str, keep: Callable[[Values], Values]) -> None:
    """Changes the values of every data row that has one of this schema."""
    having = Clause("metadata LIKE :pattern", pattern=f'%"{schema_id}"%')
    rows = change.connection.select_columns(DataRow, "no, metadata", having)
    for number, text in rows:
        metadata = encode_metadata(keep(orjson.loads(text)))
        change.connection.update(DataRow, Clause("no = :no", no=number), metadata=metadata)


def _write_values(change: Change, row: DataRow, values: Values) -> None:
    change.connection.update(DataRow, Clause("no = :no", no=row.no), metadata=encode_metadata(values))
    change.touch(row.no)
    change.add_event(EventKind.METADATA_UPDATED, data_row=row.id)
