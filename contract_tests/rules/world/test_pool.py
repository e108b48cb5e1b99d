"""The connections of a server to PostgreSQL: who gets the next one, and how they end."""

import threading
from collections.abc import Iterator

import pytest

from contract_tests.databases import create_database
from contract_tests.waiting import wait_for
from mockserver.world.postgres.pool import KEEPALIVES, RESERVED, Pool

WITHIN = 60.0


@pytest.fixture
def pool() -> Iterator[Pool]:
    """A pool that lends one connection to snapshots."""
    pool = Pool(create_database(), most=RESERVED + 1)
    yield pool
    pool.close()


def test_a_connection_goes_to_a_thread_that_may_borrow_it(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot that waits first may not: as many snapshots as are allowed are there already."""
    monkeypatch.setattr("mockserver.world.postgres.pool.WAIT_SECONDS", WITHIN)
    snapshot = pool.lend(1, for_snapshot=True)
    lent = [pool.lend(1) for _ in range(RESERVED)]
    waiting = wait_in_thread(pool, for_snapshot=True)
    change = wait_in_thread(pool, for_snapshot=False)
    pool.give_back(lent.pop())
    change.join(WITHIN / 2)
    assert not change.is_alive()
    pool.give_back(snapshot, for_snapshot=True)
    waiting.join(WITHIN)
    assert not waiting.is_alive()
    for session in lent:
        pool.give_back(session)


def wait_in_thread(pool: Pool, *, for_snapshot: bool) -> threading.Thread:
    """Borrows a connection in a thread and gives it back; returns when the thread waits for it."""
    waiters = count_waiting(pool)
    thread = threading.Thread(
        target=lambda: pool.give_back(pool.lend(1, for_snapshot=for_snapshot), for_snapshot=for_snapshot), daemon=True
    )
    thread.start()
    wait_for(lambda: count_waiting(pool) > waiters)
    return thread


def count_waiting(pool: Pool) -> int:
    """How many threads wait for a connection."""
    return len(pool._changed._waiters)  # type: ignore[attr-defined]  # a condition does not say who waits for it


def test_connections_notice_that_the_other_side_is_gone(pool: Pool) -> None:
    """By TCP's own probes, of both sides: without them the lock of a machine that is gone stays for two hours."""
    session = pool.lend(1)
    of_client = session.raw.info.get_parameters()
    assert {name: int(of_client[name]) for name in KEEPALIVES} == KEEPALIVES
    of_database = {name for (name,) in session.raw.execute("SELECT name FROM pg_settings WHERE source = 'session'")}
    assert {f"tcp_{name}" for name in KEEPALIVES} <= of_database
    pool.give_back(session)
