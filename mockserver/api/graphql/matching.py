"""GraphQL `where` inputs for what no table holds: the same answers as conditions of `filters`, found in Python."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from mockserver.api.graphql.filters import Given, check_size, comparison
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


def mentioned(given: Given | None) -> set[str]:
    """The fields that a search compares, at any depth."""
    found: set[str] = set()
    for key, value in (given or {}).items():
        if key in {"AND", "OR", "NOT"}:
            found.update(*map(mentioned, value or ()))
        elif value is not None:
            found.add(comparison(key)[0])
    return found


def matches(given: Given | None, read: Read) -> bool:
    """Whether something fits a search. Nothing that is searched so can be deleted. Raises BadInput."""
    check_size(given or {})
    return _matches(given or {}, read)


def _matches(given: Given, read: Read) -> bool:
    return all(_fits(key, value, read) for key, value in given.items() if value is not None)


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
    found = read(name)
    if found is None:
        return False
    if name in MOMENTS:
        found, value = found // 1000, value // 1000
    return _OPERATORS[suffix](found, value)
