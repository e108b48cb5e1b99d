"""The filters of a list of data rows: those of Export V2, and a search by the beginning of a name."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from mockserver.console.subjects import Subject
from mockserver.console.view import View
from mockserver.errors import BadInput
from mockserver.exports import words
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.data_rows import DataRow

DATES = {
    "label_created_at": ("label_created_from", "label_created_to"),
    "last_activity_at": ("active_from", "active_to"),
}
"""Filter -> the two fields of the form."""
LISTS = {"data_row_ids": "id", "global_keys": "key", "batch_ids": "batch"}
"""Filter -> the field of the form, which may be there several times and may hold several values."""
STATUS = "workflow_status"
FIELDS = (*(field for pair in DATES.values() for field in pair), *LISTS.values(), STATUS, "q")
FEW = 1000
"""Data rows that a search finds by an index; where more begin with the text, the list is read in its order."""
LONGEST_SEARCH = 500
_SEPARATORS = re.compile(r"[\s,]+")


class RowFilters(NamedTuple):
    """The filters in the SDK's words, the terms that it sends for them, and the searched text."""

    filters: dict[str, Any]
    terms: list[words.Term]
    text: str

    @property
    def are_set(self) -> bool:
        return bool(self.filters or self.text)


def read_filters(view: View, subject: Subject) -> RowFilters:
    """Reads the filters of the address. Raises BadInput."""
    query = view.request.query_params
    filters: dict[str, Any] = {}
    for name, fields in DATES.items():
        low, high = (query.get(field, "").strip() or None for field in fields)
        if low or high:
            filters[name] = [low, high]
    for name, field in LISTS.items():
        values = [value for text in query.getlist(field) for value in _SEPARATORS.split(text) if value]
        if values:
            filters[name] = list(dict.fromkeys(values))
    if query.get(STATUS):
        filters[STATUS] = query[STATUS]
    return RowFilters(filters, words.build_terms(filters, subject.kind.filters), query.get("q", "").strip())


def query_of(view: View) -> dict[str, list[str]]:
    """Returns the filters of the address as parameters, to carry them to another view."""
    query = view.request.query_params
    return {field: query.getlist(field) for field in FIELDS if any(query.getlist(field))}


def build_search(connection: Connection, text: str) -> Clause:
    """Builds the condition that a data row's global key, external id or id begins with a text. Raises BadInput.

    Few such rows are found by the indexes; where many are, reading the list in its order finds the next page sooner.
    """
    if len(text) > LONGEST_SEARCH:
        raise BadInput(f"The search has {len(text)} characters; at most {LONGEST_SEARCH} are searched")
    end = text + "\U0010ffff"
    numbers: set[int] = set()
    for column in ("global_key", "external_id", "id"):
        condition = Clause(f"{column} >= :text AND {column} < :end", text=text, end=end)
        numbers.update(row[0] for row in connection.select_columns(DataRow, "no", condition, first=FEW + 1))
    if len(numbers) <= FEW:
        return Clause("dr.no IN :numbers", numbers=sorted(numbers))
    names = ("global_key", "external_id", "id")
    return Clause(" OR ".join(f"(dr.{name} >= :text AND dr.{name} < :end)" for name in names), text=text, end=end)


def match_rows_of(column: str, row_nos: list[int]) -> Clause:
    """The condition that `column` is the number of one of these data rows."""
    return Clause(f"{column} IN :numbers", numbers=row_nos)
