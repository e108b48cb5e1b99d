"""Records: the rows of a table as frozen structs, and columns that hold JSON."""

from __future__ import annotations

import functools
import re
import typing
from typing import Any, ClassVar, NewType, Self, TypeVar

import msgspec
import orjson

Row = tuple[Any, ...]
JsonText = NewType("JsonText", str)
"""A column that holds JSON, still as text."""


def encode_json(document: Any) -> JsonText:
    """Encodes a document for such a column."""
    return JsonText(orjson.dumps(document).decode())


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
