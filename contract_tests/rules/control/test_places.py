"""The records that an event chooses, and the cost of the choice: never a scan of a large table."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from contract_tests.rules.results.memory_results import MemoryResults
from contract_tests.rules.worlds import build_database, open_store
from mockserver.control import places
from mockserver.control.event_bodies import EventMade, MakeEvent
from mockserver.control.events import make_event
from mockserver.control.happenings import HAPPENINGS
from mockserver.errors import NotFound
from mockserver.faults.armed import ActiveFaults
from mockserver.journal.journal import Journals
from mockserver.results.budget import Budget
from mockserver.storage.interface import Life, new_manifest
from mockserver.storage.manifest import Origin
from mockserver.webhooks import subscriptions
from mockserver.webhooks.dispatcher import Dispatcher
from mockserver.webhooks.options import WebhookOptions
from mockserver.webhooks.targets import Allowed
from mockserver.workspaces.workspace import Parts, Workspace, store_hooks
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.deliveries import Room
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.events import TOPICS
from mockserver.world.records.labels import Review
from mockserver.world.sqlite import SqliteConnection

EVENTS = [event for event in HAPPENINGS if event != "PROJECT_TAGGED"]
"""Events that can be made to happen to a data row."""
POPULOUS = {"attempt", "body", "comment", "data_row", "event", "issue", "label", "outbox", "project_row", "review"}
"""Tables that grow with a world or with what happens in it."""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """One that nobody serves: no dispatcher runs."""
    database = build_database(tmp_path)
    manifest = new_manifest("rules", Origin(), incarnation=None)
    with ThreadPoolExecutor(1) as threads:
        journals = Journals(most_entries=1, most_bytes=1, most_body=1)
        parts = Parts(threads, Budget(10**9), Dispatcher(Allowed()), journals, ActiveFaults(), "http://127.0.0.1")
        with open_store(database, hooks=store_hooks(manifest, parts)) as store:
            yield Workspace(Life(manifest, store, MemoryResults()), parts)


def happens(workspace: Workspace, event: str, **place: str) -> EventMade:
    return make_event(workspace, msgspec.convert({"event": event, "project": "image", **place}, MakeEvent))


@pytest.mark.parametrize("few", [True, False], ids=["few reviews", "many reviews"])
@pytest.mark.parametrize("event", EVENTS)
def test_an_event_looks_at_few_rows_however_many_there_are(
    workspace: Workspace, event: str, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The messages about it and the dispatcher's next turn included."""
    monkeypatch.setattr(places, "FEW", 1000 if few else 0)
    subscribe(workspace, "v1")
    subscribe(workspace, "v2")
    for needed in ("ISSUE_CREATED", "ISSUE_CREATED", "REVIEW_CREATED", "REVIEW_CREATED", event):
        happens(workspace, needed)
    sent = statements(workspace, event)
    assert len(sent) > 10
    assert {sql: steps for sql, params in sent.items() if (steps := costly(workspace, sql, params))} == {}


def subscribe(workspace: Workspace, version: Literal["v1", "v2"]) -> None:
    options = WebhookOptions(url="http://127.0.0.1:1/", secret="s", topics=list(TOPICS), version=version)
    subscriptions.subscribe(workspace.deliveries, options)


def statements(workspace: Workspace, event: str) -> dict[str, Any]:
    """Returns the statements sent to the database, each with the parameters that it was sent with first."""
    sent: dict[str, Any] = {}

    def trace(_cursor: Any, sql: str, params: Any) -> bool:
        sent.setdefault(sql, params)
        return True

    with workspace.store.reading() as connection:
        assert isinstance(connection, SqliteConnection)
        connection._raw.exec_trace = trace
        happens(workspace, event)
        workspace.deliveries.record_and_read_due([], {}, Room(10, 1_000_000), {})
        connection._raw.exec_trace = None
    return {sql: params for sql, params in sent.items() if sql.startswith(("SELECT", "UPDATE", "DELETE"))}


