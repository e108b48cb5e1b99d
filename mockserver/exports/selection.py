"""Filter terms become a condition on data rows. Terms are ANDed (seed: introducing-export-v2).

The terms are those SDKs send (export_filters.py); wire.md §4.2 lists them. In a condition `dr` is the data
row, and in a project `pr` its membership in the project.
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Callable
from typing import Any

from mockserver.errors import MalformedRequest, nearest, quote
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.queries.conditions import match_subquery
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import Label, WorkflowStatus

MOST_IDS = 2000
"""Per term (docs/limits; the SDK checks it too)."""
MOST_TERMS = 2000
"""The SDK has seven kinds and never sends one twice; other clients may."""

Term = dict[str, Any]
Reader = Callable[[Term], Clause]
Readers = dict[str, Reader]


def build_project_condition(terms: list[Term], project_id: str | None = None) -> Clause:
    """The condition of the terms of a project's export. Raises MalformedRequest, which names the wrong term.

    With `project_id` labels are found by their index, without it row by row.
    """
    mine = Clause("l.project_id = pr.project_id") if project_id is None else Clause("l.project_id = :id", id=project_id)
    return _build_condition(terms, _OF_PROJECTS | {"labeled_at": _match_labels("pr.data_row_no", mine)})


def build_catalog_condition(terms: list[Term]) -> Clause:
    """The condition of the terms of a catalog's export, which may name a dataset. Raises MalformedRequest."""
    return _build_condition(terms, _OF_CATALOG)


def _build_condition(terms: list[Term], readers: Readers) -> Clause:
    if len(terms) > MOST_TERMS:
        raise MalformedRequest(f"The search has {len(terms)} terms; at most {MOST_TERMS} are answered")
    return Clause.all_of(_parse_term(term, readers) for term in terms)


def _parse_term(term: Term, readers: Readers) -> Clause:
    if not isinstance(term, dict):
        raise MalformedRequest(f"The search has the term {term!r}; expected an object with a type")
    kind = term.get("type")
    reader = readers.get(kind) if isinstance(kind, str) else None
    if reader is None:
        known = quote(nearest(str(kind), readers))
        raise MalformedRequest(f"The search term {term!r} has an unknown type {kind!r}; the nearest known are {known}")
    return reader(term)


def _match_ids(column: str) -> Reader:
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


def _match_status(term: Term) -> Clause:
    status = term.get("status")
    known = [status.value for status in WorkflowStatus]
    if status not in known:
        raise MalformedRequest(f"The search term {term['type']!r} has status {status!r}; known are {quote(known)}")
    return Clause("pr.workflow_status = :status", status=status)


def _match_unlabelled(term: Term) -> Clause:
    """The term that the SDK sends for ToLabel."""
    return Clause("pr.workflow_status = :status", status=WorkflowStatus.TO_LABEL)


def _match_activity(term: Term) -> Clause:
    low, high = parse_date_term(term)
    return Clause("dr.last_activity_at >= :low AND dr.last_activity_at < :high", low=low, high=high)


def _match_global_keys(term: Term) -> Clause:
    """Only live data rows have a key of their own, and only these are in the index (world/schema.sql)."""
    return Clause("NOT dr.deleted") & _match_ids("dr.global_key")(term)


def _match_labels(row: str, mine: Clause = EVERYTHING) -> Reader:
    def read(term: Term) -> Clause:
        low, high = parse_date_term(term)
        labels = mine & Clause("NOT l.deleted AND l.created_at >= :low AND l.created_at < :high", low=low, high=high)
        return match_subquery(row, Label, "data_row_no", labels, alias="l")

    return read


def _search_rows_first(reader: Reader, row: str) -> Reader:
    """Searches data rows by an index of their own first, because a project or dataset has more rows than match."""

    def read(term: Term) -> Clause:
        return match_subquery(row, DataRow, "no", reader(term), alias="dr")

    return read


def _match_asset_types(term: Term) -> Clause:
    """The condition that data rows are of one of these types of assets (SDK tests of slices 7.17.0)."""
    value = term.get("assetType")
    types = value.get("assetTypes") if isinstance(value, dict) else None
    if not isinstance(types, list) or not types or not all(isinstance(name, str) for name in types):
        raise MalformedRequest(
            f"The search term {term['type']!r} has the assetType {value!r}; expected "
            '{"type": "asset_type", "assetTypes": ["image"]}'
        )
    return Clause("dr.media_type IN :types", types=[name.upper() for name in types])


