"""Workspaces that nobody uses are deleted by a server with `--sweep-after`; those in use, and its own, stay."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
import requests

from contract_tests.serving import ServedWorld
from contract_tests.waiting import eventually, wait_for
from mockserver.app import Server, build
from mockserver.errors import StartupError
from mockserver.places import cache_folder
from mockserver.settings import Settings
from mockserver.workspaces.registry import Registry
from mockserver.workspaces.sweeper import Sweeper
from mockserver.workspaces.workspace import Workspace

HOUR = 3600.0
OWN = "own-key"
STEPS = 20


@pytest.fixture
def built() -> Iterator[Server]:
    """A server that is not served, with two workspaces beside its own. All of them have been idle for two hours."""
    server = build(Settings(scenario="empty", api_key=OWN, cache=cache_folder()), "http://mock", local=True)
    try:
        for key in ("first", "second"):
            server.workspaces.create_now(key)
        for workspace in server.workspaces.registry.all():
            workspace.used_at -= 2 * HOUR
        yield server
    finally:
        server.close()


def sweep(server: Server, age: float = HOUR) -> set[str]:
    """The keys that are left."""
    asyncio.run(Sweeper(server.workspaces, age, OWN).sweep())
    return set(server.workspaces.registry.keys())


def test_all_idle_workspaces_but_the_servers_own_are_deleted(built: Server) -> None:
    assert sweep(built) == {OWN}
    assert built.workspaces.swept == 2


def test_a_younger_age_than_the_workspaces_have_keeps_them(built: Server) -> None:
    assert sweep(built, age=3 * HOUR) == {OWN, "first", "second"}


def find_second(registry: Registry) -> Workspace:
    """The second workspace, without using it."""
    [workspace] = [each for each in registry.all() if each.api_key == "second"]
    return workspace


def make_mask_token(workspace: Workspace) -> str:
    return workspace.links.mask_token("user", "organization", now=workspace.store.clock.now())


USES: dict[str, Callable[[Registry], object]] = {
    "its key": lambda registry: registry.find("second"),
    "its name": lambda registry: registry.get("second"),
    "one of its links": lambda registry: registry.find_by_slug(find_second(registry).links.workspace),
    "a mask of it": lambda registry: registry.get_by_mask_token(make_mask_token(find_second(registry))),
}


@pytest.mark.parametrize("use", USES)
def test_a_workspace_that_a_request_finds_stays(built: Server, use: str) -> None:
    USES[use](built.workspaces.registry)
    assert sweep(built) == {OWN, "second"}


def test_a_workspace_that_is_used_while_a_change_keeps_the_sweep_waiting_stays(built: Server) -> None:
    workspace = find_second(built.workspaces.registry)

    async def sweep_during_a_change() -> None:
        async with workspace.long_changes.turn():
            sweeping = asyncio.create_task(Sweeper(built.workspaces, HOUR, OWN).sweep())
            await asyncio.to_thread(wait_for, lambda: built.workspaces.swept == 1)
            for _ in range(STEPS):  # to the end of the first one, and to the turn of the second
                await asyncio.sleep(0)
            built.workspaces.registry.find("second")
        await sweeping

    asyncio.run(sweep_during_a_change())
    assert set(built.workspaces.registry.keys()) == {OWN, "second"}


def test_listing_all_workspaces_is_no_use_of_them(built: Server) -> None:
    built.workspaces.registry.keys()
    built.workspaces.registry.all()
    assert sweep(built) == {OWN}


def test_one_that_is_used_before_its_turn_stays(built: Server) -> None:
    built.workspaces.registry.find("first")
    assert asyncio.run(built.workspaces.delete_idle("first", HOUR)) is False
    assert asyncio.run(built.workspaces.delete_idle("unknown", HOUR)) is False


def test_a_server_sweeps_by_itself_and_says_how_many() -> None:
    with ServedWorld("--sweep-after", "1s", scenario="empty") as world:
        key = world.workspace().api_key
        assert eventually(lambda: key not in list_keys(world), within=60)
        assert world.api_key in list_keys(world)
        headers = {"Authorization": f"Bearer {key}"}
        answer = requests.post(world.graphql_url, json={"query": "{user {id}}"}, headers=headers, timeout=60)
        assert answer.status_code == 401
        # Counted when its files are deleted, after its key is gone.
        assert eventually(lambda: "mockserver_workspaces_swept_total 1" in read_metrics(world), within=60)


def read_metrics(world: ServedWorld) -> str:
    return requests.get(f"{world.url}/_mock/metrics", timeout=60).text


def list_keys(world: ServedWorld) -> list[str]:
    return list(requests.get(f"{world.url}/_mock/workspaces", timeout=60).json()["api_keys"])


@pytest.mark.parametrize("age", [0, 0.5, -1])
def test_an_age_below_a_second_is_refused(age: float) -> None:
    with pytest.raises(StartupError, match="expected at least a second, for example --sweep-after 2d"):
        Settings(sweep_after=age)
