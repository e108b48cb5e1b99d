"""GraphQL `where` inputs as conditions: `{AND: [{name: "a"}, {createdAt_gt: …}]}` (SDK orm/query.py)."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.errors import BadInput
from mockserver.world.data_rows import DataRow, Dataset
from mockserver.world.database import EVERYTHING, Clause, Record, where
from mockserver.world.labels import Label
from mockserver.world.people import Person

MOST_TERMS = 500
"""In one search. SQLite takes an expression a thousand deep, and a condition is as deep as it has terms."""
MOST_CHARACTERS = 5_000
"""Of a text to search for. SQLite's patterns have 50,000 bytes at most."""

Given = Mapping[str, Any]


class Relation(msgspec.Struct, frozen=True):
    """A nested input: `column` holds the `key` of a record of another kind."""

    column: str
    kind: type[Record]
    key: str = "id"


RELATIONS: dict[type[Record], dict[str, Relation]] = {
    DataRow: {"dataset": Relation("dataset_id", Dataset)},
    Label: {"dataRow": Relation("data_row_no", DataRow, "no"), "createdBy": Relation("created_by", Person)},
}

_OPERATORS = {"": "=", "not": "<>", "lt": "<", "gt": ">", "lte": "<=", "gte": ">="}
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


@functools.lru_cache(maxsize=256)
def _column(key: str) -> tuple[str, str, str]:
    """`createdAt_gt` -> what is searched by, its column, the operator's name."""
    name, _, suffix = key.partition("_")
    return name, snake(name), suffix


def snake(name: str) -> str:
    """`createdAt` -> `created_at`."""
    return _WORD.sub("_", name).lower()


def holding(column: str, text: str) -> Clause:
    """Where a text stands somewhere in a column, in capitals or not. Raises BadInput."""
    if len(text) > MOST_CHARACTERS:
        raise BadInput(
            f"The text to search for has {len(text):,} characters; at most {MOST_CHARACTERS:,} are looked for"
        )
    if "\0" in text:  # where a pattern would end
        return where("FALSE")
    literal = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return where(f"LOWER({column}) LIKE LOWER(:text) ESCAPE '!'", text=f"%{literal}%")


def condition(kind: type[Record], given: Given | None) -> Clause:
    """What `given` asks of records of a kind. Deleted ones are left out unless it says `deleted: true`."""
    asked = given or {}
    if _size(asked) > MOST_TERMS:
        raise BadInput(f"The search has {_size(asked)} terms; at most {MOST_TERMS} are answered")
    found = _condition(kind, asked)
    if "deleted" not in kind.__struct_fields__ or _mentions_deleted(asked):
        return found
    return found & where("NOT deleted")


def unique(kind: type[Record], given: Given | None) -> Clause:
    """The condition of a question for one thing. Raises BadInput when nothing says which."""
    if not any(value is not None for key, value in (given or {}).items() if key != "deleted"):
        raise BadInput(f"{kind.__name__} is asked for, and nothing says which; expected where: {{id: …}}")
    return condition(kind, given)


def _size(given: Given) -> int:
    return sum(1 + sum(map(_size, _parts(value))) for value in given.values())


def _parts(value: Any) -> list[Given]:
    if isinstance(value, Mapping):
        return [value]
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


def _mentions_deleted(given: Given) -> bool:
    nested = [part for key in ("AND", "OR", "NOT") for part in given.get(key) or []]
    return given.get("deleted") is not None or any(map(_mentions_deleted, nested))


def _condition(kind: type[Record], given: Given) -> Clause:
    terms = [_term(kind, key, value) for key, value in given.items() if value is not None]
    return functools.reduce(Clause.__and__, terms, EVERYTHING)


def _term(kind: type[Record], key: str, value: Any) -> Clause:
    if key in {"AND", "OR", "NOT"}:
        return _combined(key, [_condition(kind, part) for part in value])
    if relation := RELATIONS.get(kind, {}).get(key):
        inner = _condition(relation.kind, value)
        return Clause(
            (f"{relation.column} IN (SELECT {relation.key} FROM {relation.kind.TABLE} WHERE {inner.sql})",),
            inner.params,
        )
    name, column, suffix = _column(key)
    if column == "deleted" and column not in kind.__struct_fields__:
        return where("FALSE") if value else EVERYTHING  # what cannot be deleted never is
    if column not in kind.__struct_fields__:
        raise BadInput(f"{kind.__name__} cannot be searched by {name!r}")
    if suffix == "in":
        return where(f"{column} IN :value", value=value)
    return where(f"{column} {_OPERATORS[suffix]} :value", value=value)


def _combined(key: str, parts: list[Clause]) -> Clause:
    """AND, OR and NOT of conditions; OR by denying that all are denied. An empty list asks for nothing."""
    if key == "AND" or not parts:
        return functools.reduce(Clause.__and__, parts, EVERYTHING)
    denied = functools.reduce(Clause.__and__, [_denied(part) for part in parts])
    return denied if key == "NOT" else _denied(denied)


def _denied(clause: Clause) -> Clause:
    return Clause((f"NOT ({clause.sql})",), clause.params)