def costly(workspace: Workspace, sql: str, params: Any) -> list[str]:
    """Steps that look at all of a populous table, or at all that a project has in it."""
    if f"(SELECT 1 FROM review LIMIT {places.FEW})" in sql or sql.endswith("WHERE TRUE LIMIT 1"):
        return []  # a part of a table, or its first row, whichever that is
    with workspace.store.reading() as connection:
        steps = [row[3] for row in connection.rows(f"EXPLAIN QUERY PLAN {sql}", params)]
    by_table = [(step, table_of(step.split()[1], sql)) for step in steps if step.startswith(("SCAN", "SEARCH"))]
    first = sql.endswith(("LIMIT 1", "LIMIT 1 OFFSET 0")) and not any("TEMP" in step for step in steps)
    whole = [step for step, table in by_table if table in POPULOUS and is_of_all(step, first=first)]
    return [step for step in whole if not ("SCAN review" in step and "no IN (SELECT label_no" in sql)]


def is_of_all(step: str, *, first: bool) -> bool:
    """Whether a step reads all rows of a project: a read in the order of an index ends at the first match."""
    return step.startswith("SCAN") or (not first and step.endswith("(project_id=?)"))


def table_of(name: str, sql: str) -> str:
    """Returns the table that has an alias in a statement."""
    match = re.search(rf"\b(?:FROM|JOIN) (\w+) {name}\b", sql)
    return match[1] if match else name


def test_data_rows_take_turns_in_the_order_in_which_they_were_created(workspace: Workspace) -> None:
    everything = rows(workspace)
    turns = [happens(workspace, "METADATA_UPDATED").data_row_id for _ in range(len(everything) + 2)]
    assert turns == [*everything, *everything[:2]]
    happens(workspace, "ISSUE_CREATED", data_row=everything[6])
    assert happens(workspace, "METADATA_UPDATED").data_row_id == everything[7]


def rows(workspace: Workspace) -> list[str]:
    with workspace.store.reading() as connection:
        mine = Clause("no IN (SELECT data_row_no FROM project_row WHERE project_id = :id)", id=project(workspace))
        return [row.id for row in connection.select(DataRow, mine, order="no")]


def project(workspace: Workspace) -> str:
    with workspace.store.reading() as connection:
        return str(connection.value("SELECT id FROM project WHERE name = 'image'"))


def test_a_row_of_several_labels_gives_another_one_each_time(workspace: Workspace) -> None:
    row = rows(workspace)[0]
    labels = {happens(workspace, "LABEL_CREATED", data_row=row).label_id for _ in range(2)}
    for _ in range(2):
        labels.discard(happens(workspace, "LABEL_UPDATED", data_row=row).label_id)
    labels.discard(happens(workspace, "LABEL_UPDATED", data_row=row).label_id)
    assert labels == set()


def test_the_review_of_a_row_is_found_on_whichever_label_has_it(workspace: Workspace) -> None:
    row = rows(workspace)[0]
    with workspace.store.change() as change:
        change.connection.delete(Review)
    label = happens(workspace, "LABEL_CREATED", data_row=row).label_id
    assert label is not None
    happens(workspace, "REVIEW_CREATED", label=label)
    assert happens(workspace, "REVIEW_UPDATED", data_row=row).label_id == label
    assert happens(workspace, "REVIEW_DELETED").label_id == label


@pytest.mark.parametrize(
    "event", ["LABEL_UPDATED", "LABEL_DELETED", "REVIEW_UPDATED", "ISSUE_UPDATED", "ISSUE_DELETED"]
)
def test_nothing_happens_on_a_data_row_that_was_deleted(workspace: Workspace, event: str) -> None:
    issue = happens(workspace, "ISSUE_CREATED", data_row=rows(workspace)[0])
    assert issue.data_row_id is not None
    label = happens(workspace, "REVIEW_CREATED", data_row=issue.data_row_id).label_id
    assert label is not None
    CatalogChanges(workspace.store).delete_data_rows(rows(workspace))
    with pytest.raises(NotFound, match="on this project"):
        happens(workspace, event)
    with pytest.raises(NotFound, match="does not exist in project"):
        happens(workspace, event, label=label)


@pytest.mark.parametrize("column", ["subscription_id", "state", "topic"])
def test_deliveries_are_narrowed_by_an_index(workspace: Workspace, column: str) -> None:
    """Their bodies are large: a look at each of 100,000 takes a third of a second."""
    sql = f"SELECT * FROM outbox WHERE no > 0 AND {column} = 'x' ORDER BY no LIMIT 1000"
    with workspace.store.reading() as connection:
        [step] = [row[3] for row in connection.rows(f"EXPLAIN QUERY PLAN {sql}")]
    assert f"({column}=? AND no>?)" in step
