"""Three servers share one database: each of them answers the requests about every workspace."""

import re
import signal
from typing import Any

import pytest
import requests

from contract_tests.serving import ServedWorld
from contract_tests.waiting import PATIENCE, eventually
from mockserver.testing import MockWorkspace

pytestmark = pytest.mark.xdist_group("servers of one database")
QUERY = "{ projects { name } }"


@pytest.fixture(scope="module")
def workspaces(servers: list[ServedWorld]) -> list[MockWorkspace]:
    """A workspace of each server."""
    return [server.workspace() for server in servers]


def send(server: ServedWorld, workspace: MockWorkspace, query: str = QUERY, **options: Any) -> requests.Response:
    key = {"Authorization": f"Bearer {workspace.api_key}"}
    return requests.post(server.graphql_url, json={"query": query}, headers=key, timeout=PATIENCE, **options)


def call(server: ServedWorld, workspace: MockWorkspace, method: str, path: str, body: Any = None) -> Any:
    """A call of the control API about a workspace, through a server of the test's choice."""
    url = f"{server.url}/_mock/{path}"
    answer = requests.request(method, url, params={"api_key": workspace.api_key}, json=body, timeout=PATIENCE)
    assert answer.ok, answer.text
    return answer.json() if answer.content else None


def test_every_server_answers_about_every_workspace(
    servers: list[ServedWorld], workspaces: list[MockWorkspace]
) -> None:
    for server in servers:
        for workspace in [*workspaces, servers[0].own]:
            assert len(send(server, workspace).json()["data"]["projects"]) == 11


def test_links_in_answers_name_the_server_that_the_client_called_and_lead_there(
    servers: list[ServedWorld], workspaces: list[MockWorkspace]
) -> None:
    for server in servers:
        for workspace in workspaces:
            query = "{ datasets(first: 1) { dataRows(first: 1) { rowData } } }"
            link = send(server, workspace, query).json()["data"]["datasets"][0]["dataRows"][0]["rowData"]
            assert link.startswith(f"{server.url}/_files/")
            files = [requests.get(link.replace(server.url, other.url), timeout=PATIENCE) for other in servers]
            assert {file.status_code for file in files} == {200}
            assert len({file.content for file in files}) == 1


def test_the_control_api_of_every_server_controls_every_workspace(
    servers: list[ServedWorld], workspaces: list[MockWorkspace]
) -> None:
    first, second, third = servers
    call(second, workspaces[0], "POST", "clock", {"set": "2031-02-03T00:00:00Z", "freeze": True})
    assert call(third, workspaces[0], "GET", "clock") == {"now": "2031-02-03T00:00:00.000Z", "frozen": True}
    for server in servers:
        assert set(call(server, workspaces[0], "GET", "workspaces")["api_keys"]) >= {
            first.api_key,
            *(workspace.api_key for workspace in workspaces),
        }


def test_every_server_lists_the_servers_and_what_each_one_serves(
    servers: list[ServedWorld], workspaces: list[MockWorkspace]
) -> None:
    for server in servers:
        answer = requests.get(f"{server.url}/_mock/replicas", timeout=PATIENCE).json()
        replicas = answer["replicas"]
        assert [replica["name"] for replica in replicas] == ["first", "second", "third"]
        assert [replica["address"] for replica in replicas] == [each.url for each in servers]
        assert [replica["this"] for replica in replicas] == [each is server for each in servers]
        assert all(0 <= replica["heartbeat_age"] < PATIENCE for replica in replicas)
        for replica, workspace in zip(replicas, workspaces, strict=True):
            assert workspace.api_key in replica["api_keys"]
            assert len(replica["api_keys"]) == replica["workspaces"]
        total = len(call(server, workspaces[0], "GET", "workspaces")["api_keys"])
        assert sum(replica["workspaces"] for replica in replicas) + answer["unserved"] == total


def test_a_fork_is_made_and_deleted_through_any_server(
    servers: list[ServedWorld], workspaces: list[MockWorkspace]
) -> None:
    for number, server in enumerate(servers):
        body = {"fork_of": workspaces[0].api_key, "api_key": f"fork-{number}"}
        answer = requests.post(f"{server.url}/_mock/workspaces", json=body, timeout=PATIENCE).json()
        assert (answer["api_key"], answer["url"]) == (f"fork-{number}", server.url)
        other = servers[number - 1]
        key = {"Authorization": f"Bearer fork-{number}"}
        assert requests.post(other.graphql_url, json={"query": QUERY}, headers=key, timeout=PATIENCE).ok
        again = requests.post(f"{other.url}/_mock/workspaces", json=body, timeout=PATIENCE)
        assert (again.status_code, again.json()["code"]) == (409, "RESOURCE_CONFLICT")
        deleted = requests.delete(f"{other.url}/_mock/workspaces/fork-{number}", timeout=PATIENCE)
        assert deleted.status_code == 204
        for each in servers:
            refused = requests.post(each.graphql_url, json={"query": QUERY}, headers=key, timeout=PATIENCE)
            assert refused.status_code == 401