_OF_ROWS: Readers = {
    "data_row_last_activity_at": _match_activity,
    "data_row_id": _match_ids("dr.id"),
    "global_key": _match_global_keys,
}
_OF_CATALOG: Readers = {kind: _search_rows_first(reader, "dr.no") for kind, reader in _OF_ROWS.items()} | {
    "labeled_at": _match_labels("dr.no"),
    "dataset": _match_ids("dr.dataset_id"),
    "media_attribute_asset_type": _match_asset_types,
}
_OF_PROJECTS: Readers = {kind: _search_rows_first(reader, "pr.data_row_no") for kind, reader in _OF_ROWS.items()} | {
    "labeled_at": _match_labels("pr.data_row_no"),
    "batch": _match_ids("pr.batch_id"),
    "task_queue_status": _match_status,
    "task_queue_not_exist": _match_unlabelled,
}

BEFORE_ALL = -(2**62)
AFTER_ALL = 2**62


def parse_date_term(term: Term) -> tuple[int, int]:
    """The microseconds UTC that a date term covers: the first, and the first after the last."""
    value = term.get("value")
    operator = value.get("operator") if isinstance(value, dict) else None
    if not isinstance(value, dict) or operator not in ["BETWEEN", "GREATER_THAN_OR_EQUAL", "LESS_THAN_OR_EQUAL"]:
        raise MalformedRequest(
            f"The search term {term['type']!r} has operator {operator!r}; "
            "known are BETWEEN, GREATER_THAN_OR_EQUAL, LESS_THAN_OR_EQUAL"
        )
    zone = _parse_zone(term["type"], value.get("timezone"))
    bounds = value.get("value")
    if operator == "GREATER_THAN_OR_EQUAL":
        return _parse_moment(term["type"], bounds, zone)[0], AFTER_ALL
    if operator == "LESS_THAN_OR_EQUAL":
        return BEFORE_ALL, _parse_moment(term["type"], bounds, zone)[1]
    if not isinstance(bounds, dict):
        raise MalformedRequest(f'The search term {term["type"]!r} is BETWEEN {bounds!r}; expected {{"min", "max"}}')
    return _parse_moment(term["type"], bounds.get("min"), zone)[0], _parse_moment(
        term["type"], bounds.get("max"), zone
    )[1]


def _parse_zone(kind: str, name: Any) -> datetime.tzinfo:
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
_MOMENT = re.compile(f"{_DAY}({_TIME})?", re.ASCII)
"""The SDK's three forms (export_filters.py 7.17.0:64), and fractions of seconds. Python accepts more, like
`2024-W50-1`; how the service reads that is unknown."""


def _is_moment(text: Any) -> bool:
    return isinstance(text, str) and _MOMENT.fullmatch(text) is not None


def _parse_moment(kind: str, text: Any, zone: datetime.tzinfo) -> tuple[int, int]:
    """The first microsecond that the text of a moment covers, and the first after it: a whole day, a second, or a
    fraction of one (inferred)."""
    try:
        # "+0000" as the SDK writes offsets: fromisoformat reads it from 3.11 on.
        moment = datetime.datetime.fromisoformat(text if _is_moment(text) else "")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        first = _count_microseconds(moment)
        if len(text) == len("YYYY-MM-DD"):
            # Until the next midnight in that time zone: its day may have 23 or 25 hours.
            return first, _find_next_midnight(moment)
    except (ValueError, OverflowError):
        raise MalformedRequest(
            f"The search term {kind!r} has {text!r}; expected 'YYYY-MM-DD', 'YYYY-MM-DD hh:mm:ss' or ISO 8601"
        ) from None
    return first, first + (1 if moment.microsecond else 1_000_000)


def _count_microseconds(moment: datetime.datetime) -> int:
    """Microseconds since 1970 UTC. Works for the first and last hours of the calendar, whose UTC is outside of it."""
    offset = moment.utcoffset() or datetime.timedelta()
    return (moment.replace(tzinfo=None) - _EPOCH - offset) // datetime.timedelta(microseconds=1)


def _find_next_midnight(moment: datetime.datetime) -> int:
    try:
        return _count_microseconds(moment + datetime.timedelta(days=1))
    except OverflowError:
        return AFTER_ALL


_EPOCH = datetime.datetime(1970, 1, 1)  # noqa: DTZ001  UTC; offsets are subtracted by hand
