"""Workspaces never meet, not even inside one process of an SDK, which remembers results by task id."""

from typing import Any

import pytest
import requests

from contract_tests.clients.clients import (
    AUTHENTICATION_REFUSED,
    CLIENTS,
    Client,
    ClientFailure,
    ClientKind,
    RunningPrograms,
)
from contract_tests.clients.matrix import THOROUGH
from contract_tests.clients.test_project_export import EVERY_PARAM, ids_of
from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer, MockWorkspace

TABLE = [
    pytest.param(kind, id=kind.name, marks=pytest.mark.xdist_group(kind.program.name))
    for kind in CLIENTS
    if kind.name in THOROUGH
]


@pytest.fixture(params=TABLE)
def client(request: pytest.FixtureRequest, programs: RunningPrograms, server: ServedWorld) -> Client:
    """The oldest and the newest client of each generation: what their processes remember differs by generation."""
    kind: ClientKind = request.param
    return programs.client(kind, server)


@pytest.fixture
def harness(server: ServedWorld) -> MockServer:
    return MockServer.from_url(server.url)


def select_params(client: Client, params: dict[str, bool]) -> dict[str, bool]:
    return {name: value for name, value in params.items() if name not in client.lacks}


@pytest.mark.known("client")
def test_two_workspaces_in_one_process_see_only_their_own(
    client: Client, harness: MockServer, workspace: MockWorkspace
) -> None:
    other = harness.workspace(seed=7)
    mine = client.with_key(workspace.api_key).export_project(workspace.project("image"))
    theirs = client.with_key(other.api_key).export_project(other.project("image"))
    assert mine.task_id != theirs.task_id
    assert not set(ids_of(mine.rows)) & set(ids_of(theirs.rows))
    other.delete()


@pytest.mark.known("client")
def test_a_reset_workspace_shows_nothing_of_its_former_life(client: Client, workspace: MockWorkspace) -> None:
    own = client.with_key(workspace.api_key)
    before = own.export_project(workspace.project("image"))
    workspace.reset()
    after = own.export_project(workspace.project("image"))
    assert before.task_id != after.task_id
    assert ids_of(before.rows) == ids_of(after.rows)


@pytest.mark.known("client")
def test_a_fork_goes_its_own_way(client: Client, workspace: MockWorkspace) -> None:
    fork = workspace.fork()
    rows = client.with_key(fork.api_key).export_project(workspace.project("image")).rows
    assert ids_of(rows) == ids_of(client.with_key(workspace.api_key).export_project(workspace.project("image")).rows)
    fork.delete()
    with pytest.raises(ClientFailure) as failure:
        client.with_key(fork.api_key).export_project(workspace.project("image"))
    assert failure.value.type in AUTHENTICATION_REFUSED


@pytest.mark.known("client")
def test_what_is_expected_is_what_a_client_gets(client: Client, workspace: MockWorkspace) -> None:
    params = select_params(client, EVERY_PARAM)
    exported = client.with_key(workspace.api_key).export_project(workspace.project("image"), params)
    expected = workspace.expected_rows("image", params=params)
    assert exported.rows == expected


@pytest.mark.known("client")
def test_an_export_that_takes_two_looks_is_waited_for(client: Client, workspace: MockWorkspace) -> None:
    workspace.progression.exports = {"looks": 1}
    exported: Any = client.with_key(workspace.api_key).export_project(workspace.project("text"))
    assert exported.task["status"] == "COMPLETE"
    assert len(exported.rows) == 10


@pytest.mark.known("documented")
def test_result_files_are_gone_when_they_have_expired(workspace: MockWorkspace) -> None:
    """14 days, and they pass in no time."""
    task = _export(workspace)
    assert requests.get(task["result"], timeout=60).status_code == 200
    workspace.clock.advance(days=16)
    over = requests.get(task["result"], timeout=60)
    assert (over.status_code, "<Code>ExpiredToken</Code>" in over.text) == (400, True)


def _export(workspace: MockWorkspace) -> dict[str, Any]:
    def ask(query: str) -> Any:
        headers = {"Authorization": f"Bearer {workspace.api_key}"}
        return requests.post(workspace.graphql_url, json={"query": query}, headers=headers, timeout=60).json()["data"]

    filters = f'filters: {{projectId: "{workspace.project("image")}"}}'
    created = ask(f"mutation {{ exportDataRowsInProject(input: {{{filters}}}) {{ taskId isStreamable }} }}")
    task_id = created["exportDataRowsInProject"]["taskId"]
    task: dict[str, Any] = ask(f'{{ task(where: {{id: "{task_id}"}}) {{ status result }} }}')["task"]
    return task
