"""Metadata as clients send it: a list of fields, checked against the schemas of the organization."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from typing import Any

from mockserver.errors import nearest
from mockserver.imports.refusals import ItemRefused
from mockserver.world.records.data_rows import ENUM, MetadataSchema, MetadataValue

OPTION = "CustomMetadataEnumOption"
MOST_TEXT = 4_096
"""Characters of a text (inferred)."""


class MetadataReader:
    """Reads the fields of data rows."""

    def __init__(self, schemas: Iterable[MetadataSchema]) -> None:
        self._by_id = {schema.id: schema for schema in schemas}
        self._by_name = {schema.name: schema for schema in self._by_id.values() if schema.parent_id is None}
        self._options: dict[str, dict[str, str]] = {}
        for schema in self._by_id.values():
            if schema.parent_id is not None:
                options = self._options.setdefault(schema.parent_id, {})
                options |= {schema.name: schema.id, schema.id: schema.id}

    def read(self, fields: Any) -> dict[str, MetadataValue]:
        """The values by schema id. An enum is sent as two fields, the schema and the chosen option, both with an empty
        value (SDK data_row_metadata.py), or as one whose value is the option. Raises ItemRefused."""
        if not isinstance(fields, list):
            raise ItemRefused(f"metadata_fields is {str(fields)[:100]!r}; expected a list of fields")
        values: dict[str, MetadataValue | None] = {}
        for field in fields:
            schema, value = self.find(field), field.get("value")
            if schema.kind == OPTION and schema.parent_id is not None:
                if values.get(schema.parent_id) is not None:
                    raise _build_repeated(schema.parent_id)
                values[schema.parent_id] = schema.id
                continue
            if schema.id in values and not (schema.kind == ENUM and value == {}):
                raise _build_repeated(schema.id)
            if schema.kind == ENUM and value == {}:
                values.setdefault(schema.id, None)
            else:
                values[schema.id] = self._read_value(schema, value)
        for schema_id, value in values.items():
            if value is None:
                raise ItemRefused(f"The metadata field {schema_id!r} is an enum without an option; send its option too")
        return {schema_id: value for schema_id, value in values.items() if value is not None}

    def find(self, field: Any) -> MetadataSchema:
        """The schema of a field, by id or by name. Raises ItemRefused."""
        if not isinstance(field, dict):
            raise ItemRefused(f"A metadata field is {str(field)[:100]!r}; expected an object with schemaId and value")
        schema_id = field.get("schemaId") or field.get("schema_id")
        if schema_id is not None:
            schema = self._by_id.get(str(schema_id))
            what = f"schemaId {str(schema_id)[:100]!r}"
        else:
            schema = self._by_name.get(str(field.get("name")))
            what = f"name {str(field.get('name'))[:100]!r}"
        if schema is None:
            near = ", ".join(nearest(str(field.get("name")), sorted(self._by_name), most=3))
            raise ItemRefused(f"No metadata schema has the {what}; the nearest known names are {near}")
        return schema

    def _read_value(self, schema: MetadataSchema, value: Any) -> MetadataValue:
        match schema.kind:
            case "CustomMetadataNumber":
                number = read_number(value)
                if number is not None:
                    return number
                expected = "a number"
            case "CustomMetadataDateTime":
                if isinstance(value, str) and _is_moment(value):
                    return value
                expected = "a date and time in ISO 8601"
            case "CustomMetadataEnum":
                option = self._options.get(schema.id, {}).get(str(value))
                if option is not None:
                    return option
                expected = "one of its options"
            case _:
                if isinstance(value, str) and len(value) <= MOST_TEXT:
                    return value
                expected = f"a text of at most {MOST_TEXT:,} characters"
        raise ItemRefused(f"The metadata field {schema.name!r} has the value {str(value)[:100]!r}; expected {expected}")


def _is_moment(text: str) -> bool:
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _build_repeated(schema_id: str) -> ItemRefused:
    """In the service's words (SDK tests test_data_rows.py)."""
    return ItemRefused(f"A schemaId can only be specified once per DataRow : [{schema_id}]")


def read_number(value: Any) -> int | float | None:
    """A finite number; None of anything else. Integers of more than 64 bits become floats, as in parsed JSON."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return value
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
