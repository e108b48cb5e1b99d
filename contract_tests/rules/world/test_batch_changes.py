"""Batches that are nearly full."""

import pytest

from contract_tests.rules.world.test_label_changes import project_of
from mockserver.errors import MalformedRequest
from mockserver.world.changes.batches import MOST_ROWS, BatchChanges, Consensus
from mockserver.world.changes.row_lookup import RowRef
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import match_rows_outside
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.projects import Batch
from mockserver.world.store import Store


def test_the_room_of_a_batch_is_that_for_data_rows_which_the_project_does_not_have(store: Store) -> None:
    batches, project = BatchChanges(store), project_of(store)
    batch = batches.create_batch(project, "nearly full", Consensus())
    with store.change() as change:
        change.connection.update(Batch, Clause("id = :id", id=batch.id), size=MOST_ROWS - 2)
        outside = change.connection.select(DataRow, match_rows_outside(project), order="no", first=3)
        inside = change.connection.select(DataRow, Clause("no = :no", no=1))
    rows = [RowRef(row.no, row.id) for row in outside]
    batches.check_room(batch, [*rows[:2], RowRef(inside[0].no, inside[0].id)])
    with pytest.raises(MalformedRequest, match="exceeds max size"):
        batches.check_room(batch, rows)
