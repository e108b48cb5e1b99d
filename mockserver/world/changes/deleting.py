"""Marking records deleted."""

from __future__ import annotations

from typing import TypeVar

from mockserver.world.change import Change
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import Label

D = TypeVar("D", DataRow, Label)

IDS_PER_STATEMENT = 10_000


def mark_deleted(change: Change, kind: type[D], record_ids: list[str]) -> list[D]:
    """Marks records deleted, each once, and returns them as they were.

    Either all of them are marked or none is: raises NotFound naming the first that does not exist.
    """
    unique_ids = list(dict.fromkeys(record_ids))
    records: dict[str, D] = {}
    for start in range(0, len(unique_ids), IDS_PER_STATEMENT):
        live = Clause("id IN :ids AND NOT deleted", ids=unique_ids[start : start + IDS_PER_STATEMENT])
        records |= {record.id: record for record in change.connection.select(kind, live)}
        change.connection.update(kind, live, deleted=True, updated_at=change.now)
    return [records[record_id] if record_id in records else change.one(kind, record_id) for record_id in unique_ids]
