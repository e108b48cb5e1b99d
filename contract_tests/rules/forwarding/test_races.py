"""Clients that create, change and delete the same workspace through several servers at the same time."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any, TypeVar

import psycopg
import pytest
import requests

from contract_tests.serving import ServedWorld
from contract_tests.waiting import PATIENCE
from mockserver.storage.manifest import name_home
from mockserver.world.postgres.tables import DATA

pytestmark = pytest.mark.xdist_group("servers of one database")
ROUNDS = 2
NAMES = count(1)
CREATE = "mutation($name: String!) { createProject(data: {name: $name}) { id } }"
T = TypeVar("T")


def call_together(calls: Sequence[Callable[[], T]]) -> list[T]:
    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(call) for call in calls]]


def control(server: ServedWorld, method: str, path: str, body: Any = None, **query: str) -> requests.Response:
    return requests.request(method, f"{server.url}/_mock/{path}", params=query, json=body, timeout=PATIENCE)


def create(servers: list[ServedWorld], key: str, **options: str) -> list[requests.Response]:
    body = {"api_key": key, "scenario": "empty"} if "fork_of" not in options else {"api_key": key, **options}
    return call_together([partial(control, server, "POST", "workspaces", body) for server in servers])


def query(server: ServedWorld, key: str, document: str, **variables: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"}
    body = {"query": document, "variables": variables}
    return requests.post(server.graphql_url, json=body, headers=headers, timeout=PATIENCE)


def list_projects(server: ServedWorld, key: str) -> set[str]:
    answer = query(server, key, "{ projects(first: 1000) { name } }").json()
    return {project["name"] for project in answer["data"]["projects"]}


def count_statuses(answers: list[requests.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def check_one_workspace(servers: list[ServedWorld], key: str) -> None:
    """All servers change and show the same workspace."""
    before = list_projects(servers[0], key)
    for server in servers:
        assert query(server, key, CREATE, name=server.url).ok
    for server in servers:
        assert list_projects(server, key) == {*before, *(each.url for each in servers)}
        assert control(server, "GET", "workspaces").json()["api_keys"].count(key) == 1


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_one_of_those_that_create_a_workspace_with_the_same_key_succeeds(
    servers: list[ServedWorld], round_: int
) -> None:
    key = f"race-{next(NAMES)}"
    answers = create(servers, key)
    assert count_statuses(answers) == {200: 1, 409: 2}, [answer.text for answer in answers]
    assert all(answer.ok or "already" in answer.json()["message"] for answer in answers)
    check_one_workspace(servers, key)
    deletions = call_together([partial(control, server, "DELETE", f"workspaces/{key}") for server in servers])
    assert count_statuses(deletions) == {204: 1, 404: 2}, [answer.text for answer in deletions]
    assert {query(server, key, "{ user { id } }").status_code for server in servers} == {401}


def test_one_of_those_that_fork_to_the_same_key_succeeds(servers: list[ServedWorld]) -> None:
    for source in [server.workspace(scenario="empty").api_key for server in servers]:
        key = f"race-{next(NAMES)}"
        answers = create(servers, key, fork_of=source)
        assert count_statuses(answers) == {200: 1, 409: 2}, [answer.text for answer in answers]
        check_one_workspace(servers, key)


def test_those_that_fork_different_workspaces_to_the_same_key_get_one(servers: list[ServedWorld]) -> None:
    sources = [server.workspace(scenario="empty").api_key for server in servers]
    key = f"race-{next(NAMES)}"
    bodies = [{"api_key": key, "fork_of": source} for source in sources]
    pairs = zip(servers, [*bodies[1:], bodies[0]], strict=True)
    answers = call_together([partial(control, server, "POST", "workspaces", body) for server, body in pairs])
    assert count_statuses(answers) == {200: 1, 409: 2}, [answer.text for answer in answers]
    check_one_workspace(servers, key)


def test_a_workspace_that_is_reset_by_all_together_is_reset(servers: list[ServedWorld]) -> None:
    key = servers[1].workspace(scenario="empty").api_key
    assert query(servers[2], key, CREATE, name="before").ok
    answers = call_together([partial(control, server, "POST", "reset", api_key=key) for server in servers])
    assert count_statuses(answers) == {200: 3}, [answer.text for answer in answers]
    assert {frozenset(list_projects(server, key)) for server in servers} == {frozenset()}
    check_one_workspace(servers, key)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_workspace_that_is_deleted_while_it_is_reset_forked_and_changed_is_gone(
    servers: list[ServedWorld], round_: int
) -> None:
    key, fork = servers[round_].workspace(scenario="empty").api_key, f"race-{next(NAMES)}"
    first, second, third = servers
    reset, forked, changed, deleted = call_together(
        [
            lambda: control(first, "POST", "reset", api_key=key),
            lambda: control(second, "POST", "workspaces", {"api_key": fork, "fork_of": key}),
            lambda: query(third, key, CREATE, name="at the same time"),
            lambda: control(second, "DELETE", f"workspaces/{key}"),
        ]
    )
    assert deleted.status_code == 204, deleted.text
    assert reset.status_code in {200, 404}, reset.text
    assert forked.status_code in {200, 404}, forked.text
    assert changed.status_code in {200, 401}, changed.text
    assert {query(server, key, "{ user { id } }").status_code for server in servers} == {401}
    if forked.ok:
        check_one_workspace(servers, fork)


def test_an_unknown_key_that_all_use_together_gets_one_workspace(any_key_servers: list[ServedWorld]) -> None:
    keys = [f"any-{next(NAMES)}" for _ in range(ROUNDS)]
    calls = [
        partial(query, server, key, "{ user { id } }") for key in keys for server in any_key_servers for _ in range(2)
    ]
    answers = call_together(calls)
    assert count_statuses(answers) == {200: len(calls)}, [answer.text for answer in answers if not answer.ok]
    for key in keys:
        check_one_workspace(any_key_servers, key)


@pytest.mark.parametrize("content", ["{}", "no JSON", '{"api_key": "another"}'])
def test_a_damaged_workspace_is_named_by_every_server_until_one_deletes_it(
    database: str, servers: list[ServedWorld], content: str
) -> None:
    key = f"damaged-{next(NAMES)}"
    with psycopg.connect(database, autocommit=True) as raw:
        insert = f"INSERT INTO {DATA}.manifest (home, content) VALUES (%s, %s)"
        raw.execute(insert.encode(), [name_home(key), content])
    for server in servers:
        refused = query(server, key, "{ user { id } }")
        assert refused.status_code == 400, refused.text
        assert "damaged" in refused.text
    assert {answer.status_code for answer in create(servers, key)} == {409}
    assert control(servers[1], "DELETE", f"workspaces/{key}").status_code == 204
    for server in servers:
        assert query(server, key, "{ user { id } }").status_code == 401
        assert control(server, "DELETE", f"workspaces/{key}").status_code == 404
    assert count_statuses(create(servers, key)) == {200: 1, 409: 2}
    check_one_workspace(servers, key)
