"""Exported rows of a world that has been changed: other names, more rows, fewer keys, and deletions."""

import json

import msgspec
import pytest

from contract_tests.rules.exports.rows import NOTHING, NOW, labels_of, project_of, read, render
from mockserver.exports.rows import ROWS_PER_READ
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.labels import LabelChanges
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import Attachment, DataRow, Dataset
from mockserver.world.records.labels import Label, ProjectRow
from mockserver.world.records.projects import Project
from mockserver.world.store import Store

NAMES = (
    "line\u2028and\u2029page\x85end",
    "🙂🇩🇪 emoji",
    "שלום עולם",
    'quote " and \\ back',
    "tab\tnewline\n",
    "\x7f\x00",
    "a/b?c#d%2e",
)


def test_more_rows_than_a_batch_are_in_order_of_creation(own: Store) -> None:
    added = [f"many-{number}" for number in range(2 * ROWS_PER_READ + 3)]
    with own.change() as change:
        [sample] = change.connection.select(DataRow, Clause("media_type = 'IMAGE'"), order="no", first=1)
        [membership] = change.connection.select(ProjectRow, Clause("data_row_no = :no", no=sample.no))
        for number, name in enumerate(added, 5000):
            row = msgspec.structs.replace(sample, no=number, id=name, global_key=None)
            change.connection.insert([row, msgspec.structs.replace(membership, data_row_no=number)])
    assert [row["data_row"]["id"] for row in read(own, "image")][-len(added) :] == added


@pytest.mark.known("client")
@pytest.mark.parametrize("name", NAMES)
def test_any_name_survives_in_every_place(own: Store, name: str) -> None:
    """Escaped, so that `splitlines` and character counts do no harm (wire traps 9 and 10)."""
    with own.change() as change:
        change.connection.update(Project, Clause("name = 'image'"), name=name)
        change.connection.update(Dataset, Clause("name = 'image rows'"), name=name)
        change.connection.update(DataRow, Clause("no = 1"), external_id=name, global_key=name)
        change.connection.delete(Attachment, Clause("data_row_no = 1 AND type != 'RAW_TEXT'"))
        change.connection.update(Attachment, Clause("data_row_no = 1"), name=name, value=name)
    row = read(own, name)[0]
    assert project_of(row)["name"] == name
    assert row["data_row"]["details"]["dataset_name"] == name
    assert (row["data_row"]["external_id"], row["data_row"]["global_key"]) == (name, name)
    assert [(item["name"], item["value"]) for item in row["attachments"]] == [(name, name)]


@pytest.mark.known("sample")
def test_keys_that_a_row_does_not_have_are_absent(own: Store) -> None:
    with own.change() as change:
        change.connection.update(DataRow, Clause("no = 1"), external_id=None, global_key=None)
        change.connection.update(Attachment, Clause("data_row_no = 1"), name=None)
    row = read(own, "image")[0]
    assert list(row["data_row"]) == ["id", "row_data", "details"]
    assert {tuple(item) for item in row["attachments"]} == {("type", "value")}


def test_scores_are_there_only_if_measured_and_benchmark_first(own: Store) -> None:
    with own.change() as change:
        change.connection.update(Label, Clause("no = 1"), benchmark_score=0.5, consensus_score=1.0)
    first, second = labels_of(own, "image")[:2]
    expected = {"benchmark_score": 0.5, "consensus_score": 1.0}
    assert {key: first["performance_details"].get(key) for key in expected} == expected
    assert list(first["performance_details"])[3:] == list(expected)
    assert len(second["performance_details"]) == 3


def test_a_snapshot_is_not_affected_by_later_changes(own: Store) -> None:
    snapshot = own.snapshot()
    before = render(snapshot, "image")
    rows = read(own, "image", NOTHING)
    LabelChanges(own).delete_labels([project_of(rows[0])["labels"][0]["id"]])
    CatalogChanges(own).delete_data_rows([rows[1]["data_row"]["id"]])
    CatalogChanges(own).update_project(next(iter(rows[0]["projects"])), name="renamed")
    assert render(snapshot, "image") == before
    snapshot.close()
    assert len(read(own, "renamed")) == len(rows) - 1


def test_a_deleted_label_leaves_no_trace_in_its_row(own: Store) -> None:
    """It is not named as the selected one either."""
    label = project_of(read(own, "image", NOTHING)[0])["labels"][0]["id"]
    LabelChanges(own).delete_labels([label])
    row = read(own, "image")[0]
    assert project_of(row)["labels"] == []
    assert label not in json.dumps(row)


def test_activity_moves_when_a_label_is_deleted(own: Store) -> None:
    rows = read(own, "image")
    own.clock.set(NOW + 1_000_000)
    LabelChanges(own).delete_labels([project_of(rows[0])["labels"][0]["id"]])
    moved = read(own, "image")[0]["data_row"]["details"]["last_activity_at"]
    assert rows[0]["data_row"]["details"]["last_activity_at"] < moved
    assert moved.startswith("2025-01-01T00:00:0")


def test_rows_of_the_customers_own_keep_their_url(own: Store) -> None:
    url = 'https://customer.example/bucket/a b.png?X="1"&y=é'
    with own.change() as change:
        change.connection.update(DataRow, Clause("no = 1"), row_data=url, asset=None)
    assert read(own, "image")[0]["data_row"]["row_data"] == url
