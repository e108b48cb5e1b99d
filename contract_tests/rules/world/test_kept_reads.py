"""A server that owns a workspace keeps results of small queries, and never shows one of an earlier state."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract_tests.rules.worlds import generate_world
from mockserver.errors import ResourceFailed
from mockserver.world.clause import Clause
from mockserver.world.postgres.catalog import Catalog
from mockserver.world.postgres.database import PostgresConnection, PostgresDatabase
from mockserver.world.postgres.pool import CONFIRMED_SECONDS, Session
from mockserver.world.postgres.tables import DATA
from mockserver.world.records.workspace import Workspace
from mockserver.world.store import Store

OWNER = 1
LIFE = "kept-reads"

Rename = Callable[[str], None]


@pytest.fixture
def owned(catalog: Catalog) -> Iterator[PostgresDatabase]:
    """A database with a world, for a server that owns it and is alive."""
    catalog.pool.replace_number(OWNER)
    catalog.pool.confirmed_at = math.inf
    yield create_world(catalog)
    catalog.pool.confirmed_at = -math.inf
    catalog.remove_life(LIFE)
    catalog.pool.replace_number(None)


def create_world(catalog: Catalog) -> PostgresDatabase:
    database = catalog.create_life(LIFE)
    Store.create(database, *generate_world("empty")).close()
    return database


@pytest.fixture
def rename(catalog: Catalog, owned: PostgresDatabase) -> Rename:
    """Renames the workspace without its store, as another owner would."""

    def change(name: str) -> None:
        with psycopg.connect(catalog.pool.dsn, autocommit=True) as raw:
            raw.execute(f"UPDATE {DATA}.workspace SET name = %s WHERE life = %s", [name, owned.life])

    return change


def set_name(store: Store, name: str) -> None:
    with store.change() as change:
        change.connection.update(Workspace, Clause("TRUE"), name=name)


def read_in_thread(store: Store) -> str:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: store.workspace.name).result()


class Ending(PostgresDatabase):
    """A database whose next commit of a store ends by `end`, which gets the connection."""

    end: Callable[[PostgresConnection], None] | None = None

    def connect(self) -> PostgresConnection:
        return EndingConnection(self)


class EndingConnection(PostgresConnection):
    def __init__(self, database: Ending) -> None:
        super().__init__(database.pool, database.life, database.owner)
        self._database = database

    def commit(self) -> None:
        end, self._database.end = self._database.end, None
        if end is None:
            super().commit()
        else:
            end(self)


def build_lost() -> ResourceFailed:
    lost = ResourceFailed("the answer to COMMIT was lost")
    lost.may_be_committed = True
    return lost


def lose_commit(connection: PostgresConnection) -> None:
    """Neither the COMMIT nor its answer arrives."""
    connection.rollback()
    raise build_lost()


def lose_answer(connection: PostgresConnection) -> None:
    connection.commit()
    raise build_lost()


# What ends a state


def test_a_result_is_kept_until_the_next_change(owned: PostgresDatabase, rename: Rename) -> None:
    store = Store.open(owned)
    name = store.workspace.name
    rename("unnoticed")
    assert store.workspace.name == name
    with store.change() as change:
        change.connection.update(Workspace, Clause("TRUE"), payload_date="2024-01-01")
    assert (store.workspace.name, store.workspace.payload_date) == ("unnoticed", "2024-01-01")
    store.close()


@pytest.mark.parametrize("fails", [False, True])
def test_others_never_see_a_change_that_is_not_committed(owned: PostgresDatabase, fails: bool) -> None:
    store = Store.open(owned)
    before = store.workspace.name
    try:
        with store.change() as change:
            change.connection.update(Workspace, Clause("TRUE"), name="changed")
            assert (store.workspace.name, read_in_thread(store)) == ("changed", before)
            if fails:
                _ = 1 / 0
    except ZeroDivisionError:
        assert fails
    assert store.workspace.name == read_in_thread(store) == (before if fails else "changed")
    store.close()


def test_a_change_is_seen_as_soon_as_others_may_have_seen_it(owned: PostgresDatabase) -> None:
    """The database shows it before its answer to COMMIT has arrived: nobody may read an earlier result after that."""
    database = Ending(owned.pool, owned.life, owned.owner)
    store, seen = Store.open(database), list[str]()

    def end(connection: PostgresConnection) -> None:
        connection.commit()
        seen.append(read_in_thread(store))

    assert read_in_thread(store) != "changed"
    database.end = end
    set_name(store, "changed")
    assert seen == ["changed"]
    store.close()


@pytest.mark.parametrize("end", [lose_commit, lose_answer])
def test_nothing_is_kept_while_it_is_unknown_whether_a_change_was_committed(
    owned: PostgresDatabase, rename: Rename, end: Callable[[PostgresConnection], None]
) -> None:
    database = Ending(owned.pool, owned.life, owned.owner)
    store = Store.open(database)
    before = store.workspace.name
    database.end = end
    with pytest.raises(ResourceFailed):
        set_name(store, "changed")
    assert store.workspace.name == (before if end is lose_commit else "changed")
    for name in ("committed", "later"):
        rename(name)
        assert store.workspace.name == name
    store.close()


def test_a_commit_that_arrives_late_is_seen_and_ended_by_the_next_change(
    owned: PostgresDatabase, rename: Rename
) -> None:
    """The next change waits for the row that the lost one has locked, so results may be kept again."""
    database, late = Ending(owned.pool, owned.life, owned.owner), list[Session]()
    store = Store.open(database)
    before = store.workspace.name

    def end(connection: PostgresConnection) -> None:
        late.append(connection._get_session())
        connection._session = None
        raise build_lost()

    database.end = end
    with pytest.raises(ResourceFailed):
        set_name(store, "late")
    assert store.workspace.name == before
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(set_name, store, "next")
        late[0].raw.execute("COMMIT")
        following.result()
    owned.pool.give_back(late[0])
    assert store.workspace.name == "next"
    rename("unnoticed")
    assert store.workspace.name == "next"
    store.close()


ENDS = {"commit": None, "lost commit": lose_commit, "lost answer": lose_answer}


@given(deeds=st.lists(st.sampled_from(["read", "fail", *ENDS]), max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_a_result_is_that_of_the_database(owned: PostgresDatabase, deeds: list[str]) -> None:
    database = Ending(owned.pool, owned.life, owned.owner)
    store = Store.open(database)
    for number, deed in enumerate(deeds):
        try:
            if deed in ENDS:
                database.end = ENDS[deed]
                set_name(store, f"{deed} {number}")
            elif deed == "fail":
                with store.change() as change:
                    change.connection.update(Workspace, Clause("TRUE"), name=f"fail {number}")
                    _ = 1 / 0
        except (ResourceFailed, ZeroDivisionError):
            assert deed != "commit"
        assert [(store.workspace.name,)] == owned.connect().rows("SELECT name FROM workspace")
    store.close()


QUERIES = ("SELECT name FROM workspace", "SELECT name, payload_date FROM workspace", "SELECT MAX(name) FROM workspace")


def test_no_reader_goes_back_in_time_while_others_change_the_world(owned: PostgresDatabase) -> None:
    """Every later reader sees a change that was acknowledged, or that a reader has seen."""
    store, changes = Store.open(owned), 150
    set_name(store, "0")
    least, seen, ended = [0], [0], threading.Event()

    def read(number: int) -> None:
        while not ended.is_set():
            number += 1
            bound = max(least[0], seen[0])
            with store.reading() as connection:
                value = int(connection.value(QUERIES[number % len(QUERIES)]))
            assert value >= bound
            with lock:
                seen[0] = max(seen[0], value)

    def write() -> None:
        for value in range(1, changes + 1):
            set_name(store, str(value))
            least[0] = value

    lock = threading.Lock()
    with ThreadPoolExecutor(3) as threads:
        readers = [threads.submit(read, number) for number in range(2)]
        try:
            threads.submit(write).result()
        finally:
            ended.set()
        for reader in readers:
            reader.result()
    assert store.workspace.name == str(changes)
    store.close()


# Whose results are kept


def test_a_world_that_is_opened_again_is_read_again(owned: PostgresDatabase, rename: Rename) -> None:
    for name in ("first", "second"):
        rename(name)
        store = Store.open(owned)
        assert store.workspace.name == name
        store.close()


def test_a_world_that_is_created_again_under_its_name_is_another_one(catalog: Catalog, owned: PostgresDatabase) -> None:
    store = Store.open(owned)
    set_name(store, "first")
    assert store.workspace.name == "first"
    store.close()
    catalog.remove_life(LIFE)
    again = Store.open(create_world(catalog))
    assert again.workspace.name != "first"
    again.close()


def test_a_server_that_may_count_as_dead_keeps_and_shows_nothing(owned: PostgresDatabase, rename: Rename) -> None:
    """It has slept, or lost its database for a moment: another server may have changed the workspace."""
    store = Store.open(owned)
    assert store.workspace.name
    owned.pool.confirmed_at = time.monotonic() - CONFIRMED_SECONDS
    for name in ("changed", "changed again"):
        rename(name)
        assert store.workspace.name == name
    store.close()


def test_a_server_that_lost_the_workspace_or_the_database_shows_nothing(owned: PostgresDatabase) -> None:
    store = Store.open(owned)
    assert store.workspace
    owned.pool.mark_lost("The database is gone")
    with pytest.raises(ResourceFailed, match="is gone"):
        _ = store.workspace
    owned.pool.mark_found()
    owned.pool.replace_number(OWNER + 1)
    with pytest.raises(ResourceFailed, match="has taken over"):
        _ = store.workspace
    owned.pool.replace_number(OWNER)
    store.close()


def test_other_servers_keep_nothing(owned: PostgresDatabase, rename: Rename) -> None:
    store = Store.open(PostgresDatabase(owned.pool, owned.life, None))
    for name in ("first", "second"):
        rename(name)
        assert store.workspace.name == name
    store.close()


def test_a_snapshot_sees_its_own_moment(owned: PostgresDatabase) -> None:
    store = Store.open(owned)
    set_name(store, "first")
    snapshot = store.snapshot()
    assert snapshot.select(Workspace)[0].name == store.workspace.name == "first"
    set_name(store, "second")
    assert (snapshot.select(Workspace)[0].name, store.workspace.name) == ("first", "second")
    snapshot.close()
    assert store.workspace.name == "second"
    store.close()


# Which queries are the same


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT CAST(:value AS TEXT)", [1, True, 1.0, "1", 0, False, 0.0, -0.0, None, "", b"1"]),
        ("SELECT CAST(:value AS TEXT) IS NULL", [None, "", "None"]),
        ("SELECT COUNT(*) FROM workspace WHERE name = ANY(:value)", [["a"], ["b", "a"], []]),
    ],
)
def test_queries_with_other_parameters_are_other_queries(owned: PostgresDatabase, sql: str, values: list[Any]) -> None:
    store = Store.open(owned)
    set_name(store, "a")
    for value in values * 2:
        with store.reading() as connection:
            assert connection.rows(sql, {"value": value}) == owned.connect().rows(sql, {"value": value})
    store.close()


def test_a_list_that_is_changed_after_a_query_is_another_parameter(owned: PostgresDatabase) -> None:
    store, names = Store.open(owned), list[str]()
    set_name(store, "a")
    for count in (0, 1):
        with store.reading() as connection:
            query = "SELECT COUNT(*) FROM workspace WHERE name = ANY(CAST(:names AS TEXT[]))"
            assert connection.value(query, {"names": names}) == count
        names.append("a")
    store.close()
