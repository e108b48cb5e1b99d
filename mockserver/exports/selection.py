"""Filter terms become a condition on data rows. Terms are ANDed (seed: introducing-export-v2).

The terms are those SDKs send (export_filters.py); wire.md §4.2 lists them. In a condition `dr` is the data
row, and in a project `pr` its standing there.
"""

from __future__ import annotations

import datetime
import functools
import re
import zoneinfo
from collections.abc import Callable
from typing import Any

from mockserver.errors import MalformedRequest, nearest, quote
from mockserver.world.data_rows import DataRow
from mockserver.world.database import EVERYTHING, Clause
from mockserver.world.labels import Label, WorkflowStatus
from mockserver.world.queries.conditions import match_subquery

MOST_IDS = 2000
"""Per term (docs/limits; the SDK checks it too)."""
MOST_TERMS = 2000
"""The SDK has seven kinds, and never sends one twice; a client of one's own may."""

Term = dict[str, Any]
Reader = Callable[[Term], Clause]
Readers = dict[str, Reader]


def build_project_condition(terms: list[Term], project_id: str | None = None) -> Clause:
    """Terms of a project's export. Raises MalformedRequest naming the term that makes no sense.

    With `project_id` labels are found by their index, without it row by row.
    """
    mine = Clause("l.project_id = pr.project_id") if project_id is None else Clause("l.project_id = :id", id=project_id)
    return _condition(terms, _OF_PROJECTS | {"labeled_at": _labelled("pr.data_row_no", mine)})


def build_catalog_condition(terms: list[Term]) -> Clause:
    """Terms of an export of the catalog; a dataset is one of them. Raises MalformedRequest."""
    return _condition(terms, _OF_CATALOG)


def _condition(terms: list[Term], readers: Readers) -> Clause:
    if len(terms) > MOST_TERMS:
        raise MalformedRequest(f"The search has {len(terms)} terms; at most {MOST_TERMS} are answered")
    return functools.reduce(Clause.__and__, [_read(term, readers) for term in terms], EVERYTHING)


def _read(term: Term, readers: Readers) -> Clause:
    kind = term.get("type")
    reader = readers.get(kind) if isinstance(kind, str) else None
    if reader is None:
        known = quote(nearest(str(kind), readers))
        raise MalformedRequest(f"The search term {term!r} has an unknown type {kind!r}; the nearest known are {known}")
    return reader(term)


def _ids_in(column: str) -> Reader:
    def read(term: Term) -> Clause:
        ids = term.get("ids")
        if not isinstance(ids, list) or not all(isinstance(item, str) for item in ids):
            raise MalformedRequest(f"The search term {term['type']!r} has ids {ids!r}; expected a list of strings")
        if len(ids) > MOST_IDS:
            raise MalformedRequest(f"The search term {term['type']!r} has {len(ids)} ids; at most {MOST_IDS} fit one")
        if term.get("operator", "is") != "is":
            raise MalformedRequest(f"The search term {term['type']!r} has operator {term['operator']!r}; expected 'is'")
        return Clause(f"{column} IN :ids", ids=ids)

    return read


def _status(term: Term) -> Clause:
    status = term.get("status")
    known = [status.value for status in WorkflowStatus]
    if status not in known:
        raise MalformedRequest(f"The search term {term['type']!r} has status {status!r}; known are {quote(known)}")
    return Clause("pr.workflow_status = :status", status=status)


def _never_labelled(term: Term) -> Clause:
    """How the SDK asks for ToLabel."""
    return Clause("pr.workflow_status = :status", status=WorkflowStatus.TO_LABEL)


def _activity(term: Term) -> Clause:
    low, high = parse_date_term(term)
    return Clause("dr.last_activity_at >= :low AND dr.last_activity_at < :high", low=low, high=high)


def _labelled(row: str, mine: Clause = EVERYTHING) -> Reader:
    def read(term: Term) -> Clause:
        low, high = parse_date_term(term)
        asked = mine & Clause("NOT l.deleted AND l.created_at >= :low AND l.created_at < :high", low=low, high=high)
        return match_subquery(row, Label, "data_row_no", asked, alias="l")

    return read


def _found_first(reader: Reader, row: str) -> Reader:
    """Found by an index of their own, then looked up in a project or dataset, which has more rows than are wanted."""

    def read(term: Term) -> Clause:
        asked = reader(term)
        return match_subquery(row, DataRow, "no", asked, alias="dr")

    return read


