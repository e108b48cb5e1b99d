"""Threads that write exports render their batches in turns."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contract_tests.rules.exports.rows import EVERY_SECTION, HOST, NOW, TASK
from contract_tests.rules.worlds import build_database, open_store
from mockserver.exports.fair_lock import EXPORT_LOCK, FairLock
from mockserver.exports.request import ExportRequest
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import build_scope
from mockserver.links import Links
from mockserver.world.database import Connection, Values
from mockserver.world.record import Row
from mockserver.world.sqlite import SqliteConnection

BATCHES = 20
THREADS = 4
WAIT = 60


class Renderer:
    """Batches that take a while, and the most that were ever rendered at the same time."""

    def __init__(self) -> None:
        self.now, self.most = 0, 0
        self.order: list[str] = []

    def batches(self, name: str) -> Iterator[int]:
        for number in range(BATCHES):
            self.now += 1
            self.most = max(self.most, self.now)
            time.sleep(0.001)
            self.order.append(name)
            self.now -= 1
            yield number


def test_one_batch_is_rendered_at_a_time_and_none_is_lost() -> None:
    turns, renderer = FairLock(), Renderer()
    with ThreadPoolExecutor(THREADS) as threads:
        batches = list(threads.map(lambda name: list(turns.take_turns(renderer.batches(name))), "abcd"))
    assert batches == [list(range(BATCHES))] * THREADS
    assert renderer.most == 1


def test_the_thread_that_has_waited_longest_is_next() -> None:
    """Each batch takes until all the others wait for their turn, so that the order depends on the lock alone."""
    lock, order = FairLock(), []

    def batches(name: str) -> Iterator[int]:
        for number in range(BATCHES):
            while number < BATCHES - 1 and len(lock._waiting) < THREADS - 1:
                time.sleep(0.0001)
            order.append(name)
            yield number

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda name: list(lock.take_turns(batches(name))), "abcd"))
    assert order[: THREADS * (BATCHES - 1)] == order[:THREADS] * (BATCHES - 1)
    assert set(order[:THREADS]) == set("abcd")


def test_a_thread_that_works_with_its_batch_does_not_hold_the_lock() -> None:
    turns, renderer = FairLock(), Renderer()
    first = turns.take_turns(renderer.batches("first"))
    assert next(first) == 0
    assert list(turns.take_turns(renderer.batches("other"))) == list(range(BATCHES))
    assert next(first) == 1


def test_a_failure_releases_the_lock() -> None:
    turns = FairLock()
    with pytest.raises(ZeroDivisionError):
        list(turns.take_turns(1 // number for number in (1, 0)))
    assert list(turns.take_turns([1, 2])) == [1, 2]


class SearchingConnection(SqliteConnection):
    """A connection whose first row comes only when the search is released."""

    begun, released = threading.Event(), threading.Event()

    def pieces(self, sql: str, params: Values, size: int) -> Iterator[list[Row]]:
        self.begun.set()
        assert self.released.wait(WAIT)
        yield from super().pieces(sql, params, size)


def render_in_turns(connection: Connection) -> bytes:
    scope = build_scope(connection, ExportRequest(params=EVERY_SECTION))
    links = Links.from_name("key", 0)
    turns = EXPORT_LOCK.take_turns
    return ExportRows(
        connection, scope, EVERY_SECTION, links=links, host=HOST, task_id=TASK, now=NOW, take_turns=turns
    ).render()


def test_an_export_has_no_turn_while_it_searches(tmp_path: Path) -> None:
    with open_store(build_database(tmp_path)) as store, ThreadPoolExecutor(1) as threads:
        searching = SearchingConnection(tmp_path / "world.sqlite", durable=False, private=False)
        waiting = threads.submit(render_in_turns, searching)
        try:
            assert searching.begun.wait(WAIT)
            with store.reading() as connection:
                text = render_in_turns(connection)
        finally:
            searching.released.set()
        assert waiting.result(WAIT) == text != b""
        searching.close()
