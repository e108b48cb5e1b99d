"""Every rule of the store on both engines."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from contract_tests.rules.world.test_tasks import create_running_task
from contract_tests.rules.worlds import digest_world, generate_world
from mockserver.errors import Conflict, NotFound
from mockserver.world.change import Change
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.labels import LabelChanges
from mockserver.world.clause import Clause
from mockserver.world.record import JsonText, Record
from mockserver.world.records.data_rows import DataRow, Dataset
from mockserver.world.records.events import Event, EventKind
from mockserver.world.records.labels import Label
from mockserver.world.records.people import Person
from mockserver.world.records.projects import Project, TaskQueue
from mockserver.world.records.webhooks import Delivery
from mockserver.world.records.workspace import Workspace
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Hooks, Store


def events(store: Store) -> list[Event]:
    with store.reading() as connection:
        return connection.select(Event, order="no")


def project(store: Store, name: str = "image") -> Project:
    with store.reading() as connection:
        return connection.select(Project, Clause("name = :name", name=name))[0]


def open_with_hook(store: Store, before_commit: Callable[[Change], None]) -> closing[Store]:
    """Another store of the same world, which calls this hook."""
    return closing(Store.open(store.database, hooks=Hooks(before_commit)))


# The generated world


def test_every_record_of_the_default_world_comes_back_as_it_went_in(store: Store) -> None:
    workspace, pieces = generate_world()
    kinds: dict[type[Record], list[Record]] = {}
    for record in itertools.chain.from_iterable(pieces):
        kinds.setdefault(type(record), []).append(record)
    with store.reading() as connection:
        for kind, expected in kinds.items():
            assert set(connection.select(kind)) == set(expected), kind.TABLE
    assert store.workspace.organization_id == workspace.organization_id
    assert len(kinds) > 15


def test_both_engines_hold_the_same_world(store: Store, tmp_path: Path) -> None:
    other = Store.create(SqliteDatabase(tmp_path / "other.sqlite"), *generate_world())
    assert digest_world(store) == digest_world(other)
    other.close()


def test_a_digest_is_of_the_generated_world_alone(store: Store) -> None:
    before = digest_world(store)
    create_running_task(store)
    assert digest_world(store) == before
    CatalogChanges(store).create_project(name="more")
    assert digest_world(store) != before


def test_a_closed_store_refuses_every_thread_and_keeps_none_waiting(store: Store) -> None:
    other = Store(store.database)
    other.close()
    for _ in range(2):
        with pytest.raises(Conflict), other.reading():
            pass
    with ThreadPoolExecutor(1) as thread:
        assert isinstance(thread.submit(lambda: other.workspace).exception(timeout=30), Conflict)


def test_a_closed_world_is_found_again(store: Store) -> None:
    created = CatalogChanges(store).create_project(name="kept")
    again = Store(store.database)
    assert project(again, "kept") == created
    again.close()


# Changes


def test_a_change_that_fails_changes_nothing(store: Store) -> None:
    before = digest_world(store)
    with suppress(ZeroDivisionError), store.change() as change:
        change.connection.update(Project, Clause("TRUE"), name="half done")
        change.add_event(EventKind.PROJECT_UPDATED)
        _ = 1 / 0
    assert (digest_world(store), events(store)) == (before, [])


def test_a_hook_that_fails_takes_change_events_and_outbox_with_it(store: Store) -> None:
    def hook(change: Change) -> None:
        change.connection.insert([delivery(1)])
        raise ConnectionError

    before = digest_world(store)
    with open_with_hook(store, hook) as other, pytest.raises(ConnectionError):
        CatalogChanges(other).create_project(name="lost")
    with store.reading() as connection:
        assert (digest_world(store), events(store), connection.select(Delivery)) == (before, [], [])


def delivery(number: int) -> Delivery:
    headers = JsonText("{}")
    return Delivery(
        number, f"d{number}", 1, "s", "LABEL_DELETED", "http://a", headers, b"\x00\xff", False, "PENDING", 0, 0, None, 1
    )


def test_what_the_hook_writes_is_committed_with_the_change(store: Store) -> None:
    def hook(change: Change) -> None:
        change.connection.insert([delivery(event.no) for event in change.events])

    with open_with_hook(store, hook) as other:
        CatalogChanges(other).create_project(name="told")
    with store.reading() as connection:
        assert connection.select(Delivery) == [delivery(1)]


def test_the_hook_sees_the_change_it_is_about_to_commit(store: Store) -> None:
    seen: list[Any] = []

    def hook(change: Change) -> None:
        kinds = [event.kind for event in change.events]
        seen.append((kinds, change.connection.count(Project, Clause("name = 'seen'"))))

    with open_with_hook(store, hook) as other:
        CatalogChanges(other).create_project(name="seen")
    assert seen == [([EventKind.PROJECT_CREATED], 1)]


def test_a_store_works_on_after_a_failed_change(store: Store) -> None:
    with pytest.raises(NotFound):
        CatalogChanges(store).update_project("nobody", name="x")
    assert CatalogChanges(store).create_project(name="after").name == "after"


def test_events_are_numbered_in_the_order_in_which_they_happened(store: Store) -> None:
    created = CatalogChanges(store).create_project(name="a")
    CatalogChanges(store).update_project(created.id, name="b")
    CatalogChanges(store).create_dataset(name="c")
    CatalogChanges(store).update_project(created.id, deleted=True)
    assert [(event.no, event.kind) for event in events(store)] == [
        (1, "PROJECT_CREATED"), (2, "PROJECT_UPDATED"), (3, "DATASET_CREATED"), (4, "PROJECT_DELETED"),
    ]  # fmt: skip
    assert {event.project_id for event in events(store)} == {created.id, None}


def test_one_change_may_append_several_events(store: Store) -> None:
    with store.reading() as connection:
        labels = [label.id for label in connection.select(Label, order="no", first=3)]
    LabelChanges(store).delete_labels(labels)
    assert [(event.no, event.kind, event.label_id) for event in events(store)] == [
        (number, "LABEL_DELETED", label) for number, label in enumerate(labels, 1)
    ]


def test_changes_carry_the_worlds_time(store: Store) -> None:
    store.clock.freeze()
    store.clock.set(1_800_000_000_000_000)
    created = CatalogChanges(store).create_project(name="late")
    assert (created.created_at, created.updated_at) == (1_800_000_000_000_000,) * 2
    assert [event.at for event in events(store)] == [1_800_000_000_000_000]


def test_a_new_project_has_its_three_task_queues(store: Store) -> None:
    created = CatalogChanges(store).create_project(name="new", allowed_media_type="IMAGE")
    with store.reading() as connection:
        queues = connection.select(TaskQueue, Clause("project_id = :id", id=created.id), order="position")
    assert [queue.queue_type for queue in queues] == [
        "INITIAL_LABELING_QUEUE", "MANUAL_REVIEW_QUEUE", "MANUAL_REWORK_QUEUE",
    ]  # fmt: skip
    assert project(store, "new") == created


# What is not there


def test_what_does_not_exist_cannot_be_changed(store: Store) -> None:
    for attempt in (
        lambda: CatalogChanges(store).update_project("nobody", name="x"),
        lambda: CatalogChanges(store).update_dataset("nobody", name="x"),
        lambda: CatalogChanges(store).delete_data_rows(["nobody"]),
        lambda: LabelChanges(store).delete_labels(["nobody"]),
    ):
        with pytest.raises(NotFound, match="'nobody' does not exist"):
            attempt()
    assert events(store) == []


def test_what_was_deleted_cannot_be_changed(store: Store) -> None:
    created = CatalogChanges(store).create_project(name="gone")
    CatalogChanges(store).update_project(created.id, deleted=True)
    with pytest.raises(NotFound):
        CatalogChanges(store).update_project(created.id, name="back")


def test_of_several_deletes_all_or_none_happen(store: Store) -> None:
    with store.reading() as connection:
        row = connection.select(DataRow, order="no", first=1)[0]
    with pytest.raises(NotFound):
        CatalogChanges(store).delete_data_rows([row.id, "nobody"])
    with store.reading() as connection:
        assert connection.count(DataRow, Clause("deleted")) == 0


def test_a_row_named_twice_is_deleted_once(store: Store) -> None:
    with store.reading() as connection:
        row = connection.select(DataRow, order="no", first=1)[0]
    CatalogChanges(store).delete_data_rows([row.id, row.id])
    assert [event.kind for event in events(store)] == ["DATA_ROW_DELETED"]


def test_a_deleted_dataset_takes_its_rows_along(store: Store) -> None:
    with store.reading() as connection:
        dataset = connection.select(Dataset, Clause("name = 'image rows'"))[0]
        others = connection.count(DataRow, Clause("dataset_id <> :id AND NOT deleted", id=dataset.id))
    CatalogChanges(store).update_dataset(dataset.id, deleted=True)
    with store.reading() as connection:
        assert connection.count(DataRow, Clause("dataset_id = :id AND NOT deleted", id=dataset.id)) == 0
        assert connection.count(DataRow, Clause("NOT deleted")) == others > 0


def test_a_dataset_and_its_rows_are_deleted_together_or_not_at_all(store: Store) -> None:
    def hook(change: Change) -> None:
        if any(event.kind == EventKind.DATA_ROW_DELETED for event in change.events):
            raise ConnectionError

    before = digest_world(store)
    with store.reading() as connection:
        dataset = connection.select(Dataset, Clause("name = 'image rows'"))[0]
    with open_with_hook(store, hook) as other, pytest.raises(ConnectionError):
        CatalogChanges(other).update_dataset(dataset.id, deleted=True)
    assert digest_world(store) == before


# Values


@pytest.mark.parametrize(
    "name", ["line\u2028", "🙂", "שלום", "'; DROP TABLE project; --", "%s :name", "", "x" * 10_000]
)
def test_any_name_is_kept(store: Store, name: str) -> None:
    assert project(store, CatalogChanges(store).create_project(name=name).name).name == name


def test_everybody_finds_themselves(store: Store) -> None:
    with store.reading() as connection:
        people = connection.select(Person)
        [world] = connection.select(Workspace)
    assert store.user() in people
    assert store.organization().id == world.organization_id
