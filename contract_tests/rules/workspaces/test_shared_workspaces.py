"""The workspaces of a server that shares its database: opened when needed, closed when idle or lost."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from contract_tests.databases import create_database
from contract_tests.waiting import wait_for
from mockserver.app import Server, build
from mockserver.errors import Conflict, NotFound, ResourceFailed
from mockserver.places import cache_folder
from mockserver.settings import DatabaseUrl, Settings
from mockserver.workspaces.naming import WorkspaceName
from mockserver.workspaces.ownership import LISTED_TOGETHER, Owners
from mockserver.workspaces.ownership_search import OwnershipSearch
from mockserver.workspaces.sweeper import Sweeper
from mockserver.world.postgres.tables import DATA

OWN = "own-key"
MANY = LISTED_TOGETHER + 2
NAME = WorkspaceName("key", OWN)


@pytest.fixture(scope="module")
def dsn() -> str:
    return create_database()


@pytest.fixture
def built(dsn: str) -> Iterator[Server]:
    """A server that is not served."""
    settings = Settings(scenario="empty", api_key=OWN, cache=cache_folder(), state=DatabaseUrl(dsn))
    server = build(settings, "http://mock", local=True)
    yield server
    server.close()


def get_owners(server: Server) -> Owners:
    assert server.workspaces.owners is not None
    return server.workspaces.owners


def get_search(server: Server) -> OwnershipSearch:
    assert server.workspaces.ownership_search is not None
    return server.workspaces.ownership_search


def find(server: Server) -> bool:
    """Looks for the owner of the own workspace; whether this server serves it."""
    assert asyncio.run(get_owners(server).find(NAME)) is None
    return get_owners(server).serves(NAME)


def test_an_idle_workspace_is_closed_and_opened_by_its_next_request(built: Server) -> None:
    store = built.workspaces.registry.get(OWN).store
    asyncio.run(get_search(built).release_idle(3600))
    assert built.workspaces.registry.has(OWN), "it was used a moment ago"
    with get_owners(built).use(NAME):
        asyncio.run(get_search(built).release_idle(-1))
        assert built.workspaces.registry.has(OWN), "a request is being answered"
    asyncio.run(get_search(built).release_idle(-1))
    assert not built.workspaces.registry.has(OWN)
    assert built.workspaces.list_keys() == [OWN]
    assert find(built)
    assert built.workspaces.registry.get(OWN).store is not store


def test_the_results_of_a_workspace_are_counted_while_it_is_open(built: Server) -> None:
    workspace, before = built.workspaces.registry.get(OWN), built.workspaces.results_bytes
    workspace.budget.take(workspace.results, "x", 100)
    workspace.budget.finish(workspace.results, "x")
    assert built.workspaces.results_bytes == before + 100
    asyncio.run(get_search(built).release_idle(-1))
    assert built.workspaces.results_bytes == 0
    assert find(built)
    assert built.workspaces.results_bytes == before


def test_a_server_that_was_declared_dead_forgets_its_workspaces_and_joins_again(built: Server, dsn: str) -> None:
    store = built.workspaces.registry.get(OWN).store
    with psycopg.connect(dsn, autocommit=True) as raw:
        raw.execute(f"DELETE FROM {DATA}.replica".encode())
        wait_for(lambda: raw.execute(f"SELECT 1 FROM {DATA}.replica".encode()).fetchone() is not None)
    wait_for(lambda: not built.workspaces.registry.has(OWN))
    with pytest.raises(ResourceFailed):
        built.workspaces.registry.get(OWN)
    with pytest.raises((ResourceFailed, Conflict)), store.change():
        pass
    assert find(built)
    assert built.workspaces.registry.get(OWN).store is not store


def test_a_workspace_that_was_deleted_after_it_was_taken_over_is_unknown(built: Server, dsn: str) -> None:
    asyncio.run(built.workspaces.create("other"))
    lost = built.workspaces.registry.remove_all()
    with psycopg.connect(dsn, autocommit=True) as raw:
        raw.execute(f"DELETE FROM {DATA}.manifest WHERE content LIKE '%\"other\"%'".encode())
    assert asyncio.run(get_owners(built).find(WorkspaceName("key", "other"))) is None
    with pytest.raises(NotFound):
        built.workspaces.registry.get("other")
    for workspace in lost:
        workspace.close()


def test_all_workspaces_that_no_server_owns_are_swept_together(built: Server, dsn: str) -> None:
    for number in range(MANY):
        asyncio.run(built.workspaces.create(f"unused-{number}"))
    asyncio.run(get_search(built).release_idle(-1))
    with psycopg.connect(dsn, autocommit=True) as raw:
        raw.execute(f"UPDATE {DATA}.manifest SET used_at = used_at - interval '2 hours'".encode())
    assert find(built)
    asyncio.run(Sweeper(built.workspaces, 3600, OWN).sweep())
    assert built.workspaces.list_keys() == [OWN]
