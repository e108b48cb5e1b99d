"""A long query of one thread can be ended by another, on both engines, and the connection stays usable."""

import threading
import time

from mockserver.world.database import Connection
from mockserver.world.store import Store

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x > 0) SELECT count(*) FROM n"
WAIT = 60
EVERY = 0.02
"""Seconds between two attempts: the query may not have begun when the first is made."""


def run_endless(connection: Connection, errors: list[Exception]) -> None:
    try:
        connection.rows(ENDLESS)
    except Exception as error:  # noqa: BLE001  each engine has its own
        errors.append(error)


def test_an_endless_query_is_ended(store: Store) -> None:
    snapshot = store.snapshot()
    errors: list[Exception] = []
    thread = threading.Thread(target=run_endless, args=(snapshot, errors))
    thread.start()
    deadline = time.monotonic() + WAIT
    while thread.is_alive():
        assert time.monotonic() < deadline, "the query goes on"
        snapshot.interrupt()
        thread.join(EVERY)
    assert len(errors) == 1
    snapshot.close()
    again = store.snapshot()
    assert again.rows("SELECT 1") == [(1,)]
    again.close()


def test_a_connection_without_a_query_is_not_disturbed(store: Store) -> None:
    snapshot = store.snapshot()
    snapshot.interrupt()
    assert snapshot.rows("SELECT 2") == [(2,)]
    snapshot.close()
