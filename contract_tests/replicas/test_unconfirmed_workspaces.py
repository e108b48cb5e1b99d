"""The connection to the database is lost while it commits that a workspace is created, forked, reset or deleted: one of
both is true then, for every server, and nothing that is acknowledged afterwards is lost."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
import requests

from contract_tests.crash.killing import SCENARIO
from contract_tests.databases import create_database, name_database, start_cluster
from contract_tests.replicas.splitter import Splitter
from contract_tests.serving import ServedWorld
from contract_tests.waiting import PATIENCE, wait_for

KEY = "of-the-test"
PROJECTS = "{projects(first: 1000){name}}"
CREATE = 'mutation{createProject(data: {name: "after"}){name}}'


class Way:
    """The way to a database, on which the answer to the COMMIT that follows a change of a manifest can be lost."""

    def __init__(self) -> None:
        self._is_armed = self._is_near = False
        self.losses = 0
        self.splitter = Splitter([start_cluster().socket], is_last=self._is_lost)

    def arm(self) -> None:
        self._is_armed = True

    def _is_lost(self, chunk: bytes) -> bool:
        if not self._is_armed:
            return False
        if b"COMMIT" in chunk and b"BEGIN" not in chunk and self._is_near:
            self._is_armed = self._is_near = False
            self.losses += 1
            return True
        self._is_near = self._is_near or any(words in chunk for words in CHANGES)
        return False


COUNT_OPEN = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""
CHANGES = (b"manifest (home", b"manifest SET content", b"DELETE FROM mockserver_data.manifest")


class Server:
    """A server whose way to the database can be disturbed, and another one that takes over from it."""

    def __init__(self, way: Way) -> None:
        self.way, self._name = way, create_database().partition("///")[2].partition("?")[0]
        self._first, self._second = self._build(), self._build()
        self._first.start()
        self.url = self._first.url

    def _build(self) -> ServedWorld:
        state = f"postgresql://postgres@127.0.0.1:{self.way.splitter.port}/{self._name}"
        return ServedWorld("--state", state, scenario=str(SCENARIO))

    def take_over(self) -> None:
        self._second.start()
        self._first.stop()
        self.url = self._second.url

    def stop(self) -> None:
        self._first.stop()
        self._second.stop()

    def wait_until_settled(self) -> None:
        """Waits until the database has read the last COMMIT that was sent to it: no transaction is open."""
        with psycopg.connect(name_database(start_cluster().dsn, self._name), autocommit=True) as raw:
            wait_for(lambda: raw.execute(COUNT_OPEN).fetchone() == (0,))
        wait_for(lambda: self.control("GET", "health") == 200)

    def control(self, method: str, path: str, body: object = None) -> int:
        return requests.request(method, f"{self.url}/_mock/{path}", json=body, timeout=PATIENCE).status_code

    def ask(self, document: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {KEY}"}
        return requests.post(f"{self.url}/graphql", json={"query": document}, headers=headers, timeout=PATIENCE)


@pytest.fixture
def server() -> Iterator[Server]:
    way = Way()
    with way.splitter:
        server = Server(way)
        yield server
        server.stop()


def create(server: Server) -> int:
    return server.control("POST", "workspaces", {"api_key": KEY})


def fork(server: Server) -> int:
    return server.control("POST", "workspaces", {"api_key": KEY, "fork_of": "mock-api-key"})


def reset(server: Server) -> int:
    return server.control("POST", f"reset?api_key={KEY}")


def delete(server: Server) -> int:
    return server.control("DELETE", f"workspaces/{KEY}")


@pytest.mark.parametrize("change", [create, fork, reset, delete])
def test_a_change_of_a_workspace_whose_commit_is_not_confirmed_is_made_or_not(
    server: Server, change: Callable[[Server], int]
) -> None:
    if change in {reset, delete}:
        assert create(server) < 300
    server.way.arm()
    change(server)
    assert server.way.losses == 1
    server.wait_until_settled()
    answer = server.ask(CREATE)
    exists = "errors" not in answer.json()
    assert exists or "AUTHENTICATION" in answer.text, answer.text
    server.take_over()
    after = server.ask(PROJECTS).json()
    assert ("errors" not in after) == exists, after
    if exists:
        assert "after" in {project["name"] for project in after["data"]["projects"]}
        assert reset(server) < 300
        assert delete(server) < 300
    assert create(server) < 300
