"""Polls and time decide how far something that takes time seems to be, and a restart of the server does not matter."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.worlds import open_store
from mockserver.world.changes import polls as module
from mockserver.world.changes.polls import Polls, Processing, find_share
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.changes.tasks import TaskChanges
from mockserver.world.clause import Clause
from mockserver.world.clock import SECOND
from mockserver.world.progression import Delay, Progression
from mockserver.world.record import JsonText
from mockserver.world.records.polls import Poll
from mockserver.world.records.tasks import EXPORT, Task
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store


def create_task(store: Store, looks: int) -> Task:
    WorkspaceSettings(store).set_progression(Progression(exports=Delay(looks=looks)))
    return TaskChanges(store).create_task(type=EXPORT, name=None, request=JsonText("{}"), base_url="")


def is_unfinished(store: Store, task: Task) -> bool:
    """One poll."""
    return find_share(Polls(store).count(task), store.clock.now()) < 1


def load(store: Store, task: Task) -> Task:
    with store.reading() as connection:
        return connection.one_by_id(Task, task.id)


def test_a_task_is_unfinished_for_as_many_polls_as_were_requested(store: Store) -> None:
    task, other = create_task(store, 2), create_task(store, 1)
    assert find_share(load(store, task), 0) == 0
    assert [is_unfinished(store, load(store, task)) for _ in range(4)] == [True, True, False, False]
    assert is_unfinished(store, load(store, other))
    assert load(store, task).polls == 2, "a finished task counts no more polls"


def test_polls_at_the_same_time_are_as_many_as_were_requested(store: Store) -> None:
    task = create_task(store, 5)
    with ThreadPoolExecutor(4) as threads:
        unfinished = list(threads.map(lambda _: is_unfinished(store, task), range(20)))
    assert sum(unfinished) == 5


def test_a_poll_of_a_deleted_task_counts_nothing(store: Store) -> None:
    task = create_task(store, 1)
    with store.change() as change:
        change.connection.delete(Task, Clause("id = :id", id=task.id))
    assert Polls(store).count(task) == task


def test_processing_that_has_no_delay_is_finished_at_the_first_poll(store: Store) -> None:
    assert Processing(store).poll("a", "at_once")


def test_polls_of_processing_are_counted_for_each_key(store: Store) -> None:
    two = Delay(looks=2)
    assert [Processing(store).poll("a", two) for _ in range(4)] == [False, False, True, True]
    assert not Processing(store).poll("b", two)


def test_processing_takes_its_time_by_the_clock_of_the_world(store: Store) -> None:
    store.clock.freeze()
    store.clock.set(0)
    processing, minute = Processing(store), Delay(seconds=60)
    assert not processing.poll("from its first poll", minute)
    store.clock.set(30 * SECOND)
    assert processing.poll("from the start", minute, since=-30 * SECOND)
    assert not processing.poll("from its first poll", minute)
    store.clock.set(60 * SECOND)
    assert processing.poll("from its first poll", minute)


def test_the_oldest_polls_of_processing_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    processing, one = Processing(store), Delay(looks=1)
    for key in ("oldest", "a", "b", "c"):
        processing.poll(key, one)
    with store.reading() as connection:
        assert connection.count(Poll) == 3
    assert processing.poll("a", one)
    assert not processing.poll("oldest", one)


def test_the_next_life_begins_without_polls(store: Store) -> None:
    Processing(store).poll("a", Delay(looks=1))
    WorkspaceSettings(store).begin_life(name="next")
    assert not Processing(store).poll("a", Delay(looks=1))


@settings(max_examples=30)
@given(looks=st.integers(0, 6), restarts=st.lists(st.integers(0, 8), max_size=4))
def test_however_often_a_server_is_restarted_the_polls_are_those_that_were_requested(
    looks: int, restarts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = SqliteDatabase(tmp_path_factory.mktemp("polls") / "world.sqlite")
    with open_store(database, "empty") as store:
        task = create_task(store, looks)
    store = Store.open(database)
    answers = []
    for number in range(8):
        if number in restarts:
            store.close()
            store = Store.open(database)
        key_finished = Processing(store).poll("key", Delay(looks=looks))
        answers.append((is_unfinished(store, load(store, task)), not key_finished))
    store.close()
    assert answers == [(number < looks, number < looks) for number in range(8)]
