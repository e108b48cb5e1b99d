"""Creating, changing and deleting metadata schemas, values and embeddings (SDK data_row_metadata.py, client.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.errors import BadInput
from mockserver.imports.metadata import MetadataReader
from mockserver.imports.refusals import ItemRefused
from mockserver.world.changes.metadata import Option
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import DataRow, Embedding, MetadataSchema, MetadataValue

MISSING_FIELD = "Schema did not exist"
"""The service's words for a field that a data row does not have (SDK tests test_data_row_delete_metadata.py)."""
MOST_ROWS = 10_000
"""Data rows of one request. SDKs send 50."""


class SentField(msgspec.Struct, frozen=True):
    schema_id: str | None
    value: Any


class FailedMetadata(msgspec.Struct, frozen=True):
    """Fields of a data row that could not be changed."""

    data_row_id: str | None
    global_key: str | None
    error: str
    fields: list[SentField]


class RowIdentifier(msgspec.Struct, frozen=True):
    """A data row as a client names it: by its id, or by its global key."""

    data_row_id: str | None
    global_key: str | None


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "upsertCustomMetadataSchema", upsert_schema, long=True)
    fields.add("Mutation", "deleteCustomMetadataSchema", delete_schema, long=True)
    fields.add("Mutation", "upsertDataRowCustomMetadata", upsert_values, long=True)
    fields.add("Mutation", "deleteDataRowCustomMetadata", delete_values, long=True)
    fields.add_attributes("FailedMetadata", FailedMetadata, "dataRowId globalKey error fields")
    fields.add_attributes("SentMetadataValue", SentField, "schemaId value")
    fields.add("Mutation", "createEmbedding", create_embedding)
    fields.add("Mutation", "deleteEmbedding", delete_embedding, long=True)


def upsert_schema(_source: Any, call: Call, data: Mapping[str, Any]) -> MetadataSchema:
    """Creates a schema, or with an id changes one. An option that is not sent is deleted."""
    options = [Option(option.get("id"), option["name"]) for option in data.get("options") or []]
    metadata = call.workspace.metadata
    if data.get("id") is None:
        return metadata.create_schema(data["name"], data["kind"], options)
    return metadata.update_schema(data["id"], data["name"], data["kind"], options)


def delete_schema(_source: Any, call: Call, schema: Mapping[str, Any]) -> bool:
    call.workspace.metadata.delete_schema(read_id(schema, "deleteCustomMetadataSchema", "schema.id"))
    return True


def upsert_values(_source: Any, call: Call, data: list[Mapping[str, Any]]) -> list[FailedMetadata]:
    """Sets fields of data rows. Returns those that were refused (SDK data_row_metadata.py bulk_upsert)."""
    reader = MetadataReader(call.get_metadata_schemas().values())
    identifiers = [RowIdentifier(entry.get("dataRowId"), entry.get("globalKey")) for entry in data]
    rows = _find_rows(call, identifiers)
    failed: list[FailedMetadata] = []
    values: dict[str, dict[str, MetadataValue]] = {}
    for entry, identifier in zip(data, identifiers, strict=True):
        try:
            row = _get_row(rows, identifier)
            values[row.id] = values.get(row.id, {}) | reader.read([dict(field) for field in entry["fields"]])
        except ItemRefused as error:
            sent = [SentField(field.get("schemaId"), field.get("value")) for field in entry["fields"]]
            failed.append(FailedMetadata(identifier.data_row_id, identifier.global_key, str(error), sent))
    call.workspace.metadata.set_values(values)
    return failed


def delete_values(_source: Any, call: Call, **arguments: Any) -> list[FailedMetadata]:
    """Deletes fields of data rows: `data` up to SDK 3.52, later `dataRowIdentifiers`. Returns those that a row does not
    have (SDK tests test_data_row_delete_metadata.py), and the fields of unknown rows."""
    entries = [(RowIdentifier(entry["dataRowId"], None), entry) for entry in arguments.get("data") or []]
    entries += [
        (_read_identifier(entry["dataRowIdentifier"]), entry) for entry in arguments.get("dataRowIdentifiers") or []
    ]
    rows = _find_rows(call, [identifier for identifier, _ in entries])
    failed: list[FailedMetadata] = []
    deleted: dict[str, list[str]] = {}
    for identifier, entry in entries:
        missing, reason = entry["schemaIds"], MISSING_FIELD
        try:
            row = _get_row(rows, identifier)
            own = {name for pair in row.metadata_values.items() for name in pair}
            missing = [schema_id for schema_id in entry["schemaIds"] if schema_id not in own]
            deleted.setdefault(row.id, []).extend(entry["schemaIds"])
        except ItemRefused as error:
            reason = str(error)
        if missing:
            sent = [SentField(schema_id, None) for schema_id in missing]
            failed.append(FailedMetadata(identifier.data_row_id, identifier.global_key, reason, sent))
    call.workspace.metadata.delete_values(deleted)
    return failed


def _read_identifier(identifier: Mapping[str, Any]) -> RowIdentifier:
    is_key = identifier.get("idType") == "GKEY"
    return RowIdentifier(None, identifier["id"]) if is_key else RowIdentifier(identifier["id"], None)


def _find_rows(call: Call, identifiers: list[RowIdentifier]) -> dict[str | None, DataRow]:
    """The data rows by what names them. Raises BadInput for too many."""
    if len(identifiers) > MOST_ROWS:
        raise BadInput(f"Metadata of {len(identifiers):,} data rows; at most {MOST_ROWS:,} are changed by one request")
    ids = [identifier.data_row_id for identifier in identifiers if identifier.data_row_id is not None]
    keys = [identifier.global_key for identifier in identifiers if identifier.global_key is not None]
    by_id = call.select(DataRow, Clause("id IN :ids AND NOT deleted", ids=ids))
    by_key = call.select(DataRow, Clause("global_key IN :keys AND NOT deleted", keys=keys))
    return {row.id: row for row in by_id} | {row.global_key: row for row in by_key}


def _get_row(rows: Mapping[str | None, DataRow], identifier: RowIdentifier) -> DataRow:
    """Raises ItemRefused."""
    name = identifier.data_row_id if identifier.data_row_id is not None else identifier.global_key
    if name is None or name not in rows:
        raise ItemRefused(f"Data row not found: {name!r}")
    return rows[name]


# Embeddings


def create_embedding(_source: Any, call: Call, data: Mapping[str, Any]) -> Embedding:
    return call.workspace.embeddings.create(data["name"], data["dims"])


def delete_embedding(_source: Any, call: Call, data: Mapping[str, Any]) -> bool:
    call.workspace.embeddings.delete(data["id"])
    return True
