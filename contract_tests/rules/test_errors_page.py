"""The page about errors is true: its table is complete, and each refusal is as it says."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from contract_tests.machine import out_of_descriptors
from contract_tests.rules.forwarding.replicas import KEY, BreakingOwner, begin_and_close, start_replicas
from contract_tests.rules.pages import (
    REPOSITORY,
    bare,
    differences,
    table,
)
from contract_tests.serving import ServedWorld
from mockserver import errors
from mockserver.testing import MockWorkspace


@pytest.fixture(scope="module")
def server() -> Iterator[ServedWorld]:
    """A default world that no other test has changed."""
    with ServedWorld() as world:
        yield world


def error_table() -> dict[str, list[str]]:
    return {bare(name): rest for name, *rest in table((REPOSITORY / "docs/errors.md").read_text())}


def every_error(kind: type[errors.WireError]) -> list[type[errors.WireError]]:
    return [kind, *(deeper for below in kind.__subclasses__() for deeper in every_error(below))]


def test_every_error_is_documented_with_its_code_and_status() -> None:
    documented = {name: (bare(code), status) for name, (code, status, *_) in error_table().items()}
    assert documented == {kind.__name__: (kind.code, str(kind.status)) for kind in every_error(errors.WireError)[1:]}


Provoke = Callable[[ServedWorld], requests.Response]


def query(document: str, **more: Any) -> Provoke:
    def ask(server: ServedWorld) -> requests.Response:
        headers = {"Authorization": f"Bearer {server.api_key}"}
        body = {"query": document.replace("IMAGE", server.projects["image"])} | more
        return requests.post(server.graphql_url, json=body, headers=headers, timeout=60)

    return ask


def post_body(body: bytes, **more: str) -> Provoke:
    def post(server: ServedWorld) -> requests.Response:
        headers = {"Authorization": f"Bearer {server.api_key}"} | more
        return requests.post(server.graphql_url, data=body, headers=headers, timeout=60)

    return post


EXPORT = 'mutation { exportDataRowsInProject(input: {filters: {projectId: "IMAGE"%s}}) { taskId } }'


def cancel_too_late(server: ServedWorld) -> requests.Response:
    task = server.ask(EXPORT.replace("%s", "").replace("IMAGE", server.projects["image"]))
    task_id = task["exportDataRowsInProject"]["taskId"]
    server.ask(f'{{ task(where: {{id: "{task_id}"}}) {{ status }} }}')
    return query(f'mutation {{ cancelBulkOperationJob(id: "{task_id}") {{ success }} }}')(server)


def change_link(server: ServedWorld) -> requests.Response:
    dataset = server.ask("{ datasets { dataRows(first: 1) { rowData } } }")["datasets"][0]
    return requests.get(dataset["dataRows"][0]["rowData"][:-1] + "x", timeout=60)


def label_of(workspace: MockWorkspace) -> str:
    """The id of some label in it."""
    answer = query_workspace(workspace, "{ projects(first: 1) { labels(first: 1) { id } } }").json()
    return str(answer["data"]["projects"][0]["labels"][0]["id"])


def query_workspace(workspace: MockWorkspace, query: str) -> requests.Response:
    key = {"Authorization": f"Bearer {workspace.api_key}"}
    return requests.post(workspace.graphql_url, json={"query": query}, headers=key, timeout=60)


def frames_of(workspace: MockWorkspace, label: str) -> requests.Response:
    key = {"Authorization": f"Bearer {workspace.api_key}"}
    return requests.get(f"{workspace.url}/v1/frames/{label}", headers=key, timeout=60)


def frames_of_another(server: ServedWorld) -> requests.Response:
    return frames_of(server.own, label_of(server.workspace(scenario="default", seed=7)))


def frames_of_a_deleted_label(server: ServedWorld) -> requests.Response:
    workspace = server.workspace(scenario="default")
    label = label_of(workspace)
    query_workspace(workspace, f'mutation {{ deleteLabels(labelIds: ["{label}"]) {{ id }} }}')
    return frames_of(workspace, label)


def export_without_descriptors(server: ServedWorld) -> requests.Response:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {server.api_key}"
        query = EXPORT.replace("%s", "").replace("IMAGE", server.projects["image"])
        session.post(server.graphql_url, json={"query": query}, timeout=60)  # connection and modules have to be there
        with out_of_descriptors(int(server.ready["pid"])):
            return session.post(server.graphql_url, json={"query": query}, timeout=60)


def ask_for_health_without_results(_server: ServedWorld) -> requests.Response:
    with tempfile.TemporaryDirectory() as folder, ServedWorld("--results", f"{folder}/results") as own:
        shutil.rmtree(f"{folder}/results")
        return requests.get(f"{own.url}/_mock/health", timeout=30)


def lose_an_owner(_server: ServedWorld) -> requests.Response:
    with (
        tempfile.TemporaryDirectory() as folder,
        BreakingOwner([begin_and_close]) as owner,
        start_replicas(Path(folder), 1) as [replica],
    ):
        replica.know(**{KEY: owner.place})
        return requests.post(f"{replica.url}/graphql", headers={"Authorization": f"Bearer {KEY}"}, timeout=30)


# How to get the refusals of the table; a bug of the server cannot be requested.
PROVOKED: dict[str, Provoke] = {
    "AuthenticationFailed": lambda server: requests.post(server.graphql_url, json={"query": "{}"}, timeout=60),
    "NotFound": query('{ project(where: {id: "nothing"}) { id } }'),
    "NotYours": frames_of_another,
    "Gone": frames_of_a_deleted_label,
    "Conflict": cancel_too_late,
    "MalformedRequest": query(EXPORT % ', searchQuery: {query: [{type: "batch", ids: 7}]}'),
    "NotAllowed": lambda server: requests.get(server.graphql_url, timeout=60),
    "BadInput": post_body(b"{"),
    "QueryNotParsed": query("{"),
    "QueryNotValid": query("{ organization { namme } }"),
    "QueryTooComplex": query("{ user {" + " id" * 1001 + "} }"),
    "BodyTooLarge": post_body(b" " * (4 * 1024 * 1024 + 1)),
    "ControlRefused": lambda server: requests.get(
        f"{server.url}/_mock/clock", headers={"Origin": "http://elsewhere"}, timeout=10
    ),
    "HostRefused": lambda server: requests.get(f"{server.url}/", headers={"Host": "evil.example"}, timeout=60),
    "LinkRefused": change_link,
    "ResourceFailed": export_without_descriptors,
    "OwnerUnavailable": lose_an_owner,
    "NotReady": ask_for_health_without_results,
    "RequestsDiffer": lambda server: requests.post(
        f"{server.url}/_mock/requests/verify", json={"expect": [{"operation": "project", "times": 1000}]}, timeout=10
    ),
    "LinkExpired": lambda server: requests.get(
        server.url + server.links.sign("assets/row/picture.png", 1000), timeout=10
    ),
}


@pytest.mark.parametrize("name", PROVOKED)
def test_an_error_is_as_documented(server: ServedWorld, name: str) -> None:
    code, status, _, example = error_table()[name]
    response = PROVOKED[name](server)
    body = response.json()
    error = body["errors"][0] if "errors" in body else body
    assert (error["code"] if "code" in error else error["extensions"]["code"]) == bare(code)
    assert response.status_code in {int(status), 200}
    assert differences(bare(example).replace("\\|", "|"), error["message"]) == []


def test_every_error_but_our_own_bugs_is_provoked() -> None:
    assert set(error_table()) - set(PROVOKED) == {"MockserverBug"}
