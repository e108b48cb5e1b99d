"""Changes that wait for others: neither the event loop nor another workspace waits with them."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.rules.worlds import build_database, open_store
from contract_tests.waiting import eventually
from mockserver.jobs.long_changes import LongChanges, give_up, hold
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import Dataset
from mockserver.world.store import Store

PATIENCE = 60


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(build_database(tmp_path), "empty") as opened:
        yield opened


class Job:
    """A thread that changes the world in one transaction, from `start` until `let_end`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._may_end = threading.Event()
        self._began = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()
        assert self._began.wait(PATIENCE)

    def _run(self) -> None:
        with self._store.change():
            self._began.set()
            self._may_end.wait(PATIENCE)

    def let_end(self) -> None:
        self._may_end.set()
        self._thread.join(PATIENCE)


def test_a_short_change_waits_for_a_job_and_the_loop_serves_others(store: Store) -> None:
    """The loop ends the job: if it waited for the store, nobody would."""
    job, long_changes = Job(store), LongChanges(store)

    async def change_beside_job() -> bool:
        waiting = asyncio.create_task(long_changes.wait())
        await asyncio.sleep(0.05)
        was_done = waiting.done()
        job.let_end()
        await waiting
        CatalogChanges(store).create_dataset(name="after")
        return was_done

    job.start()
    began = time.monotonic()
    assert asyncio.run(change_beside_job()) is False
    assert time.monotonic() - began < PATIENCE, "the job ended because the loop has ended it"


def test_a_job_lets_changes_pass_that_wait_for_it(store: Store) -> None:
    long_changes = LongChanges(store)
    order: list[str] = []

    def work() -> None:
        with store.change():
            entered.set()
            assert eventually(lambda: long_changes._waiting == 1, within=PATIENCE)
        long_changes.let_pass()
        order.append("next transaction")

    async def change() -> None:
        await long_changes.wait()
        order.append("change")

    entered = threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    assert entered.wait(PATIENCE)
    asyncio.run(change())
    thread.join(PATIENCE)
    assert order == ["change", "next transaction"]


def test_a_request_that_waits_for_its_task_lets_others_have_its_turn(store: Store) -> None:
    long_changes = LongChanges(store)
    order: list[str] = []

    def change() -> None:
        with long_changes.turn_in_thread():
            order.append("other")

    with long_changes.turn_in_thread(), hold(long_changes):
        thread = threading.Thread(target=change)
        thread.start()
        with give_up():
            thread.join(PATIENCE)
        order.append("request")
    assert order == ["other", "request"]
    with give_up():
        order.append("a thread without a turn has none to give up")


def test_a_long_read_of_a_job_holds_no_change_up(store: Store) -> None:
    with store.read_apart() as connection:
        thread = threading.Thread(target=CatalogChanges(store).create_dataset, kwargs={"name": "beside"})
        thread.start()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        assert connection.count(Dataset, Clause("name = 'beside'")) == 0, "it sees what was there when it began"


def test_a_job_waits_for_nobody_when_nobody_waits(store: Store) -> None:
    LongChanges(store).let_pass()


def test_a_thread_does_not_wait_for_its_own_change(store: Store) -> None:
    with store.change():
        asyncio.run(LongChanges(store).wait())


def test_a_long_change_in_a_thread_waits_for_its_turn(store: Store) -> None:
    long_changes = LongChanges(store)
    order: list[str] = []

    def change() -> None:
        with long_changes.turn_in_thread():
            order.append("thread")

    async def hold_turn() -> None:
        async with long_changes.turn():
            thread.start()
            await asyncio.sleep(0.05)
            order.append("first")

    thread = threading.Thread(target=change)
    asyncio.run(hold_turn())
    thread.join(PATIENCE)
    assert order == ["first", "thread"]


def test_many_short_changes_that_wait_for_one_turn_all_pass(store: Store) -> None:
    long_changes = LongChanges(store)

    async def wait_together() -> None:
        async with long_changes.turn():
            waiting = [asyncio.create_task(long_changes.wait()) for _ in range(5)]
            await asyncio.sleep(0.02)
        await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE)

    asyncio.run(wait_together())
