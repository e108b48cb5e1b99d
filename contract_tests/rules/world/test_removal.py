"""The rows of a workspace are removed from PostgreSQL: nobody waits for it, and what is left is removed later."""

import threading
from contextlib import closing
from typing import Any

import psycopg
import pytest

from contract_tests.rules.worlds import generate_world
from contract_tests.waiting import wait_for
from mockserver.errors import Conflict, NotFound, ResourceFailed
from mockserver.results.database_results import DatabaseResults
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.postgres.catalog import Catalog
from mockserver.world.postgres.database import PostgresDatabase
from mockserver.world.postgres.files import KEPT_SECONDS, PART
from mockserver.world.postgres.tables import DATA, REMOVED, list_tables
from mockserver.world.store import Store

NAME = "removal"
OWN_RESULTS = 2
"""Results of the life that a test removes, of several parts each."""
HOLD = "SELECT 1 FROM {}.role WHERE life = {} FOR UPDATE"
"""Holds rows, so that their removal waits."""
WAITERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def count_rows(raw: psycopg.Connection, life: int) -> int:
    counts = [f"(SELECT count(*) FROM {DATA}.{table.name} WHERE life = {life})" for table in list_tables()]
    row = raw.execute(f"SELECT {' + '.join(counts)}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_a_life_that_is_being_removed_is_neither_changed_nor_copied_and_nobody_waits(catalog: Catalog) -> None:
    database = catalog.create_life(NAME)
    store = Store.create(database, *generate_world("empty"))
    with psycopg.connect(catalog.pool.dsn) as holder, psycopg.connect(catalog.pool.dsn, autocommit=True) as raw:
        holder.execute(HOLD.format(DATA, database.life).encode())
        removal = threading.Thread(target=remove, args=[catalog, NAME])
        removal.start()
        [(waiter,)] = wait_for(lambda: raw.execute(WAITERS).fetchall())
        with pytest.raises(Conflict, match="reset or deleted"):
            CatalogChanges(store).create_project(name="late")
        with pytest.raises(NotFound):
            catalog.copy_life(database, ["copy"])
        assert catalog.open_life(NAME) is None
        check_leftover_of_a_killed_server(catalog, database, raw, waiter, removal, holder)
    store.close()


def check_leftover_of_a_killed_server(
    catalog: Catalog,
    database: PostgresDatabase,
    raw: psycopg.Connection,
    waiter: int,
    removal: threading.Thread,
    holder: psycopg.Connection,
) -> None:
    """The connection of the removal is cut. The rows are all there, and the next start finds their life."""
    raw.execute("SELECT pg_terminate_backend(%s)", [waiter])
    removal.join()
    holder.rollback()
    left = f"{REMOVED}{database.life}"
    assert count_rows(raw, database.life) > 0
    assert left in catalog.list_abandoned_lives()
    catalog.remove_life(left)
    assert count_rows(raw, database.life) == 0
    assert left not in catalog.list_lives()


def remove(catalog: Catalog, name: str) -> None:
    try:
        catalog.remove_life(name)
    except ResourceFailed:
        return
    raise AssertionError("the connection of the removal is cut")


def test_the_results_of_a_removed_life_are_read_to_their_ends_and_removed_later(catalog: Catalog) -> None:
    content = bytes(range(256)) * (2 * PART // 256)
    results = DatabaseResults(catalog.create_life(NAME))
    with closing(results.create("a")) as writer:
        writer.write(content)
    unfinished = results.create("b")
    unfinished.write(content)
    reader = results.open("a")
    assert reader.read(0, 10) == content[:10]
    catalog.remove_life(NAME)
    assert reader.read(0, reader.size) == content
    with psycopg.connect(catalog.pool.dsn, autocommit=True) as raw:
        deleted = (
            f"FROM {DATA}.result WHERE deleted_at IS NOT NULL"  # other tests have results here, some of them empty
        )
        parts = f"FROM {DATA}.result_part WHERE result_no IN (SELECT no {deleted})"
        assert count(raw, deleted) >= OWN_RESULTS
        assert count(raw, parts) > OWN_RESULTS
        raw.execute(f"UPDATE {DATA}.result SET deleted_at = deleted_at - make_interval(secs => {KEPT_SECONDS + 1})")
        catalog.create_life(NAME)
        catalog.remove_life(NAME)
        assert (count(raw, deleted), count(raw, parts)) == (0, 0)


def count(raw: psycopg.Connection[Any], rows: str) -> int:
    [(number,)] = raw.execute(f"SELECT count(*) {rows}".encode()).fetchall()
    return int(number)
