"""The columns of a batch of rows: a query returns rows, Export V2 is written by columns.

A column holds one value for each row of the batch. A column that was not selected is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from mockserver.world.record import Row

Column = tuple[Any, ...]
Columns = TypeVar("Columns")


class DataRowColumns(NamedTuple):
    """The columns of data rows, named as in their table."""

    no: Column = ()
    id: Column = ()
    global_key: Column = ()
    external_id: Column = ()
    row_data: Column = ()
    """None for a row whose file the server hosts, and for a long text that is not read yet."""
    row_data_size: Column = ()
    """Bytes, and None for a row whose file the server hosts."""
    media_type: Column = ()
    media_attributes: Column = ()
    metadata: Column = ()
    dataset_id: Column = ()
    created_at: Column = ()
    updated_at: Column = ()
    last_activity_at: Column = ()
    created_by: Column = ()


class LabelColumns(NamedTuple):
    """The columns of labels or predictions, named as in the table of labels."""

    data_row_no: Column = ()
    id: Column = ()
    feature_prefix: Column = ()
    body_id: Column = ()
    parent_id: Column = ()
    """The project id of a label, the model run id of a prediction."""
    no: Column = ()
    created_by: Column = ()
    created_at: Column = ()
    updated_at: Column = ()
    content_updated_at: Column = ()
    skipped: Column = ()
    seconds_to_create: Column = ()
    seconds_to_review: Column = ()
    seconds_to_rework: Column = ()
    consensus_score: Column = ()
    benchmark_score: Column = ()


def cut_rows(rows: DataRowColumns, first: int, end: int) -> DataRowColumns:
    """The columns of the rows from `first` to before `end`."""
    return DataRowColumns._make(column[first:end] for column in rows)


def transpose_rows(kind: Callable[..., Columns], names: Sequence[str], rows: list[Row]) -> Columns:
    """The columns of rows whose values have these names, in this order."""
    return kind(**dict(zip(names, zip(*rows, strict=True), strict=True))) if rows else kind()