def test_a_fault_hits_calls_of_every_server_as_often_as_requested(
    servers: list[ServedWorld], workspaces: list[MockWorkspace]
) -> None:
    rule = {"fault": "server_error", "status": 503, "times": len(servers)}
    fault = call(servers[1], workspaces[0], "POST", "faults", rule)
    assert [send(server, workspaces[0]).status_code for server in [*servers, *servers]] == [503] * 3 + [200] * 3
    assert call(servers[2], workspaces[0], "GET", f"faults/{fault['id']}")["hits"] == 3


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"fault": "connection_reset"}, "Connection aborted"),
        ({"fault": "connection_closed"}, "Connection aborted"),
        ({"fault": "closed_within", "bytes": 10}, "10 bytes read"),
        ({"fault": "reset_within", "bytes": 10}, "reset by peer"),
        ({"fault": "length_too_large", "bytes": 5}, "5 more expected"),
    ],
)
def test_a_fault_of_the_connection_reaches_the_client_of_every_server(
    servers: list[ServedWorld], workspaces: list[MockWorkspace], rule: dict[str, Any], problem: str
) -> None:
    call(servers[0], workspaces[0], "POST", "faults", rule | {"times": 3})
    for server in servers:
        with pytest.raises(requests.RequestException, match=problem):
            send(server, workspaces[0])
    assert send(servers[1], workspaces[0]).ok


def test_a_request_is_recorded_once_with_what_its_client_has_sent(
    servers: list[ServedWorld], workspaces: list[MockWorkspace]
) -> None:
    call(servers[1], workspaces[0], "DELETE", "requests")
    for number, server in enumerate(servers):
        send(server, workspaces[0], f"{{ user {{ id }} n{number}: user {{ id }} }}")
    recorded = call(servers[2], workspaces[0], "GET", "requests")
    assert recorded["received"] == 3
    for request, server in zip(recorded["requests"], servers, strict=True):
        fields = dict(request["request"]["headers"])
        assert fields["host"] == server.url.removeprefix("http://")
        assert not any("mockserver" in name for name in fields)


def test_a_request_is_counted_by_its_owner_alone(servers: list[ServedWorld], workspaces: list[MockWorkspace]) -> None:
    def count_queries() -> list[int]:
        metric = r'mockserver_requests_total\{operation="query",status="2xx"\} (\d+)'
        texts = [requests.get(f"{server.url}/_mock/metrics", timeout=PATIENCE).text for server in servers]
        return [int(match[1]) if (match := re.search(metric, text)) else 0 for text in texts]

    before = count_queries()
    for server in servers:
        send(server, workspaces[1])
    assert [after - earlier for after, earlier in zip(count_queries(), before, strict=True)] == [0, 3, 0]


def test_an_open_page_follows_its_workspace_through_any_server(
    servers: list[ServedWorld], workspaces: list[MockWorkspace]
) -> None:
    url = f"{servers[2].url}/console/stream?api_key={workspaces[1].api_key}"
    with requests.get(url, stream=True, timeout=PATIENCE) as stream:
        lines = stream.iter_lines()
        assert next(lines) == b"retry: 3000"
        send(servers[0], workspaces[1])
        assert next(line for line in lines if line.startswith(b"data:") and b"requests" in line)
    page = requests.get(f"{servers[2].url}/?api_key={workspaces[1].api_key}", timeout=PATIENCE)
    assert workspaces[1].api_key in page.text


def test_the_label_of_another_workspace_is_known_as_such_by_every_server(
    servers: list[ServedWorld], workspaces: list[MockWorkspace]
) -> None:
    other = servers[2].workspace(seed=7)
    query = "{ projects(first: 1) { labels(first: 1) { id } } }"
    label = send(servers[2], other, query).json()["data"]["projects"][0]["labels"][0]["id"]
    for server in servers:
        key = {"Authorization": f"Bearer {workspaces[0].api_key}"}
        refused = requests.get(f"{server.url}/api/v1/frames/{label}", headers=key, timeout=PATIENCE)
        assert (refused.status_code, refused.json()["code"]) == (403, "AUTHORIZATION_ERROR")


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Origin": "http://evil.example"}, 401), ({"X-Forwarded-For": "10.0.0.9"}, 401), ({"Host": "evil.example"}, 421)],
)
def test_a_request_that_is_from_no_program_of_this_machine_is_refused_by_every_server(
    servers: list[ServedWorld], workspaces: list[MockWorkspace], headers: dict[str, str], status: int
) -> None:
    for server in servers:
        url = f"{server.url}/_mock/clock?api_key={workspaces[0].api_key}"
        assert requests.get(url, headers=headers, timeout=PATIENCE).status_code == status


def test_an_owner_that_is_killed_is_replaced_with_its_next_request(any_key_servers: list[ServedWorld]) -> None:
    first, second = any_key_servers
    assert len(first.ready["control_token"]) >= 32
    assert first.ready["control_token"] == second.ready["control_token"]
    workspace = first.workspace()
    call(first, workspace, "POST", "clock", {"set": "2031-02-03T00:00:00Z", "freeze": True})
    assert send(second, workspace).ok
    first.process.kill()
    first.process.wait()
    assert send(second, workspace).ok
    assert call(second, workspace, "GET", "clock") == {"now": "2031-02-03T00:00:00.000Z", "frozen": True}


def test_an_owner_that_ends_hands_its_workspaces_over(any_key_servers: list[ServedWorld]) -> None:
    first, second = any_key_servers
    workspace = first.workspace()
    assert send(second, workspace).ok
    first.process.terminate()
    first.process.wait()
    assert send(second, workspace).ok


def test_an_owner_that_is_stopped_loses_its_workspaces_and_joins_again(any_key_servers: list[ServedWorld]) -> None:
    first, second = any_key_servers
    workspace = first.workspace()
    assert send(second, workspace).ok
    first.process.send_signal(signal.SIGSTOP)
    try:
        assert eventually(lambda: send(second, workspace).ok)
    finally:
        first.process.send_signal(signal.SIGCONT)
    assert eventually(lambda: send(first, workspace).ok)
    assert send(second, workspace).ok
