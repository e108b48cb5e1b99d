"""Entries of `labels` and `predictions` (payloads.md §1.4, §1.7), written for a piece of rows at a time."""

from __future__ import annotations

from collections.abc import Iterable

from mockserver.exports.annotations import Annotations
from mockserver.exports.dates import PayloadFormat
from mockserver.exports.names import Names
from mockserver.exports.request import ExportParams
from mockserver.exports.sections import Texts, match_numbers
from mockserver.exports.text import escape_non_ascii
from mockserver.world.database import Clause, Connection, Row
from mockserver.world.labels import PROJECT_STAND_IN, Label, Review
from mockserver.world.media import DEFAULT_KIND
from mockserver.world.moments import format_moment, format_nearest_second

PROJECT_MARK = escape_non_ascii(PROJECT_STAND_IN)
_COLUMNS = "data_row_no, id, feature_prefix, body_id, project_id"
_DETAILS = "no, created_by, created_at, updated_at, content_updated_at"
_PERFORMANCE = "skipped, seconds_to_create, seconds_to_review, seconds_to_rework, consensus_score, benchmark_score"
PARTS_OF_A_LABEL = 3
"""Head, body and end. Several labels have commas between."""
_MEASURED = 6
"""Columns of _PERFORMANCE."""

LabelKinds = dict[int, str]
"""Data row number -> `label_kind`, where that is not the default one: labels of clips have a kind of their own (SDK
tests)."""


class Labels:
    """The labels of one export."""

    def __init__(
        self, connection: Connection, names: Names, bodies: Annotations, params: ExportParams, form: PayloadFormat
    ) -> None:
        self._connection, self._names, self._bodies, self._params = connection, names, bodies, params
        self._tells_of_content = form.has("content_last_updated_at")
        self._single_masks = form.masks
        self._performance = _both_performances if form.has("performance_details_v2") else _performance
        details = f", {_DETAILS}" if params.include_label_details else ""
        self._columns = f"{_COLUMNS}{details}{f', {_PERFORMANCE}' if params.include_performance_details else ''}"

    def in_projects(self, clause: Clause, kinds: LabelKinds) -> dict[tuple[str, int], list[str]]:
        """Those that are not deleted, by project id and data row number: parts, several labels with commas between."""
        rows = self._rows(clause & Clause("NOT deleted"))
        return _by_place(((row[4], row[0]) for row in rows), self._written(rows, kinds))

    def by_id(self, label_ids: list[str], kinds: LabelKinds) -> dict[str, str]:
        """Those of them that are not deleted."""
        rows = self._rows(Clause("id IN :ids AND NOT deleted", ids=label_ids)) if label_ids else []
        return {row[1]: "".join(parts) for row, parts in zip(rows, self._written(rows, kinds), strict=True)}

    def predictions(self, rows: list[Row], kinds: LabelKinds) -> dict[tuple[str, int], list[str]]:
        """The same of rows (data row number, id, prefix, body, model run): they are built as labels are."""
        return _by_place(
            ((row[4], row[0]) for row in rows),
            self._annotated(rows, [""] * len(rows), self._bodies.read({row[3] for row in rows}), kinds),
        )

    def _rows(self, clause: Clause) -> list[Row]:
        return self._connection.select_columns(Label, self._columns, clause, order="data_row_no, no")

    def _written(self, rows: list[Row], kinds: LabelKinds) -> list[list[str]]:
        read = self._bodies.read({row[3] for row in rows})
        details = self._details(rows, read) if self._params.include_label_details else [""] * len(rows)
        if self._params.include_performance_details:
            details = list(map(str.__add__, details, self._performance(row[-_MEASURED:] for row in rows)))
        return self._annotated(rows, details, read, kinds)

    def _annotated(
        self, rows: list[Row], details: list[str], read: dict[int, list[str]], kinds: LabelKinds
    ) -> list[list[str]]:
        """In parts, as bodies are long. Single masks are addressed through the project; of a prediction,
        through its model run (inferred)."""
        bodies = [row[2].join(read[row[3]]) for row in rows]
        if self._single_masks != "composite" and (kinds or self._single_masks != "own"):
            bodies = [body.replace(PROJECT_MARK, row[4]) for row, body in zip(rows, bodies, strict=True)]
        heads = [
            f'{{"label_kind":"{kinds.get(row[0], DEFAULT_KIND)}","version":"1.0.0","id":"{row[1]}",{more}"annotations":'
            for row, more in zip(rows, details, strict=True)
        ]
        return [[head, body, "}"] for head, body in zip(heads, bodies, strict=True)]

    def _details(self, rows: list[Row], read: dict[int, list[str]]) -> list[str]:
        """Keys in the order of the sample. A label without annotations has no moment of its content (observed
        2026-07): its body is whole, as no feature id cuts it."""
        reviews, emails = self._reviews([row[5] for row in rows]), self._names.emails
        content = [
            f'"content_last_updated_at":"{format_moment(row[9])}",'
            if self._tells_of_content and len(read[row[3]]) > 1
            else ""
            for row in rows
        ]
        return [
            f'"label_details":{{"created_at":"{format_nearest_second(row[7])}",'
            f'"updated_at":"{format_nearest_second(row[8])}",'
            f'"created_by":{emails[row[6]]},{told}"reviews":[{reviews.get(row[5], "")}]}},'
            for row, told in zip(rows, content, strict=True)
        ]

    def _reviews(self, labels: list[int]) -> Texts:
        """By label number. Items as in V1, in snake case (inferred: all samples have empty lists)."""
        clause, emails = match_numbers("label_no", labels), self._names.emails
        columns = "label_no, id, score, created_at, created_by"
        reviews = self._connection.select_columns(Review, columns, clause, order="label_no, no")
        found: Texts = {}
        for label, review, score, created, person in reviews:
            creation = f'"created_at":"{format_moment(created)}","created_by":{emails[person]}'
            text = f'{{"id":"{review}","score":{score!r},{creation}}}'
            found[label] = f"{found[label]},{text}" if label in found else text
        return found


