"""A label and its data row, as one query of Export V1 returns them."""

from __future__ import annotations

from typing import NamedTuple

from mockserver.exports.allowance import SHORT, Allowance, select_long, select_short
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.data_rows import DataRow

COLUMNS = (
    "l.no, l.id, l.project_id, l.data_row_no, l.feature_prefix, l.body_id, l.skipped, l.created_at, l.created_by,"
    " l.updated_at, l.seconds_to_create, l.seconds_to_review, l.is_benchmark, l.consensus_score, l.benchmark_score,"
    f" dr.id, dr.media_type, dr.external_id, {select_short('dr.row_data')}, {select_short('dr.asset')},"
    " dr.media_attributes, dr.dataset_id, dr.global_key, dr.metadata"
)
"""The columns of a LabelRow, in its order. `l` is the label and `dr` its data row."""


class LabelRow(NamedTuple):
    """The columns of a label, and those of its data row from `data_row_id` on. Timestamps are microseconds UTC, sizes
    bytes. A long text is None until `read_long_texts` has read it."""

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
    row_data_size: int | None
    asset: str | None
    asset_size: int | None
    media_attributes: str
    dataset_id: str
    global_key: str | None
    metadata: str


def read_long_texts(connection: Connection, rows: list[LabelRow], allowance: Allowance) -> list[LabelRow]:
    """The rows with their long texts. Each label has a copy of the text. Raises TooMuchTogether."""
    allowance.take(sum((row.row_data_size or 0) + (row.asset_size or 0) for row in rows))
    numbers = [row.data_row_no for row in rows if max(row.row_data_size or 0, row.asset_size or 0) > SHORT]
    if not numbers:
        return rows
    clause = Clause("no IN :numbers", numbers=list(dict.fromkeys(numbers)))
    texts = select_long(connection, DataRow, "no", "row_data", clause)
    assets = select_long(connection, DataRow, "no", "asset", clause)
    return [
        row._replace(row_data=texts.get(row.data_row_no, row.row_data), asset=assets.get(row.data_row_no, row.asset))
        for row in rows
    ]
