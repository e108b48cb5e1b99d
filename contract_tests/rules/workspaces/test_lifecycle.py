"""Workspaces are created without holding other clients, also many at the same time."""

import re
import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from contract_tests.rules.worlds import many_boxes
from contract_tests.serving import ServedWorld
from mockserver.testing.errors import ControlRefusedError

ROWS = 12_000
"""So many take seconds to generate, on any machine."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedWorld]:
    """An empty world that creates a workspace for every key; its cache holds no other world yet."""
    monkeypatch.setenv("LABELBOX_MOCKSERVER_CACHE", str(tmp_path / "cache"))
    with ServedWorld("--any-key", scenario="empty") as served:
        yield served


def ask(server: ServedWorld, key: str) -> requests.Response:
    body = {"query": "{projects(first: 5){name}}"}
    headers = {"Authorization": f"Bearer {key}"}
    return requests.post(server.graphql_url, json=body, headers=headers, timeout=60)


def get_refusal(call: Callable[[], object]) -> str:
    """The message that refuses a call; empty if it is not refused."""
    try:
        call()
    except ControlRefusedError as error:
        return str(error)
    return ""


def test_others_are_served_while_large_worlds_are_generated(server: ServedWorld, tmp_path: Path) -> None:
    """During that time workspaces of a known world are created, by the control API and for an unknown key: as many as
    the machine manages, and at least one, before the last of eight large worlds is there."""
    scenario = str(many_boxes(tmp_path, labelled=ROWS))
    bodies = [{"api_key": f"large-{number}", "scenario": scenario, "seed": number} for number in range(8)]
    with ThreadPoolExecutor(len(bodies)) as threads:
        large = [threads.submit(server.control.call, "POST", "workspaces", body) for body in bodies]
        served_beside = 0
        for number in range(10):
            assert requests.get(f"{server.url}/_mock/health", timeout=60).status_code == 200
            assert ask(server, server.api_key).status_code == 200
            assert ask(server, f"unknown-{number}").json() == {"data": {"projects": []}}
            server.control.call("POST", "workspaces", {"api_key": f"small-{number}"})
            server.control.call("POST", "reset", api_key=f"small-{number}")
            if all(future.done() for future in large):
                break
            served_beside += 1
        assert served_beside > 0, "everybody has waited for the large worlds"
        assert {"many"} == {name for future in large for name in future.result()["projects"]}


def test_one_of_many_requests_for_the_same_key_creates_it(server: ServedWorld) -> None:
    def create(_: int) -> str:
        return get_refusal(lambda: server.control.call("POST", "workspaces", {"api_key": "wanted"}))

    with ThreadPoolExecutor(16) as threads:
        refusals = list(threads.map(create, range(16)))
        assert sorted("already" in refusal for refusal in refusals) == [False] + 15 * [True]
        assert {response.status_code for response in threads.map(lambda _: ask(server, "asked"), range(16))} == {200}
    assert set(server.control.call("GET", "workspaces")["api_keys"]) == {server.api_key, "wanted", "asked"}


def test_changes_of_one_key_take_turns_whatever_they_are(server: ServedWorld) -> None:
    """Forks in a circle included: each waits for two keys."""
    for key in ("a", "b"):
        server.control.call("POST", "workspaces", {"api_key": key})

    def change(number: int) -> str:
        bodies = ({"api_key": "a", "fork_of": "b"}, {"api_key": "b", "fork_of": "a"})
        calls = (
            lambda: server.control.call("POST", "workspaces", bodies[number % 2]),
            lambda: server.control.call("DELETE", f"workspaces/{'ab'[number % 2]}"),
            lambda: server.control.call("POST", "reset", api_key="ab"[number % 2]),
        )
        return get_refusal(calls[number % 3])

    with ThreadPoolExecutor(12) as threads:
        refusals = set(threads.map(change, range(60)))
    expected = ("already", "no workspace", "reset or deleted in the meantime")
    assert [refusal for refusal in refusals if refusal and not any(words in refusal for words in expected)] == []
    for key in set(server.control.call("GET", "workspaces")["api_keys"]):
        assert ask(server, key).status_code == 200


def test_one_more_workspace_than_the_limit_is_refused_in_every_way(tmp_path: Path) -> None:
    with ServedWorld("--any-key", "--workspaces-limit", "2", scenario="empty") as server:
        server.control.call("POST", "workspaces", {"api_key": "second"})
        for body in ({"api_key": "third"}, {"api_key": "third", "fork_of": "second"}):
            with pytest.raises(ControlRefusedError, match=r"delete those .* --sweep-after .* --workspaces-limit"):
                server.control.call("POST", "workspaces", body)
        assert "--workspaces-limit" in ask(server, "third").json()["errors"][0]["message"]
        server.control.call("DELETE", "workspaces/second")
        assert ask(server, "third").status_code == 200


def size(server: ServedWorld) -> int:
    """Bytes of all databases of a server. A file that several forks go back to has several names, and counts once."""
    files = (path.stat() for path in server.state_folder.glob("workspaces/*/**/*.sqlite"))
    return sum({file.st_ino: file.st_size for file in files}.values())


def test_a_fork_has_the_same_world_without_the_messages_to_webhooks(tmp_path: Path) -> None:
    """Here they are five megabytes."""
    scenario = str(many_boxes(tmp_path, labelled=20))
    with ServedWorld(scenario=scenario) as server:
        server.control.call("POST", "clock", {"freeze": True})
        hook = {"url": "http://127.0.0.1:9", "secret": "secret", "topics": ["LABEL_UPDATED"], "version": "v2"}
        server.control.call("POST", "webhooks", hook)
        while size(server) < 7_000_000:
            for _ in range(50):
                server.control.call("POST", "events", {"event": "LABEL_UPDATED", "project": "many"})
        before = size(server)
        server.control.call("POST", "workspaces", {"api_key": "fork", "fork_of": server.api_key})
        assert size(server) - before < 3_500_000  # its world, and the origin that a reset goes back to
        rows = [server.control.send("POST", "expected", {"project": "many"}, api_key=key) for key in KEYS]
        assert rows[0].count(b"\n") == 20
        assert without_links(rows[0]) == without_links(rows[1])


KEYS = ("mock-api-key", "fork")


def without_links(rows: bytes) -> bytes:
    """The rows without their links, which each workspace signs itself."""
    return re.sub(rb'"http[^"]*"', b"", rows)


def test_workspaces_leave_open_files_to_connections_and_exports(tmp_path: Path) -> None:
    """With a limit of 120 open files some ten workspaces are created; then all of the API still answers."""
    with ServedWorld("--any-key", "--state", str(tmp_path / "state"), scenario="empty") as server:
        pid = int(server.ready["pid"])
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (120, 120))
        count = 0
        while not (refusal := get_refusal_of_workspace(server, f"key-{count}")):
            count += 1
            assert count < 40
        assert "ulimit -n" in refusal
        assert count > 3
        assert "ulimit -n" in ask(server, "one-more").json()["errors"][0]["message"]
        assert ask(server, server.api_key).status_code == 200
        server.control.call("POST", "reset", api_key="key-0")
        server.control.call("DELETE", "workspaces/key-0")
        assert get_refusal_of_workspace(server, "key-0") == ""


def get_refusal_of_workspace(server: ServedWorld, key: str) -> str:
    return get_refusal(lambda: server.control.call("POST", "workspaces", {"api_key": key}))


@pytest.mark.parametrize("key", ["a/b", "x" * 1001, "a b", "ÿþ"])
def test_an_unknown_key_that_could_not_be_deleted_creates_no_workspace(server: ServedWorld, key: str) -> None:
    [error] = ask(server, key.encode().decode("latin-1")).json()["errors"]
    assert error["extensions"]["code"] == "AUTHENTICATION_ERROR"
    assert server.control.call("GET", "workspaces")["api_keys"] == [server.api_key]
