"""A server that owns a workspace keeps results of small queries, and never shows one of an earlier state."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from contract_tests.rules.worlds import generate_world
from mockserver.errors import ResourceFailed
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.postgres.catalog import Catalog
from mockserver.world.postgres.database import PostgresDatabase
from mockserver.world.postgres.kept_reads import LARGEST, MOST_BYTES, MOST_ROWS, KeptReads, build_key
from mockserver.world.postgres.tables import DATA
from mockserver.world.store import Store

OWNER = 1


@pytest.fixture
def owned(catalog: Catalog) -> Iterator[PostgresDatabase]:
    """A database with a world, for a server that owns it."""
    catalog.pool.replace_number(OWNER)
    database = catalog.create_life("kept-reads")
    Store.create(database, *generate_world("empty")).close()
    yield database
    catalog.remove_life("kept-reads")
    catalog.pool.replace_number(None)


@pytest.fixture
def rename(catalog: Catalog, owned: PostgresDatabase) -> Callable[[str], None]:
    """Renames the workspace without its store, as another owner would."""

    def change(name: str) -> None:
        with psycopg.connect(catalog.pool.dsn, autocommit=True) as raw:
            raw.execute(f"UPDATE {DATA}.workspace SET name = %s WHERE life = %s", [name, owned.life])

    return change


def test_a_result_is_kept_until_the_next_change(owned: PostgresDatabase, rename: Callable[[str], None]) -> None:
    store = Store.open(owned)
    name = store.workspace.name
    rename("unnoticed")
    assert store.workspace.name == name
    WorkspaceSettings(store).set_payload_date("2024-01-01")
    assert (store.workspace.name, store.workspace.payload_date) == ("unnoticed", "2024-01-01")
    store.close()


def test_a_change_that_fails_ends_a_state_as_well(owned: PostgresDatabase, rename: Callable[[str], None]) -> None:
    store = Store.open(owned)
    assert store.workspace.name != "unnoticed"
    with pytest.raises(ZeroDivisionError), store.change():
        _ = 1 / 0
    rename("unnoticed")
    assert store.workspace.name == "unnoticed"
    store.close()


def test_nothing_is_kept_once_it_is_unknown_whether_a_change_was_committed(
    owned: PostgresDatabase, rename: Callable[[str], None]
) -> None:
    store = Store.open(owned)
    lost = ResourceFailed("the answer to COMMIT was lost")
    lost.may_be_committed = True
    with pytest.raises(ResourceFailed), store.change():
        raise lost
    for name in ("committed", "later"):
        rename(name)
        assert store.workspace.name == name
    store.close()


def test_a_world_that_is_opened_again_is_read_again(owned: PostgresDatabase, rename: Callable[[str], None]) -> None:
    for name in ("first", "second"):
        rename(name)
        store = Store.open(owned)
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


def test_other_servers_keep_nothing(owned: PostgresDatabase, rename: Callable[[str], None]) -> None:
    store = Store.open(PostgresDatabase(owned.pool, owned.life, None))
    for name in ("first", "second"):
        rename(name)
        assert store.workspace.name == name
    store.close()


def test_a_result_belongs_to_the_state_in_which_its_query_began() -> None:
    reads, key = KeptReads(), build_key(1, "SELECT", {"id": "a"})
    reads.keep(key, 1, [("before",)])
    assert reads.find(key, 2) is None
    rows = reads.find(key, 1)
    assert rows == [("before",)]
    rows.clear()
    assert reads.find(key, 1) == [("before",)], "what a caller does with the rows changes nothing"
    assert reads.find(build_key(2, "SELECT", {"id": "a"}), 1) is None
    assert reads.find(build_key(1, "SELECT", {"id": "b"}), 1) is None


def test_results_are_kept_within_bounds() -> None:
    reads = KeptReads()
    for large in ([("x" * LARGEST,)], [(1,)] * (MOST_ROWS + 1)):
        reads.keep(build_key(1, "large", {}), 1, large)
        assert reads.find(build_key(1, "large", {}), 1) is None
    row = [("x" * (LARGEST // 2),)]
    keys = [build_key(1, "SELECT", {"no": number}) for number in range(3 * MOST_BYTES // LARGEST)]
    for key in keys:
        reads.keep(key, 1, row)
        assert reads.find(keys[0], 1) == row, "those that are used stay"
    remaining = [key for key in keys if reads.find(key, 1) is not None]
    assert len(remaining) * LARGEST // 2 <= MOST_BYTES
    assert keys[-1] in remaining
