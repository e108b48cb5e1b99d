"""Threads and stores that use one world at the same time, on both engines."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from contract_tests.rules.world.test_store import events, project
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.records.projects import Project, TaskQueue
from mockserver.world.store import Store


def test_many_threads_write_and_nothing_is_lost(store: Store) -> None:
    with store.reading() as connection:
        before = connection.count(Project)
    with ThreadPoolExecutor(8) as threads:
        projects = list(threads.map(lambda number: CatalogChanges(store).create_project(name=str(number)), range(80)))
    assert len({item.id for item in projects}) == 80
    with store.reading() as connection:
        assert connection.count(Project) == before + 80
    assert [event.no for event in events(store)] == list(range(1, 81))


def test_readers_never_see_half_a_change(store: Store) -> None:
    wrong: list[int] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            snapshot = store.snapshot()
            projects, queues = snapshot.count(Project), snapshot.count(TaskQueue)
            snapshot.close()
            wrong.extend([projects] if queues != 3 * projects else [])

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(20):
        CatalogChanges(store).create_project(name=str(number))
    stop.set()
    watcher.join()
    assert wrong == []


def test_two_stores_on_one_database_take_turns(store: Store) -> None:
    """Replicas of a server share a database in this way."""
    other = Store(store.database)
    with ThreadPoolExecutor(2) as threads:
        both = [
            threads.submit(lambda each: [CatalogChanges(each).create_dataset(name="x") for _ in range(20)], each)
            for each in (store, other)
        ]
        ids = {dataset.id for future in both for dataset in future.result()}
    other.close()
    assert len(ids) == 40
    assert [event.no for event in events(store)] == list(range(1, 41))


def test_two_stores_number_their_events_one_after_the_other(store: Store) -> None:
    """Also where a change makes no new id."""
    with closing(Store(store.database)) as other, ThreadPoolExecutor(2) as threads:
        turns = [(each, project(store, name).id) for each, name in ((store, "image"), (other, "text"))]
        list(
            threads.map(
                lambda turn: [CatalogChanges(turn[0]).update_project(turn[1], name=str(n)) for n in range(20)], turns
            )
        )
    assert [event.no for event in events(store)] == list(range(1, 41))


def test_a_read_waits_for_no_change_and_sees_what_is_committed(store: Store) -> None:
    """A change of thousands of rows takes seconds, and the event loop reads in the meantime."""
    inside, seen = threading.Event(), threading.Event()
    before = project(store)

    def change() -> None:
        with store.change() as opened:
            CatalogChanges(store).update_project(before.id, name="renamed")
            assert project(store, "renamed").id == before.id, "its own thread sees it"
            inside.set()
            assert seen.wait(60)
            assert opened.connection is not None

    with ThreadPoolExecutor(1) as thread:
        running_change = thread.submit(change)
        assert inside.wait(60)
        assert project(store) == before
        seen.set()
        running_change.result()
    assert project(store, "renamed").id == before.id
