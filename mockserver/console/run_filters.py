"""The filters of a model run's data rows: by split, and by the confidence of the predictions on them.

Exports of model runs take no filters (SDK model_run.py 7.17.0 export), so these are the page's own: an export with them
is one of the catalog, with the ids of the data rows that match.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mockserver.console.subjects import Subject
from mockserver.console.view import View
from mockserver.errors import BadInput
from mockserver.exports.scope import Scope
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.database import Connection
from mockserver.world.queries.sources import PREDICTIONS
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import Body
from mockserver.world.records.models import DataSplit

MOST_EXAMINED = 100_000
"""Predictions of a run whose confidences are examined for one view."""
BATCH = 500
"""Predictions that are examined with one query for their bodies."""
FIELDS = ("split", "confidence_from", "confidence_to")
_NUMBER = re.compile(r"[0-9]{0,20}\.?[0-9]{1,20}(?:e-?[0-9]{1,3})?", re.IGNORECASE)
_CONFIDENCE = re.compile(rb'"confidence":([-+.0-9eE]+)')
"""A confidence in a body, which is JSON without spaces; inside of a text both quotes would have a backslash."""


class RunFilters(NamedTuple):
    """The filters of the address; an empty split and a bound that is None match everything."""

    split: str
    lowest: float | None
    highest: float | None
    query: dict[str, list[str]]
    """The parameters of the address that set them."""

    @property
    def are_set(self) -> bool:
        return bool(self.query)

    @property
    def have_range(self) -> bool:
        return self.lowest is not None or self.highest is not None

    @property
    def condition(self) -> Clause:
        """The condition for the split."""
        return Clause("mr.data_split = :split", split=self.split) if self.split else EVERYTHING

    def match(self, content: bytes) -> bool:
        """Whether a prediction has an annotation or an answer with a confidence of the range."""
        low = 0.0 if self.lowest is None else self.lowest
        high = 1.0 if self.highest is None else self.highest
        return any(low <= float(value) <= high for value in _CONFIDENCE.findall(content))


class Matches(NamedTuple):
    """The numbers of the data rows that match, in order; `are_all` is false if more predictions are in the run than
    are examined."""

    numbers: list[int]
    are_all: bool


def read_run_filters(view: View, subject: Subject) -> RunFilters:
    """Reads the filters of the address, which only a model run has. Raises BadInput."""
    names = FIELDS if subject.kind_name == "model_run" else ()
    query = {name: view.query[name].strip() for name in names if view.query.get(name, "").strip()}
    split = query.get("split", "")
    if split and split not in list(DataSplit):
        raise BadInput(f"split is {split!r}; expected one of {', '.join(DataSplit)}")
    lowest, highest = (_read_confidence(name, query.get(name)) for name in FIELDS[1:])
    if lowest is not None and highest is not None and lowest > highest:
        raise BadInput(f"confidence_from is {lowest}, which is greater than confidence_to, {highest}")
    return RunFilters(split, lowest, highest, {name: [value] for name, value in query.items()})


def _read_confidence(name: str, text: str | None) -> float | None:
    """Reads a number from 0 to 1. Raises BadInput."""
    if text is None:
        return None
    if not _NUMBER.fullmatch(text) or not 0 <= (value := float(text)) <= 1:
        raise BadInput(f"{name} is {text!r}; expected a number from 0 to 1, like 0.75")
    return value


def find_confident_rows(connection: Connection, scope: Scope, filters: RunFilters) -> Matches:
    """Finds the data rows of a run that have a prediction in the range of confidence."""
    verdicts: dict[int, bool] = {}
    numbers: dict[int, None] = {}
    examined = 0
    columns = "mr.data_row_no, p.body_id"
    for batch in connection.select_batches(PREDICTIONS, columns, scope.condition, order=scope.order, size=BATCH):
        _examine_bodies(connection, {body for _, body in batch} - verdicts.keys(), filters, verdicts)
        numbers |= {number: None for number, body in batch if verdicts.get(body)}
        examined += len(batch)
        if examined >= MOST_EXAMINED:
            return Matches(list(numbers), False)
    return Matches(list(numbers), True)


def _examine_bodies(connection: Connection, ids: set[int], filters: RunFilters, verdicts: dict[int, bool]) -> None:
    for number, content in connection.select_columns(Body, "id, content", Clause("id IN :ids", ids=sorted(ids))):
        verdicts[number] = filters.match(content)


def list_matching_ids(connection: Connection, scope: Scope, filters: RunFilters, most: int) -> list[str]:
    """Lists the ids of the data rows that match, one more than `most` if there are more. Raises BadInput if not all
    predictions of the run can be examined."""
    if filters.have_range:
        matches = find_confident_rows(connection, scope, filters)
        if not matches.are_all:
            raise BadInput(
                f"Confidence is examined in runs of at most {MOST_EXAMINED:,} predictions; narrow it by split"
            )
        numbers = matches.numbers[: most + 1]
        ids: dict[int, str] = dict(
            connection.select_columns(DataRow, "no, id", Clause("no IN :numbers", numbers=numbers))
        )
        return [ids[number] for number in numbers]
    rows = connection.select_columns(scope.source, "dr.id", scope.condition, order=scope.order, first=most + 1)
    return [row[0] for row in rows]