def _by_place(places: Iterable[tuple[str, int]], texts: list[list[str]]) -> dict[tuple[str, int], list[str]]:
    found: dict[tuple[str, int], list[str]] = {}
    for place, parts in zip(places, texts, strict=True):
        before = found.setdefault(place, parts)
        if before is not parts:
            before += [",", *parts]
    return found


def _performance(measured: Iterable[Row]) -> Iterable[str]:
    """Scores only where they were measured."""
    for skipped, to_create, to_review, _, consensus, benchmark in measured:
        yield (
            f'"performance_details":{{"seconds_to_create":{to_create},"seconds_to_review":{to_review},'
            f'"skipped":{"true" if skipped else "false"}{_scores(consensus, benchmark)}}},'
        )


def _both_performances(measured: Iterable[Row]) -> Iterable[str]:
    """The newer block tells of what the seconds to create are made of (observed 2025-05)."""
    for skipped, to_create, to_review, to_rework, consensus, benchmark in measured:
        end = f'"skipped":{"true" if skipped else "false"}{_scores(consensus, benchmark)}}},'
        yield (
            f'"performance_details":{{"seconds_to_create":{to_create},"seconds_to_review":{to_review},{end}'
            f'"performance_details_v2":{{"seconds_to_label":{to_create - to_review - to_rework},'
            f'"seconds_to_review":{to_review},"seconds_to_rework":{to_rework},"seconds_total":{to_create},{end}'
        )


def _scores(consensus: float | None, benchmark: float | None) -> str:
    scores = "" if benchmark is None else f',"benchmark_score":{benchmark!r}'
    return scores if consensus is None else f'{scores},"consensus_score":{consensus!r}'
