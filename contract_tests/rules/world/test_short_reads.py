"""A long read on an event loop raises TakesLong, and nobody else's read does."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.rules.worlds import build_database, open_store
from mockserver.world.short_reads import MOST_SPENT, STEPS, TakesLong, begin_short_reads, end_short_reads
from mockserver.world.store import Store

LONG = STEPS * (MOST_SPENT + 1)
"""Rows of a query, each of which takes some steps."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(build_database(tmp_path), "empty") as opened:
        yield opened
    end_short_reads()


def count_to(store: Store, number: int) -> int:
    sql = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < :most) SELECT count(*) FROM n"
    with store.reading() as connection:
        return int(connection.value(sql, {"most": number}))


def test_a_long_read_ends_where_others_wait_for_it(store: Store) -> None:
    begin_short_reads()
    assert count_to(store, 100) == 100
    with pytest.raises(TakesLong):
        count_to(store, LONG)
    end_short_reads()
    assert count_to(store, LONG) == LONG


def test_many_short_reads_together_are_a_long_one(store: Store) -> None:
    def count_often() -> None:
        for _ in range(LONG):
            count_to(store, 1_000)

    begin_short_reads()
    with pytest.raises(TakesLong):
        count_often()


def test_a_change_is_not_ended_in_its_middle(store: Store) -> None:
    """A poll is a change within a query."""
    begin_short_reads()
    with store.change() as change:
        change.connection.script("CREATE TABLE numbers(x INTEGER)")
        numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < :most)"
        assert change.connection.run(f"{numbers} INSERT INTO numbers SELECT x FROM n", {"most": LONG}) == LONG
    with pytest.raises(TakesLong):
        count_to(store, LONG)


def test_each_request_may_read_as_long_as_the_one_before_it(store: Store) -> None:
    for _ in range(200):
        begin_short_reads()
        assert count_to(store, 1_000) == 1_000
        end_short_reads()


def test_a_thread_reads_as_long_as_it_wants_beside_the_loop(store: Store) -> None:
    begin_short_reads()
    counts: list[int] = []
    thread = threading.Thread(target=lambda: counts.append(count_to(store, LONG)))
    thread.start()
    thread.join()
    assert counts == [LONG]


def test_a_store_that_reads_beside_a_change_is_no_exception(store: Store) -> None:
    changing, ended = threading.Event(), threading.Event()

    def change() -> None:
        with store.change():
            changing.set()
            ended.wait(60)

    thread = threading.Thread(target=change)
    thread.start()
    assert changing.wait(60)
    begin_short_reads()
    try:
        with pytest.raises(TakesLong):
            count_to(store, LONG)
    finally:
        ended.set()
        thread.join()
