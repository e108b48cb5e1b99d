"""The services of docs/replicas-compose.yaml, run as processes by its commands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from contract_tests.replicas.composing import Composition
from contract_tests.replicas.exporting import rows_of
from mockserver.testing import MockServer, MockWorkspace

FILE = Path(__file__).parents[2] / "docs/replicas-compose.yaml"
EXPORT = "mutation($id: ID!){exportDataRowsInProject(input: {filters: {projectId: $id}, params: {}}){taskId}}"
TASK = "query($id: ID!){task(where: {id: $id}){status result}}"
REPLICAS = ("mock-1", "mock-2", "mock-3")
POLLS = 600


@pytest.fixture(scope="module")
def composition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composition]:
    with Composition(FILE, tmp_path_factory.mktemp("compose")) as composition:
        yield composition


@pytest.fixture(scope="module")
def server(composition: Composition) -> MockServer:
    variables = composition.services["mock-1"]["environment"]
    token = variables["LABELBOX_MOCKSERVER_CONTROL_TOKEN"]
    return MockServer.from_url(f"http://{composition.addresses['labelbox']}:8000", control_token=token)


def ask(workspace: MockWorkspace, document: str, **variables: object) -> Any:
    """Asks on a connection of its own, which the balancer gives to the next replica."""
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    body = {"query": document, "variables": variables}
    answer = requests.post(workspace.graphql_url, json=body, headers=headers, timeout=60).json()
    assert "errors" not in answer, answer
    return answer["data"]


def export(workspace: MockWorkspace) -> list[dict[str, Any]]:
    task = ask(workspace, EXPORT, id=workspace.project("image"))["exportDataRowsInProject"]["taskId"]
    for _ in range(POLLS):
        state = ask(workspace, TASK, id=task)["task"]
        if state["status"] != "IN_PROGRESS":
            return rows_of(requests.get(state["result"], timeout=60).text)
    raise AssertionError("the export does not end")


def test_a_workspace_is_the_same_through_every_replica(server: MockServer) -> None:
    workspace = server.workspace(api_key="shared")
    for number in range(len(REPLICAS)):
        ask(workspace, "mutation($name: String!){createProject(data: {name: $name}){id}}", name=f"new {number}")
    for _ in REPLICAS:
        names = {project["name"] for project in ask(workspace, "{projects{name}}")["projects"]}
        assert names >= {"new 0", "new 1", "new 2"}
    rows = export(workspace)
    workspace.check_rows(rows, "image", params={})
    assert len(rows) == len({row["data_row"]["id"] for row in rows}) > 0


def test_results_are_in_the_store(composition: Composition, server: MockServer) -> None:
    export(server.workspace(api_key="stored"))
    listing = requests.get(f"http://{composition.addresses['store']}:5000/results?list-type=2", timeout=60).text
    assert "<Key>mock/" in listing


def test_a_replica_that_is_lost_is_replaced_by_the_others(composition: Composition, server: MockServer) -> None:
    workspace = server.workspace(api_key="survivor")
    ask(workspace, 'mutation{createProject(data: {name: "before"}){id}}')
    composition.processes["mock-2"].kill()
    composition.processes["mock-2"].wait()
    for _ in range(4):
        names = {project["name"] for project in ask(workspace, "{projects{name}}")["projects"]}
        assert "before" in names
