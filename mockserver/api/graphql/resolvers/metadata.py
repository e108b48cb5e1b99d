"""Metadata schemas and values, embeddings."""

from __future__ import annotations

from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import ENUM, DataRow, Embedding, MetadataSchema


class MetadataField(msgspec.Struct, frozen=True):
    schema_id: str
    value: Any
    name: str
    kind: str


class DataRowMetadata(msgspec.Struct, frozen=True):
    data_row_id: str
    global_key: str | None
    fields: list[MetadataField]


def add_to(fields: Fields) -> None:
    fields.add_attributes("MetadataSchema", MetadataSchema, "id name kind reserved")
    fields.add("MetadataSchema", "options", list_options)
    fields.add("Query", "customMetadataOntology", list_schemas)
    fields.add_attributes("MetadataField", MetadataField, "schemaId value name kind")
    fields.add("DataRow", "metadataFields", list_fields, few=True)
    fields.add("DataRow", "customMetadata", list_custom_fields, few=True)
    fields.add_attributes("DataRowMetadata", DataRowMetadata, "dataRowId globalKey fields")
    fields.add("Query", "dataRowCustomMetadata", list_data_row_metadata, long=True)
    fields.add_attributes("Embedding", Embedding, "id name", dims="dimensions", custom="is_custom")
    fields.add("Query", "embeddings", lambda _, call: call.select(Embedding, order="id"))


def list_schemas(_source: Any, call: Call) -> list[MetadataSchema]:
    """The schemas, which an SDK reads when it builds its first data row."""
    return call.select(MetadataSchema, Clause("parent_id IS NULL"), order="position, id")


def list_options(source: MetadataSchema, call: Call) -> list[MetadataSchema]:
    return call.select(MetadataSchema, Clause("parent_id = :id", id=source.id), order="position, id")


def list_fields(source: DataRow, call: Call) -> list[MetadataField]:
    """One entry for each field; that of an enum has the name of the chosen option as its value (SDK tests
    test_data_rows_upsert.py; its kind is inferred)."""
    schemas = call.get_metadata_schemas()
    entries = []
    for schema_id, content in source.metadata_values.items():
        schema = schemas[schema_id]
        value = schemas[str(content)].name if schema.kind == ENUM else content
        entries.append(MetadataField(schema.id, value, schema.name, schema.kind))
    return entries


def list_custom_fields(source: DataRow, call: Call) -> list[MetadataField]:
    return _list_custom_fields(call, source)


def _list_custom_fields(call: Call, row: DataRow) -> list[MetadataField]:
    """An enum is two entries, the schema and the chosen option, both with an empty value (SDK data_row_metadata.py)."""
    schemas = call.get_metadata_schemas()
    entries = []
    for schema_id, content in row.metadata_values.items():
        schema = schemas[schema_id]
        if schema.kind == ENUM:
            option = schemas[str(content)]
            entries += [MetadataField(item.id, {}, item.name, item.kind) for item in (schema, option)]
        else:
            entries.append(MetadataField(schema.id, content, schema.name, schema.kind))
    return entries


def list_data_row_metadata(_source: Any, call: Call, where: Any = None) -> list[DataRowMetadata]:
    """The metadata of data rows, by their ids, or since SDK 3.59 by ids or global keys."""
    search = where or {}
    identifiers = search.get("dataRowIdentifiers") or {"ids": search.get("dataRowIds") or [], "idType": "ID"}
    column = "global_key" if identifiers.get("idType") == "GKEY" else "id"
    rows = call.select(DataRow, Clause(f"{column} IN :ids AND NOT deleted", ids=identifiers.get("ids") or []))
    return [DataRowMetadata(row.id, row.global_key, _list_custom_fields(call, row)) for row in rows]
