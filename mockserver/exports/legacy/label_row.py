"""A label and its data row, as one query of Export V1 returns them."""

from __future__ import annotations

from typing import NamedTuple

COLUMNS = (
    "l.no, l.id, l.project_id, l.data_row_no, l.feature_prefix, l.body_id, l.skipped, l.created_at, l.created_by,"
    " l.updated_at, l.seconds_to_create, l.seconds_to_review, l.is_benchmark, l.consensus_score, l.benchmark_score,"
    " dr.id, dr.media_type, dr.external_id, dr.row_data, dr.asset, dr.media_attributes, dr.dataset_id, dr.global_key,"
    " dr.metadata"
)
"""The columns of a LabelRow, in its order. `l` is the label and `dr` its data row."""


class LabelRow(NamedTuple):
    """The columns of a label, and those of its data row from `data_row_id` on. Timestamps are microseconds UTC."""

    no: int
    id: str
    project_id: str
    data_row_no: int
    feature_prefix: str
    body_id: int
    skipped: int
    created_at: int
    created_by: str
    updated_at: int
    seconds_to_create: int
    seconds_to_review: int
    is_benchmark: int
    consensus_score: float | None
    benchmark_score: float | None
    data_row_id: str
    media_type: str
    external_id: str | None
    row_data: str | None
    asset: str
    media_attributes: str
    dataset_id: str
    global_key: str | None
    metadata: str