_OF_ROWS: Readers = {
    "data_row_last_activity_at": _activity,
    "data_row_id": _ids_in("dr.id"),
    "global_key": _ids_in("dr.global_key"),
}
_OF_CATALOG: Readers = {kind: _found_first(reader, "dr.no") for kind, reader in _OF_ROWS.items()} | {
    "labeled_at": _labelled("dr.no"),
    "dataset": _ids_in("dr.dataset_id"),
}
_OF_PROJECTS: Readers = {kind: _found_first(reader, "pr.data_row_no") for kind, reader in _OF_ROWS.items()} | {
    "labeled_at": _labelled("pr.data_row_no"),
    "batch": _ids_in("pr.batch_id"),
    "task_queue_status": _status,
    "task_queue_not_exist": _never_labelled,
}

BEFORE_ALL = -(2**62)
AFTER_ALL = 2**62


def parse_date_term(term: Term) -> tuple[int, int]:
    """(first, behind the last) microseconds UTC that a date term covers."""
    value = term.get("value")
    operator = value.get("operator") if isinstance(value, dict) else None
    if not isinstance(value, dict) or operator not in ["BETWEEN", "GREATER_THAN_OR_EQUAL", "LESS_THAN_OR_EQUAL"]:
        raise MalformedRequest(
            f"The search term {term['type']!r} has operator {operator!r}; "
            "known are BETWEEN, GREATER_THAN_OR_EQUAL, LESS_THAN_OR_EQUAL"
        )
    zone = _zone(term["type"], value.get("timezone"))
    bounds = value.get("value")
    if operator == "GREATER_THAN_OR_EQUAL":
        return _moment(term["type"], bounds, zone)[0], AFTER_ALL
    if operator == "LESS_THAN_OR_EQUAL":
        return BEFORE_ALL, _moment(term["type"], bounds, zone)[1]
    if not isinstance(bounds, dict):
        raise MalformedRequest(f'The search term {term["type"]!r} is BETWEEN {bounds!r}; expected {{"min", "max"}}')
    return _moment(term["type"], bounds.get("min"), zone)[0], _moment(term["type"], bounds.get("max"), zone)[1]


def _zone(kind: str, name: Any) -> datetime.tzinfo:
    """The term's time zone; SDKs 3.40-3.47 send none for `labeled_at`."""
    if name in [None, "", "UTC"]:
        return datetime.UTC
    try:
        return zoneinfo.ZoneInfo(str(name))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise MalformedRequest(
            f"The search term {kind!r} has timezone {name!r}; expected a name like 'UTC' or 'Europe/Berlin'"
        ) from None


_DAY = r"\d{4}-\d\d-\d\d"
_TIME = r"[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?"
_WRITTEN = re.compile(f"{_DAY}({_TIME})?", re.ASCII)
"""The SDK's three forms (export_filters.py 7.17.0:64), and fractions of seconds. Python reads more, like `2024-W50-1`,
of which nobody knows what the service would make."""


def _is_written(text: Any) -> bool:
    return isinstance(text, str) and _WRITTEN.fullmatch(text) is not None


def _moment(kind: str, text: Any, zone: datetime.tzinfo) -> tuple[int, int]:
    """The stretch a written moment covers: a whole day, a second, or a fraction of one (inferred)."""
    try:
        # "+0000" as the SDK writes offsets: fromisoformat reads it from 3.11 on.
        moment = datetime.datetime.fromisoformat(text if _is_written(text) else "")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        first = _microseconds(moment)
        if len(text) == len("YYYY-MM-DD"):
            # To the next midnight of that place: its day may have 23 or 25 hours.
            return first, _next_midnight(moment)
    except (ValueError, OverflowError):
        raise MalformedRequest(
            f"The search term {kind!r} has {text!r}; expected 'YYYY-MM-DD', 'YYYY-MM-DD hh:mm:ss' or ISO 8601"
        ) from None
    return first, first + (1 if moment.microsecond else 1_000_000)


def _microseconds(moment: datetime.datetime) -> int:
    """Also for the calendar's first and last hours, whose UTC lies outside it."""
    offset = moment.utcoffset() or datetime.timedelta()
    return (moment.replace(tzinfo=None) - _EPOCH - offset) // datetime.timedelta(microseconds=1)


def _next_midnight(moment: datetime.datetime) -> int:
    try:
        return _microseconds(moment + datetime.timedelta(days=1))
    except OverflowError:
        return AFTER_ALL


_EPOCH = datetime.datetime(1970, 1, 1)  # noqa: DTZ001  UTC; offsets are taken off by hand
