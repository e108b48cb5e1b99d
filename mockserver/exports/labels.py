"""Entries of `labels` and `predictions` (payloads.md §1.4, §1.7), rendered for a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from mockserver.exports.annotations import Annotations
from mockserver.exports.columns import LabelColumns, transpose_rows
from mockserver.exports.dates import PayloadFormat
from mockserver.exports.names import Names
from mockserver.exports.request import ExportParams
from mockserver.exports.sections import Texts, match_numbers
from mockserver.exports.text import escape_non_ascii
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.media import DEFAULT_KIND
from mockserver.world.moments import format_moment, format_nearest_second
from mockserver.world.record import Row
from mockserver.world.records.labels import PROJECT_STAND_IN, Label, Review
from mockserver.world.records.models import Prediction

PROJECT_MARK = escape_non_ascii(PROJECT_STAND_IN)
_COLUMNS = ("data_row_no", "id", "feature_prefix", "body_id")
"""Columns of both labels and predictions, in front of their project or model run."""
_DETAILS = ("no", "created_by", "created_at", "updated_at", "content_updated_at")
_PERFORMANCE = (
    "skipped", "seconds_to_create", "seconds_to_review", "seconds_to_rework", "consensus_score", "benchmark_score"
)  # fmt: skip
PARTS_OF_A_LABEL = 3
"""Head, body and end. Several labels have commas between them."""

LabelKinds = dict[int, str]
"""Data row number -> `label_kind`, where that is not the default one: labels of clips have a kind of their own (SDK
tests)."""


class Labels:
    """The labels of one export."""

    def __init__(
        self, connection: Connection, names: Names, bodies: Annotations, params: ExportParams, form: PayloadFormat
    ) -> None:
        self._connection, self._names, self._bodies, self._params = connection, names, bodies, params
        self._dates_content = form.has("content_last_updated_at")
        self._single_masks = form.masks
        self._write_performance = (
            _render_both_performances if form.has("performance_details_v2") else _render_performance
        )
        details = _DETAILS if params.include_label_details else ()
        self._columns = (*details, *(_PERFORMANCE if params.include_performance_details else ()))

    def render_by_project(self, clause: Clause, kinds: LabelKinds) -> dict[tuple[str, int], list[str]]:
        """The labels that meet the condition, without deleted ones, by project id and data row number. Each value is a
        list of parts; several labels have commas between them."""
        labels = self._select(clause & Clause("NOT deleted"))
        return _group_by_row(labels, self._render(labels, kinds))

    def render_by_id(self, label_ids: list[str], kinds: LabelKinds) -> dict[str, str]:
        """The labels with these ids, without deleted ones."""
        labels = self._select(Clause("id IN :ids AND NOT deleted", ids=label_ids)) if label_ids else LabelColumns()
        return {
            label_id: "".join(parts) for label_id, parts in zip(labels.id, self._render(labels, kinds), strict=True)
        }

    def render_predictions(self, clause: Clause, kinds: LabelKinds) -> dict[tuple[str, int], list[str]]:
        """Predictions by model run id and data row number. They are built like labels."""
        predictions = self._select_columns(Prediction, "model_run_id", (), clause)
        bodies = self._bodies.read(predictions.body_id)
        return _group_by_row(predictions, self._join(predictions, [""] * len(predictions.id), bodies, kinds))

    def _select(self, clause: Clause) -> LabelColumns:
        return self._select_columns(Label, "project_id", self._columns, clause)

    def _select_columns(
        self, kind: type[Label | Prediction], parent: str, more: tuple[str, ...], clause: Clause
    ) -> LabelColumns:
        selected = ", ".join((*_COLUMNS, parent, *more))
        rows = self._connection.select_columns(kind, selected, clause, order="data_row_no, no")
        return transpose_rows(LabelColumns, (*_COLUMNS, "parent_id", *more), rows)

    def _render(self, labels: LabelColumns, kinds: LabelKinds) -> list[list[str]]:
        bodies = self._bodies.read(labels.body_id)
        details = self._render_details(labels, bodies) if self._params.include_label_details else [""] * len(labels.id)
        if self._params.include_performance_details:
            details = list(map(str.__add__, details, self._write_performance(labels)))
        return self._join(labels, details, bodies, kinds)

    def _join(
        self, labels: LabelColumns, details: list[str], parts: dict[int, list[str]], kinds: LabelKinds
    ) -> list[list[str]]:
        """Each label in parts, because bodies are long. The URL of a single mask names the project, or the model run of
        a prediction (inferred)."""
        bodies = [prefix.join(parts[body]) for prefix, body in zip(labels.feature_prefix, labels.body_id, strict=True)]
        if self._single_masks != "composite" and (kinds or self._single_masks != "own"):
            parents = zip(labels.parent_id, bodies, strict=True)
            bodies = [body.replace(PROJECT_MARK, parent) for parent, body in parents]
        heads = [
            f'{{"label_kind":"{kinds.get(row, DEFAULT_KIND)}","version":"1.0.0","id":"{label_id}",{more}"annotations":'
            for row, label_id, more in zip(labels.data_row_no, labels.id, details, strict=True)
        ]
        return [[head, body, "}"] for head, body in zip(heads, bodies, strict=True)]

    def _render_details(self, labels: LabelColumns, bodies: dict[int, list[str]]) -> list[str]:
        """The `label_details`, with keys in the order of the sample. A label without annotations has no timestamp of
        its content (observed 2026-07): its body has only one part, because no feature id splits it."""
        reviews, emails = self._render_reviews(list(labels.no)), self._names.emails
        content = [
            f'"content_last_updated_at":"{format_moment(updated)}",'
            if self._dates_content and len(bodies[body]) > 1
            else ""
            for updated, body in zip(labels.content_updated_at, labels.body_id, strict=True)
        ]
        return [
            f'"label_details":{{"created_at":"{format_nearest_second(created)}",'
            f'"updated_at":"{format_nearest_second(updated)}",'
            f'"created_by":{emails[person]},{content_moment}"reviews":[{reviews.get(number, "")}]}},'
            for number, created, updated, person, content_moment in zip(
                labels.no, labels.created_at, labels.updated_at, labels.created_by, content, strict=True
            )
        ]

    @cached_property
    def _has_reviews(self) -> bool:
        """Whether there is a review at all. Most worlds have none, and need no query for each batch."""
        return bool(self._connection.select_columns(Review, "no", first=1))

    def _render_reviews(self, labels: list[int]) -> Texts:
        """Reviews by label number. Items are as in V1, in snake case (inferred: all samples have empty lists)."""
        if not self._has_reviews:
            return {}
        clause, emails = match_numbers("label_no", labels), self._names.emails
        columns = "label_no, id, score, created_at, created_by"
        reviews = self._connection.select_columns(Review, columns, clause, order="label_no, no")
        texts: Texts = {}
        for label, review, score, created, person in reviews:
            creation = f'"created_at":"{format_moment(created)}","created_by":{emails[person]}'
            text = f'{{"id":"{review}","score":{score!r},{creation}}}'
            texts[label] = f"{texts[label]},{text}" if label in texts else text
        return texts


def _group_by_row(labels: LabelColumns, texts: list[list[str]]) -> dict[tuple[str, int], list[str]]:
    """The texts by parent and data row number, with commas between several of one row."""
    groups: dict[tuple[str, int], list[str]] = {}
    places = zip(labels.parent_id, labels.data_row_no, strict=True)
    for place, parts in zip(places, texts, strict=True):
        before = groups.setdefault(place, parts)
        if before is not parts:
            before += [",", *parts]
    return groups


def _render_performance(labels: LabelColumns) -> Iterator[str]:
    """Yields `performance_details`, with scores only if they were measured."""
    for skipped, to_create, to_review, _, consensus, benchmark in _list_performances(labels):
        yield (
            f'"performance_details":{{"seconds_to_create":{to_create},"seconds_to_review":{to_review},'
            f'"skipped":{"true" if skipped else "false"}{_render_scores(consensus, benchmark)}}},'
        )


def _render_both_performances(labels: LabelColumns) -> Iterator[str]:
    """Yields both blocks: the newer one divides the seconds to create into their parts (observed 2025-05)."""
    for skipped, to_create, to_review, to_rework, consensus, benchmark in _list_performances(labels):
        end = f'"skipped":{"true" if skipped else "false"}{_render_scores(consensus, benchmark)}}},'
        yield (
            f'"performance_details":{{"seconds_to_create":{to_create},"seconds_to_review":{to_review},{end}'
            f'"performance_details_v2":{{"seconds_to_label":{to_create - to_review - to_rework},'
            f'"seconds_to_review":{to_review},"seconds_to_rework":{to_rework},"seconds_total":{to_create},{end}'
        )


def _list_performances(labels: LabelColumns) -> Iterator[Row]:
    """Yields the columns of _PERFORMANCE, row by row."""
    return zip(
        labels.skipped, labels.seconds_to_create, labels.seconds_to_review, labels.seconds_to_rework,
        labels.consensus_score, labels.benchmark_score, strict=True,
    )  # fmt: skip


def _render_scores(consensus: float | None, benchmark: float | None) -> str:
    scores = "" if benchmark is None else f',"benchmark_score":{benchmark!r}'
    return scores if consensus is None else f'{scores},"consensus_score":{consensus!r}'
