"""Statements as PostgreSQL takes them: with its parameters, and with no more joins than its planner can order."""

from __future__ import annotations

import functools
import re

from mockserver.world.clause import PARAMETER

LONG = 8192
"""Characters. Longer statements, which clients make, are kept neither here nor, prepared, in PostgreSQL."""
MOST_JOINED = 6
"""Subqueries of one level that PostgreSQL may join with the tables around them. It tries orders of joins: of fifty
subqueries, all about the same column, for minutes and in gigabytes of memory."""
_SUBQUERY = re.compile(r"(?<!\bNOT )\b(?:IN|EXISTS) \((?=SELECT\b)")
_BRACKET = re.compile(r"'[^']*'|[()]")


def translate(sql: str) -> bytes:
    """The statement with `%(name)s` for `:name`, and other percent signs doubled."""
    return _translate_kept(sql) if len(sql) <= LONG else _translate(sql)


def _translate(sql: str) -> bytes:
    if sql.count("(SELECT") > MOST_JOINED:
        sql = _keep_apart(sql)
    return PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%")).encode()


_translate_kept = functools.lru_cache(maxsize=2048)(_translate)


def _keep_apart(sql: str) -> str:
    """The statement with `IS TRUE` behind all subqueries of a level but the first ones. They mean the same, and are
    answered alone, each once."""
    parts, place, number = [], 0, 0
    while match := _SUBQUERY.search(sql, place):
        end = _find_end(sql, match.end())
        number += 1
        parts += [sql[place : match.end()], _keep_apart(sql[match.end() : end]), ")"]
        if number > MOST_JOINED:
            parts.append(" IS TRUE")
        place = end + 1
    return "".join((*parts, sql[place:]))


def _find_end(sql: str, start: int) -> int:
    """The place of the bracket that closes the one before `start`."""
    depth = 1
    for match in _BRACKET.finditer(sql, start):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match.start()
    raise AssertionError(f"a bracket is not closed: {sql[start - 20 : start + 200]!r}")
