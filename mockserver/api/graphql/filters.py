"""GraphQL `where` inputs as conditions: `{AND: [{name: "a"}, {createdAt_gt: …}]}` (SDK orm/query.py)."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from mockserver.api.graphql.searched import ALWAYS_NULL, EXPRESSIONS, MOMENTS, RELATIONS, WITHOUT_CASE
from mockserver.errors import BadInput
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.queries.conditions import match_subquery
from mockserver.world.record import Record

MOST_TERMS = 500
"""Terms of one search. SQLite takes an expression a thousand deep, and a condition is as deep as it has terms."""
MOST_CHARACTERS = 5_000
"""Characters of a text to search for. SQLite's patterns have 50,000 bytes at most."""

Where = Mapping[str, Any]
"""The `where` argument of a field."""

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


def build_text_condition(column: str, text: str) -> Clause:
    """The rows whose column contains a text, in capitals or not. Raises BadInput."""
    if len(text) > MOST_CHARACTERS:
        raise BadInput(f"The text to search for has {len(text):,} characters; expected at most {MOST_CHARACTERS:,}")
    if "\0" in text:  # where a pattern would end
        return Clause("FALSE")
    literal = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return Clause(f"LOWER({column}) LIKE LOWER(:text) ESCAPE '!'", text=f"%{literal}%")


def build_condition(kind: type[Record], where: Where | None) -> Clause:
    """The condition of a search. It leaves deleted records out, unless the search compares `deleted`.

    Raises BadInput.
    """
    search = where or {}
    check_size(search)
    condition = _build_condition(kind, search)
    if "deleted" not in kind.__struct_fields__ or _mentions_deleted(search):
        return condition
    return condition & Clause("NOT deleted")


def build_unique_condition(kind: type[Record], where: Where | None) -> Clause:
    """The condition of a search for one record. Raises BadInput when the search is empty."""
    if not any(value is not None for key, value in (where or {}).items() if key != "deleted"):
        raise BadInput(f"Missing argument: which {kind.__name__}? Pass where: {{id: …}}")
    return build_condition(kind, where)


def read_id(where: Where | None, operation: str, path: str = "where.id") -> str:
    """The id in a search for one record by its id, which the schema lets clients leave out. `path` says where it is in
    the arguments. Raises BadInput."""
    key = path.rpartition(".")[2]
    value = (where or {}).get(key)
    if value is None or not str(value).strip():
        what = "without" if value is None else "with an empty"
        raise BadInput(f"{operation} was sent {what} {path}; expected the id of a record of this workspace")
    return str(value)


def check_size(where: Where) -> None:
    """Raises BadInput when a search has more terms than are answered."""
    if (size := _count_terms(where)) > MOST_TERMS:
        raise BadInput(f"The search has {size} terms; at most {MOST_TERMS} are answered")


def _count_terms(where: Where) -> int:
    """Counts an empty search as one term: it becomes a condition like any other."""
    return sum(1 + sum(map(_count_terms, _list_parts(value))) for value in where.values()) or 1


def _list_parts(value: Any) -> list[Where]:
    if isinstance(value, Mapping):
        return [value]
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


def _mentions_deleted(where: Where) -> bool:
    nested = [part for key in ("AND", "OR", "NOT") for part in where.get(key) or []]
    return where.get("deleted") is not None or any(map(_mentions_deleted, nested))


def _build_condition(kind: type[Record], where: Where) -> Clause:
    terms = [_build_term(kind, key, value) for key, value in where.items() if value is not None]
    return Clause.all_of(terms)


def _build_term(kind: type[Record], key: str, value: Any) -> Clause:
    if key in {"AND", "OR", "NOT"}:
        return _combine(key, [_build_condition(kind, part) for part in value])
    if relation := RELATIONS.get(kind, {}).get(key):
        inner = _build_condition(relation.kind, value)
        return match_subquery(relation.column, relation.kind, relation.key, inner)
    name, operator = comparison(key)
    if name == "deleted" and name not in kind.__struct_fields__:
        return Clause("FALSE") if value else EVERYTHING  # what cannot be deleted never is
    if name in ALWAYS_NULL.get(kind, ()):
        return Clause("FALSE")
    return _build_comparison(
        _get_expression(kind, name), name, operator, value, ignores_case=name in WITHOUT_CASE.get(kind, ())
    )


def _get_expression(kind: type[Record], name: str) -> str:
    """SQL for a field of the wire. Raises BadInput."""
    if expression := EXPRESSIONS.get(kind, {}).get(name):
        return expression
    if (column := snake(name)) not in kind.__struct_fields__:
        raise BadInput(f"{kind.__name__} cannot be searched by {name!r}")
    return column


def _build_comparison(expression: str, name: str, operator: str, value: Any, *, ignores_case: bool) -> Clause:
    if operator == "in":
        return Clause(f"{expression} IN :value", value=value)
    if name in MOMENTS:
        return Clause(_OF_MOMENTS[operator].format(expression), value=value - value % 1000)
    if ignores_case:
        return Clause(f"LOWER({expression}) {_OPERATORS[operator]} LOWER(:value)", value=value)
    return Clause(f"{expression} {_OPERATORS[operator]} :value", value=value)


def _combine(key: str, parts: list[Clause]) -> Clause:
    """AND, OR and NOT of conditions; OR denies that all are denied. An empty list is no condition."""
    if key == "AND" or not parts:
        return Clause.all_of(parts)
    denied = Clause.all_of(map(_deny, parts))
    return denied if key == "NOT" else _deny(denied)


def _deny(clause: Clause) -> Clause:
    """The denial of a condition. A comparison with a null does not fit, so its denial does (inferred)."""
    return Clause(f"NOT COALESCE(({clause.sql}), FALSE)", **clause.params)
