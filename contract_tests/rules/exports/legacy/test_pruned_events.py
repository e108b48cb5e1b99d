"""A file of Export V1 is not returned again when events since then were deleted."""

from pathlib import Path

import pytest

from contract_tests.rules.worlds import generate_world
from mockserver.exports.legacy.files import has_changed
from mockserver.exports.legacy.requests import LabelsRequest, parse_labels_request
from mockserver.world.clause import Clause
from mockserver.world.record import JsonText
from mockserver.world.records.events import Event
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store


@pytest.mark.parametrize(
    ("left", "changed"), [([1, 2, 3, 4], False), ([4], True), ([1, 3, 4], True), ([3, 4], True), ([1, 4], True)]
)
def test_events_that_are_not_on_record_count_as_changes(tmp_path: Path, left: list[int], changed: bool) -> None:
    """The file knows of the first event; all later ones happened elsewhere."""
    store = Store.create(SqliteDatabase(tmp_path / "world.sqlite"), *generate_world())
    request = parse_labels_request({"projectId": "the project"})
    assert isinstance(request, LabelsRequest)
    with store.change() as change:
        events = [Event(no, "LABEL_CREATED", 1, "another", None, None, JsonText("{}")) for no in range(1, 5)]
        change.connection.insert(events)
        change.connection.delete(Event, Clause("no NOT IN :left", left=left))
        assert has_changed(change.connection, request, 1) is changed
    store.close()
