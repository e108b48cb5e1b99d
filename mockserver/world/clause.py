"""Conditions of queries: SQL with named parameters, in the part of the language that both engines share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

PARAMETER = re.compile(r"(?<!:):([a-z_][a-z0-9_]*)")
FEW = 100
"""Texts that are parameters of their own; more travel as one JSON list, since SQLite's time for parameters grows with
the square of their number."""


class Clause:
    """A condition and its parameters: `Clause("id = :id AND NOT deleted", id=record_id)`.

    A list or tuple becomes `(…)` in `x IN :names`; an empty one is a list that holds nothing. `a & b` holds where
    both hold, whatever their parameters are called.
    """

    __slots__ = ("params", "terms")

    def __init__(self, sql: str, /, **params: Any) -> None:
        for value in params.values():  # a generator would take as long as all the rest
            if isinstance(value, (list, tuple)):
                sql, params = _expand_lists(sql, params)
                break
        self.terms: tuple[str, ...] = (sql,)
        self.params = params

    @classmethod
    def from_terms(cls, terms: tuple[str, ...], params: dict[str, Any]) -> Clause:
        """The condition that all terms hold, whose lists are expanded already."""
        clause = cls.__new__(cls)
        clause.terms, clause.params = terms, params
        return clause

    @property
    def sql(self) -> str:
        """The terms as a balanced tree: SQLite takes an expression a thousand deep, and a chain is as deep as it is
        long."""
        if len(self.terms) == 1:
            return f"({self.terms[0]})"
        level = [f"({term})" for term in self.terms] or ["TRUE"]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=False)
            level = [f"({left} AND {right})" for left, right in pairs] + level[len(level) // 2 * 2 :]
        return level[0]

    @classmethod
    def all_of(cls, clauses: Iterable[Clause]) -> Clause:
        """The condition that holds where all of them hold, made in time that grows with their number."""
        terms: list[str] = []
        params: dict[str, Any] = {}
        for clause in clauses:
            renamed = clause._rename_apart(params)
            terms += renamed.terms
            params |= renamed.params
        return cls.from_terms(tuple(terms), params)

    def __and__(self, other: Clause) -> Clause:
        renamed = other._rename_apart(self.params)
        return Clause.from_terms(self.terms + renamed.terms, self.params | renamed.params)

    def _rename_apart(self, taken: dict[str, Any]) -> Clause:
        """The same condition with parameters whose names are not taken."""
        if taken.keys().isdisjoint(self.params):
            return self
        number = len(taken)
        while any(f"p{number}_{name}" in taken for name in self.params):
            number += 1
        prefix = f"p{number}_"
        terms = tuple(PARAMETER.sub(lambda match: f":{prefix}{match[1]}", term) for term in self.terms)
        return Clause.from_terms(terms, {prefix + name: value for name, value in self.params.items()})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clause) and (self.terms, self.params) == (other.terms, other.params)

    __hash__ = None  # type: ignore[assignment]  # Python's own way to say that it has no hash

    def __repr__(self) -> str:
        return f"Clause({self.sql!r}, {self.params!r})"


def _expand_lists(sql: str, params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The condition with a parameter for each item of a short list, and with one JSON text for each long one."""
    flat: dict[str, Any] = {}

    def expand(match: re.Match[str]) -> str:
        name = match[1]
        value = params[name]
        if not isinstance(value, (list, tuple)):
            flat[name] = value
            return match[0]
        if len(value) > FEW and all(isinstance(item, str) for item in value):
            flat[name] = msgspec.json.encode(value).decode()
            return f"(SELECT value FROM json_each(CAST(:{name} AS TEXT)))"
        flat.update({f"{name}_{index}": item for index, item in enumerate(value)})
        return "(" + (", ".join(f":{name}_{index}" for index in range(len(value))) or "NULL") + ")"

    return PARAMETER.sub(expand, sql), flat


EVERYTHING = Clause.from_terms((), {})
"""The condition that always holds."""
