"""GraphQL `where` inputs for what no table holds: the same answers as conditions of `filters`, found in Python."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from mockserver.api.graphql.filters import Where, check_size, comparison
from mockserver.api.graphql.searched import MOMENTS

Read = Callable[[str], Any]
"""A field by its name on the wire, as its resolver gives it: moments in microseconds."""

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "": operator.eq,
    "not": operator.ne,
    "lt": operator.lt,
    "gt": operator.gt,
    "lte": operator.le,
    "gte": operator.ge,
}


def list_compared(where: Where | None) -> set[str]:
    """The fields that a search compares, at any depth."""
    names: set[str] = set()
    for key, value in (where or {}).items():
        if key in {"AND", "OR", "NOT"}:
            names.update(*map(list_compared, value or ()))
        elif value is not None:
            names.add(comparison(key)[0])
    return names


def matches(where: Where | None, read: Read) -> bool:
    """Whether an object fits a search. Objects that are searched so cannot be deleted. Raises BadInput."""
    check_size(where or {})
    return _matches(where or {}, read)


def _matches(where: Where, read: Read) -> bool:
    return all(_fits(key, value, read) for key, value in where.items() if value is not None)


def _fits(key: str, value: Any, read: Read) -> bool:
    if key == "AND":
        return all(_matches(part, read) for part in value)
    if key == "OR":
        return not value or any(_matches(part, read) for part in value)
    if key == "NOT":
        return not any(_matches(part, read) for part in value)
    name, suffix = comparison(key)
    if name == "deleted":
        return not value
    actual = read(name)
    if actual is None:
        return False
    if name in MOMENTS:
        actual, value = actual // 1000, value // 1000
    return _OPERATORS[suffix](actual, value)
