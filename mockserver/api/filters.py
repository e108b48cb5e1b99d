"""GraphQL `where` inputs as conditions: `{AND: [{name: "a"}, {createdAt_gt: …}]}` (SDK orm/query.py)."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from mockserver.errors import BadInput
from mockserver.world.database import EVERYTHING, Clause, Record, where

_OPERATORS = {"": "=", "not": "<>", "lt": "<", "gt": ">", "lte": "<=", "gte": ">="}
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def snake(name: str) -> str:
    """`createdAt` -> `created_at`."""
    return _WORD.sub("_", name).lower()


def condition(kind: type[Record], given: Mapping[str, Any] | None, **relations: str) -> Clause:
    """What `given` asks of records of a kind. Deleted ones are left out unless it says `deleted: true`.

    `relations` maps the name of a nested input to the column that holds its id, as `createdBy="created_by"`.
    """
    asked = _condition(kind, given or {}, relations)
    if "deleted" not in kind.__struct_fields__ or _mentions_deleted(given or {}):
        return asked
    return asked & where("NOT deleted")


def _mentions_deleted(given: Mapping[str, Any]) -> bool:
    nested = [*(given.get("AND") or []), *(given.get("OR") or []), *(given.get("NOT") or [])]
    return given.get("deleted") is not None or any(map(_mentions_deleted, nested))


def _condition(kind: type[Record], given: Mapping[str, Any], relations: Mapping[str, str]) -> Clause:
    terms = [_term(kind, key, value, relations) for key, value in given.items() if value is not None]
    return functools.reduce(Clause.__and__, terms, EVERYTHING)


def _term(kind: type[Record], key: str, value: Any, relations: Mapping[str, str]) -> Clause:
    if key in {"AND", "OR", "NOT"}:
        return _combined(key, [_condition(kind, part, relations) for part in value])
    if key in relations:
        return where(f"{relations[key]} = :id", id=value.get("id")) if value.get("id") else EVERYTHING
    name, _, suffix = key.partition("_")
    column = snake(name)
    if column == "deleted" and column not in kind.__struct_fields__:
        return EVERYTHING if value is False else where("FALSE")
    if column not in kind.__struct_fields__:
        raise BadInput(f"{kind.__name__} cannot be searched by {name!r}")
    if suffix == "in":
        return where(f"{column} IN :value", value=value)
    return where(f"{column} {_OPERATORS[suffix]} :value", value=value)


def _combined(key: str, parts: list[Clause]) -> Clause:
    """AND, OR and NOT of conditions whose parameters may be called the same."""
    if key == "AND":
        return functools.reduce(Clause.__and__, parts, EVERYTHING)
    if not parts:
        return EVERYTHING
    if key == "NOT":
        return functools.reduce(Clause.__and__, [Clause(f"NOT ({part.sql})", part.params) for part in parts])
    denied = functools.reduce(Clause.__and__, [Clause(f"NOT ({part.sql})", part.params) for part in parts])
    return Clause(f"NOT ({denied.sql})", denied.params)
