"""The journal of a workspace goes with it from one server to the next."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
import requests

from contract_tests.databases import create_database
from contract_tests.postgres import PrivateCluster
from contract_tests.rules.forwarding.test_replicas import call, send
from contract_tests.serving import ServedWorld
from contract_tests.waiting import PATIENCE, wait_for
from mockserver.testing import MockWorkspace

MOST = 20


@pytest.fixture(scope="module")
def database() -> str:
    return create_database()


@pytest.fixture(scope="module")
def first(database: str) -> Iterator[ServedWorld]:
    """A server that outlives the others."""
    with start(database) as server:
        yield server


def start(database: str, **options: Any) -> ServedWorld:
    return ServedWorld("--state", database, "--scenario", "empty", "--journal-entries", str(MOST), **options)


def list_requests(server: ServedWorld, workspace: MockWorkspace, **parameters: Any) -> Any:
    options = "&".join(f"{name}={value}" for name, value in parameters.items())
    return call(server, workspace, "GET", f"requests?{options}")


def count_rows(database: str) -> int:
    with psycopg.connect(database) as raw:
        row = raw.execute(b"SELECT count(*) FROM mockserver_data.journal_entry").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_journal_is_whole_after_its_server_was_killed_or_stopped(
    first: ServedWorld, database: str, number: signal.Signals
) -> None:
    with start(database, popen=subprocess.Popen) as owner:
        workspace = owner.workspace()
        for name in ("one", "two"):
            assert send(owner, workspace, f"query {name} {{ user {{ id }} }}").ok
        assert send(owner, workspace, "{ user { emial } }").status_code == 400
        before = list_requests(first, workspace)
        assert [request["number"] for request in before["requests"]] == [1, 2, 3]
        if number == signal.SIGTERM:  # without a reader, which would have it written
            assert send(owner, workspace, "query three { user { id } }").ok
        os.kill(owner.ready["pid"], number)
        assert owner.process.wait(PATIENCE) == (0 if number == signal.SIGTERM else -number)
        assert send(first, workspace, "query after { user { id } }").ok
        after = list_requests(first, workspace)
    if number == signal.SIGTERM:
        assert after["requests"].pop(3)["operation"] == "three"
    assert after["requests"][:3] == before["requests"]
    [last] = after["requests"][3:]
    assert (last["operation"], last["number"]) == ("after", after["received"])
    assert after["dropped"] == 0
    assert call(first, workspace, "POST", "requests/verify", {"expect": [{"operation": "one", "times": 1}]})["matched"]


def test_the_oldest_requests_make_room_whichever_server_has_received_them(first: ServedWorld, database: str) -> None:
    before = count_rows(database)
    with start(database) as owner:
        workspace = owner.workspace()
        for _ in range(MOST - 5):
            assert send(owner, workspace, "{ user { id } }").ok
    for _ in range(10):
        assert send(first, workspace, "{ user { id } }").ok
    page = list_requests(first, workspace, bodies="false")
    numbers = [request["number"] for request in page["requests"]]
    assert numbers == list(range(6, MOST + 6))
    assert (page["received"], page["dropped"], page["count"]) == (MOST + 5, 5, MOST)
    assert count_rows(database) == before + MOST
    assert requests.delete(f"{first.url}/_mock/workspaces/{workspace.api_key}", timeout=PATIENCE).status_code == 204
    assert count_rows(database) == before


def test_deleted_requests_stay_deleted_and_a_reset_begins_a_new_journal(first: ServedWorld, database: str) -> None:
    with start(database) as owner:
        workspace = owner.workspace()
        assert send(owner, workspace).ok
        call(owner, workspace, "DELETE", "requests")
        assert send(owner, workspace, "query again { user { id } }").ok
    [request] = list_requests(first, workspace)["requests"]
    assert (request["number"], request["operation"]) == (1, "again")
    call(first, workspace, "POST", "reset")
    assert list_requests(first, workspace) == {
        "requests": [], "count": 0, "received": 0, "dropped": 0, "next_after": None,
    }  # fmt: skip


def test_requests_in_front_of_a_loss_of_the_database_are_kept_when_it_is_back() -> None:
    with ExitStack() as stack:
        cluster = stack.enter_context(PrivateCluster(durable=True))
        owner = stack.enter_context(start(cluster.dsn))
        with requests.Session() as session:
            for _ in range(3):
                answer = session.post(
                    owner.graphql_url, json={"query": "{ user { id } }"},
                    headers={"Authorization": f"Bearer {owner.api_key}"}, timeout=PATIENCE,
                )  # fmt: skip
                assert answer.ok
        cluster.kill()
        refused = requests.get(f"{owner.url}/_mock/requests", timeout=PATIENCE)
        assert (refused.status_code, refused.json()["code"]) == (409, "MOCKSERVER_RESOURCE_FAILED"), refused.text
        cluster.restart()
        page = wait_for(lambda: requests.get(f"{owner.url}/_mock/requests", timeout=PATIENCE), lambda it: it.ok).json()
        assert [request["number"] for request in page["requests"]] == [1, 2, 3]
        assert count_rows(cluster.dsn) == 3
