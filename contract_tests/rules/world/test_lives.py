"""The lives of a workspace: each has ids of its own, and begins without the tasks and messages of the one before."""

from contextlib import suppress

from contract_tests.rules.world.test_store import delivery, open_with_hook, project
from contract_tests.rules.world.test_tasks import create_running_task
from contract_tests.rules.worlds import generate_world
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.records.events import Event
from mockserver.world.records.tasks import Task
from mockserver.world.records.webhooks import Delivery
from mockserver.world.records.workspace import GENERATED, OF_ONE_LIFE
from mockserver.world.store import Store


def test_new_ids_never_repeat_within_a_life_or_across_lives(store: Store) -> None:
    seen: set[str] = set()
    for _life in range(3):
        WorkspaceSettings(store).begin_life(name="again")
        for _ in range(20):
            with store.change() as change:
                seen.add(change.new_id())
    assert len(seen) == 60


def test_a_pinned_life_gives_its_ids_again(store: Store) -> None:
    store.clock.freeze()
    ids = []
    for _ in range(2):
        WorkspaceSettings(store).begin_life(name="again", incarnation="pinned")
        with store.change() as change:
            ids.append(change.new_id())
    assert ids[0] == ids[1]


def test_an_id_of_a_change_that_was_lost_may_come_again_but_never_twice(store: Store) -> None:
    with suppress(ZeroDivisionError), store.change() as change:
        change.new_id()
        _ = 1 / 0
    project_ids = [CatalogChanges(store).create_project(name=str(number)).id for number in range(3)]
    assert len(set(project_ids)) == 3


def test_a_new_life_has_no_tasks_no_events_and_nothing_to_send(store: Store) -> None:
    create_running_task(store)
    with open_with_hook(store, lambda change: change.connection.insert([delivery(1)])) as other:
        CatalogChanges(other).create_project(name="kept")
    WorkspaceSettings(store).begin_life(name="next")
    with store.reading() as connection:
        assert [connection.count(kind) for kind in (Task, Event, Delivery)] == [0, 0, 0]
    assert (store.workspace.name, project(store, "kept").name) == ("next", "kept")


def test_a_generated_world_has_no_records_of_one_life() -> None:
    """The first life of a workspace relies on it: it deletes none."""
    world, batches = generate_world()
    assert world.incarnation == GENERATED
    assert not [record for batch in batches for record in batch if isinstance(record, OF_ONE_LIFE)]
