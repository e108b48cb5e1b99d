"""GraphQL `where` inputs as conditions: `{AND: [{name: "a"}, {createdAt_gt: …}]}` (SDK orm/query.py)."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from mockserver.api.graphql.searched import ALWAYS_NULL, EXPRESSIONS, MOMENTS, RELATIONS, WITHOUT_CASE
from mockserver.errors import BadInput
from mockserver.world.database import EVERYTHING, Clause, Record
from mockserver.world.queries.conditions import match_subquery

MOST_TERMS = 500
"""In one search. SQLite takes an expression a thousand deep, and a condition is as deep as it has terms."""
MOST_CHARACTERS = 5_000
"""Of a text to search for. SQLite's patterns have 50,000 bytes at most."""

Given = Mapping[str, Any]

_OPERATORS = {"": "=", "not": "<>", "lt": "<", "gt": ">", "lte": "<=", "gte": ">="}
_OF_MOMENTS = {
    "": "{0} >= :value AND {0} < :value + 1000",
    "not": "({0} < :value OR {0} >= :value + 1000)",
    "lt": "{0} < :value",
    "gt": "{0} >= :value + 1000",
    "lte": "{0} < :value + 1000",
    "gte": "{0} >= :value",
}
"""Columns have microseconds, `value` is a whole millisecond: all microseconds within one are the same to clients."""
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


@functools.lru_cache(maxsize=256)
def comparison(key: str) -> tuple[str, str]:
    """`createdAt_gt` -> what is compared, the operator's name."""
    name, _, suffix = key.partition("_")
    return name, suffix


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
        return Clause("FALSE")
    literal = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return Clause(f"LOWER({column}) LIKE LOWER(:text) ESCAPE '!'", text=f"%{literal}%")


def condition(kind: type[Record], given: Given | None) -> Clause:
    """What `given` asks of records of a kind. Deleted ones are left out unless it says `deleted: true`."""
    asked = given or {}
    check_size(asked)
    found = _condition(kind, asked)
    if "deleted" not in kind.__struct_fields__ or _mentions_deleted(asked):
        return found
    return found & Clause("NOT deleted")


def unique(kind: type[Record], given: Given | None) -> Clause:
    """The condition of a question for one thing. Raises BadInput when nothing says which."""
    if not any(value is not None for key, value in (given or {}).items() if key != "deleted"):
        raise BadInput(f"{kind.__name__} is asked for, and nothing says which; expected where: {{id: …}}")
    return condition(kind, given)


def check_size(given: Given) -> None:
    """Raises BadInput when a search has more terms than are answered."""
    if (size := _size(given)) > MOST_TERMS:
        raise BadInput(f"The search has {size} terms; at most {MOST_TERMS} are answered")


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
        return match_subquery(relation.column, relation.kind, relation.key, inner)
    name, operator = comparison(key)
    if name == "deleted" and name not in kind.__struct_fields__:
        return Clause("FALSE") if value else EVERYTHING  # what cannot be deleted never is
    if name in ALWAYS_NULL.get(kind, ()):
        return Clause("FALSE")
    return _compared(_expression(kind, name), name, operator, value, ignores_case=name in WITHOUT_CASE.get(kind, ()))


def _expression(kind: type[Record], name: str) -> str:
    """SQL for a field of the wire. Raises BadInput."""
    if expression := EXPRESSIONS.get(kind, {}).get(name):
        return expression
    if (column := snake(name)) not in kind.__struct_fields__:
        raise BadInput(f"{kind.__name__} cannot be searched by {name!r}")
    return column


def _compared(expression: str, name: str, operator: str, value: Any, *, ignores_case: bool) -> Clause:
    if operator == "in":
        return Clause(f"{expression} IN :value", value=value)
    if name in MOMENTS:
        return Clause(_OF_MOMENTS[operator].format(expression), value=value - value % 1000)
    if ignores_case:
        return Clause(f"LOWER({expression}) {_OPERATORS[operator]} LOWER(:value)", value=value)
    return Clause(f"{expression} {_OPERATORS[operator]} :value", value=value)


def _combined(key: str, parts: list[Clause]) -> Clause:
    """AND, OR and NOT of conditions; OR by denying that all are denied. An empty list asks for nothing."""
    if key == "AND" or not parts:
        return functools.reduce(Clause.__and__, parts, EVERYTHING)
    denied = functools.reduce(Clause.__and__, [_denied(part) for part in parts])
    return denied if key == "NOT" else _denied(denied)


def _denied(clause: Clause) -> Clause:
    """A comparison with a null does not fit, so its denial does (inferred)."""
    return Clause(f"NOT COALESCE(({clause.sql}), FALSE)", **clause.params)
