"""The connections of a server to PostgreSQL: who gets the next one, and how they end."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from contract_tests.databases import create_database
from contract_tests.waiting import wait_for
from mockserver.errors import ResourceFailed
from mockserver.world.postgres.pool import KEEPALIVES, RESERVED, Pool

WITHIN = 60.0
USER = "of_a_full_database"


@pytest.fixture
def pool() -> Iterator[Pool]:
    """A pool that lends one connection to snapshots."""
    pool = Pool(create_database(), most=RESERVED + 1)
    yield pool
    pool.close()


class OtherPrograms:
    """Takes the connections that a database leaves."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._taken: list[psycopg.Connection[Any]] = []

    def take_all(self) -> None:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                self._taken.append(psycopg.connect(self.address))

    def close(self) -> None:
        for connection in self._taken:
            connection.close()


@pytest.fixture
def other_programs() -> Iterator[OtherPrograms]:
    """Users of a database that accepts three connections, except from superusers."""
    address = create_database("CONNECTION LIMIT 3")
    with psycopg.connect(address, autocommit=True) as raw:
        raw.execute(f"DROP ROLE IF EXISTS {USER}".encode())
        raw.execute(f"CREATE ROLE {USER} LOGIN".encode())
    programs = OtherPrograms(make_conninfo(address, user=USER))
    yield programs
    programs.close()


@pytest.fixture
def full_pool(other_programs: OtherPrograms) -> Iterator[Pool]:
    """A pool of such a database, which leaves it fewer connections than it may open."""
    pool = Pool(other_programs.address, most=RESERVED + 1)
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


def test_users_share_the_connections_that_a_full_database_leaves(
    full_pool: Pool, other_programs: OtherPrograms
) -> None:
    session = full_pool.lend(1)
    other_programs.take_all()
    waiting = [wait_in_thread(full_pool, for_snapshot=False) for _ in range(3)]
    full_pool.give_back(session)
    for thread in waiting:
        thread.join(WITHIN)
    assert [thread.is_alive() for thread in waiting] == [False] * 3
    again = full_pool.lend(2)
    assert again is session
    full_pool.give_back(again)


def test_a_user_is_refused_when_a_full_database_leaves_no_connection(
    full_pool: Pool, other_programs: OtherPrograms
) -> None:
    """Immediately, if nobody has one, and as soon as the one that somebody had is broken."""
    session = full_pool.lend(1)
    other_programs.take_all()
    refusals: list[str] = []
    thread = threading.Thread(target=lambda: refusals.append(read_refusal(full_pool)), daemon=True)
    thread.start()
    wait_for(lambda: count_waiting(full_pool) > 0)
    session.raw.close()
    other_programs.take_all()
    full_pool.give_back(session)
    thread.join(WITHIN)
    refusals.append(read_refusal(full_pool))
    assert [refusal.partition(" the PostgreSQL")[0] for refusal in refusals] == ["No connection left in"] * 2


def read_refusal(pool: Pool) -> str:
    with pytest.raises(ResourceFailed) as refusal:
        pool.lend(1)
    return refusal.value.message


def test_connections_notice_that_the_other_side_is_gone(pool: Pool) -> None:
    """By TCP's own probes, of both sides: without them the lock of a machine that is gone stays for two hours."""
    session = pool.lend(1)
    of_client = session.raw.info.get_parameters()
    assert {name: int(of_client[name]) for name in KEEPALIVES} == KEEPALIVES
    of_database = {name for (name,) in session.raw.execute("SELECT name FROM pg_settings WHERE source = 'session'")}
    assert {f"tcp_{name}" for name in KEEPALIVES} <= of_database
    pool.give_back(session)
