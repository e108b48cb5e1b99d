"""The servers of a state, as each of them lists them. Those of a shared database: forwarding/test_replicas.py."""

from collections.abc import Iterator

import pytest
import requests

from contract_tests.serving import ServedWorld


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    with ServedWorld("--state", str(tmp_path_factory.mktemp("state")), "--scenario", "empty") as server:
        yield server


def test_a_server_with_a_state_folder_is_alone_and_serves_all(server: ServedWorld) -> None:
    server.workspace()
    api_keys = requests.get(f"{server.url}/_mock/workspaces", timeout=60).json()["api_keys"]
    answer = requests.get(f"{server.url}/_mock/replicas", timeout=60).json()
    [replica] = answer.pop("replicas")
    assert answer == {"unserved": 0}
    assert replica.pop("name").endswith(f"-{server.ready['pid']}")
    assert replica.pop("version") == requests.get(f"{server.url}/_mock/health", timeout=60).json()["version"]
    assert replica == {
        "number": 1, "address": server.url, "heartbeat_age": 0.0, "this": True, "workspaces": len(api_keys),
        "api_keys": sorted(api_keys)[:100],
    }  # fmt: skip


def test_many_workspaces_are_counted_and_the_first_are_named(server: ServedWorld) -> None:
    before = len(requests.get(f"{server.url}/_mock/workspaces", timeout=60).json()["api_keys"])
    for number in range(101):
        created = requests.post(f"{server.url}/_mock/workspaces", json={"api_key": f"many-{number:03}"}, timeout=60)
        assert created.ok
    [replica] = requests.get(f"{server.url}/_mock/replicas", timeout=60).json()["replicas"]
    assert replica["workspaces"] == before + 101
    assert len(replica["api_keys"]) == 100


def test_the_call_is_refused_where_the_control_api_is(server: ServedWorld) -> None:
    url = f"{server.url}/_mock/replicas"
    assert requests.get(url, headers={"Origin": "http://evil.example"}, timeout=60).status_code == 401
