"""The first request after all idle connections to the database have broken is answered: a firewall has forgotten them,
or an administrator has ended them, and the database is there."""

from collections.abc import Iterator

import psycopg
import pytest
import requests

from contract_tests.crash.killing import SCENARIO
from contract_tests.databases import create_database
from contract_tests.serving import ServedWorld
from contract_tests.waiting import PATIENCE, wait_for

KEY = "broken"
DOCUMENTS = {
    "read": "{projects(first: 10){name}}",
    "change": 'mutation{createProject(data: {name: "p"}){id}}',
    "export": "mutation{exportDataRowsInCatalog(input: {filters: {searchQuery: {scope: null, query: []}}, params: {}})"
    "{taskId}}",
}
CALLS: dict[str, tuple[str, str, object]] = {
    "create": ("POST", "workspaces", {"api_key": "another"}),
    "fork": ("POST", "workspaces", {"api_key": "fork", "fork_of": KEY}),
    "list": ("GET", "workspaces", None),
    "reset": ("POST", f"reset?api_key={KEY}", None),
    "requests": ("GET", f"requests?api_key={KEY}", None),
    "clear": ("DELETE", f"requests?api_key={KEY}", None),
    "event": ("POST", f"events?api_key={KEY}", {"event": "LABEL_CREATED", "project": "image"}),
    "replicas": ("GET", "replicas", None),
    "delete": ("DELETE", f"workspaces/{KEY}", None),
}


class Database:
    """A database whose connections can be ended, except that of the heartbeats."""

    def __init__(self) -> None:
        self.address = create_database()
        self._raw = psycopg.connect(self.address, autocommit=True)

    def end_connections(self) -> None:
        ended = [pid for pid, _ in self._raw.execute(END)]
        gone = "SELECT NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s))"
        wait_for(lambda: self._raw.execute(gone, [ended]).fetchone() == (True,))

    def close(self) -> None:
        self._raw.close()


END = """
SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name ~ '^mockserver-[0-9]' AND state = 'idle'
"""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    database = Database()
    yield database
    database.close()


@pytest.fixture(scope="module")
def world(database: Database) -> Iterator[ServedWorld]:
    with ServedWorld("--state", database.address, scenario=str(SCENARIO)) as world:
        yield world


@pytest.fixture(autouse=True)
def workspace(world: ServedWorld) -> Iterator[None]:
    """A workspace with this key, and none with the other ones."""
    requests.post(f"{world.url}/_mock/workspaces", json={"api_key": KEY}, timeout=PATIENCE).raise_for_status()
    yield
    for key in (KEY, "another", "fork"):
        requests.delete(f"{world.url}/_mock/workspaces/{key}", timeout=PATIENCE)


def ask(world: ServedWorld, document: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {KEY}"}
    return requests.post(world.graphql_url, json={"query": document}, headers=headers, timeout=PATIENCE)


def call(world: ServedWorld, name: str) -> requests.Response:
    if name in DOCUMENTS:
        return ask(world, DOCUMENTS[name])
    method, path, body = CALLS[name]
    return requests.request(method, f"{world.url}/_mock/{path}", json=body, timeout=PATIENCE)


@pytest.mark.parametrize("name", [*DOCUMENTS, *CALLS])
def test_the_first_request_on_broken_connections_is_answered(database: Database, world: ServedWorld, name: str) -> None:
    database.end_connections()
    answer = call(world, name)
    assert answer.status_code < 300, answer.text
    assert not answer.text.startswith('{"errors"'), answer.text
