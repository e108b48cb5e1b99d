"""Requests to the API over a real socket, without a client that would normalize what is sent.

Each answer is checked for what must never be in one: a status of 5xx, a traceback, a bug of this server.
"""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.testing import MockWorkspace

PATIENCE = 60.0
LONG_PATIENCE = 120.0
"""Seconds; for changes and pages that take long."""
EXPORT = (
    "mutation exportDataRowsInProjectPyApi($input: ExportDataRowsInProjectInput!)"
    "{exportDataRowsInProject(input: $input){taskId isStreamable}}"
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        assert "errors" not in self.json, self.json["errors"]
        return self.json["data"]

    @property
    def error(self) -> Any:
        """The one entry of `errors`."""
        [error] = self.json["errors"]
        return error

    @property
    def code(self) -> str:
        return str(self.error["extensions"]["code"])

    @property
    def message(self) -> str:
        return str(self.error["message"])


def ask(server: ServedWorld, query: str, variables: object = None, **more: object) -> Answer:
    """A GraphQL question as clients send it."""
    return post(server, json.dumps({"query": query, "variables": variables, **more}).encode())


def ask_in(workspace: MockWorkspace | ServedWorld, query: str, **variables: object) -> Any:
    """The `data` that a workspace answers with."""
    answer = answer_in(workspace, query, **variables)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


def answer_in(workspace: MockWorkspace | ServedWorld, query: str, **variables: object) -> Any:
    """The whole answer of a workspace, with its errors."""
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    body = {"query": query, "variables": variables}
    return requests.post(workspace.graphql_url, json=body, headers=headers, timeout=LONG_PATIENCE).json()


def post(server: ServedWorld, body: bytes, *, path: str = "/graphql", **headers: str | None) -> Answer:
    """Any body. A header given as None is left out: `authorization=None` is a request without a key."""
    known = {"authorization": f"Bearer {server.api_key}", "content-type": "application/json"}
    merged = known | {name.replace("_", "-"): value for name, value in headers.items()}
    return send(server, "POST", path, body, {name: value for name, value in merged.items() if value is not None})


def get(server: ServedWorld, target: str, *, method: str = "GET", **headers: str) -> Answer:
    """The target is sent unchanged; a URL of this server may be given whole."""
    return send(server, method, target.removeprefix(server.url), None, headers)


def send(server: ServedWorld, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> Answer:
    with open_connection(server) as connection:
        connection.request(method, target, body, headers)
        return read_answer(connection.getresponse())


@contextmanager
def open_connection(server: ServedWorld) -> Iterator[http.client.HTTPConnection]:
    """A connection that stays open between requests."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=PATIENCE)
    try:
        yield connection
    finally:
        connection.close()


def raw(server: ServedWorld, request: bytes) -> Answer:
    """Bytes that no client library would send."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port or 80), PATIENCE) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return read_answer(response)


def read_answer(response: http.client.HTTPResponse) -> Answer:
    answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    assert answer.status < 500, answer
    assert b"Traceback" not in answer.body, answer
    assert b"MOCKSERVER_BUG" not in answer.body, answer
    return answer


# Exports


def export_input(project_id: str, *terms: object, **params: object) -> dict[str, Any]:
    filters = {"projectId": project_id, "searchQuery": {"scope": None, "query": list(terms)}}
    return {"taskName": None, "isStreamableReady": True, "streamable": True, "filters": filters, "params": params}


def export_project(server: ServedWorld, project: str, *terms: object, **params: object) -> str:
    """Exports a project of the default world and returns the id of the finished task."""
    variables = {"input": export_input(server.projects[project], *terms, **params)}
    task_id = ask(server, EXPORT, variables).data["exportDataRowsInProject"]["taskId"]
    status = wait_for(lambda: task_of(server, task_id)["status"], lambda status: status != "IN_PROGRESS")
    assert status == "COMPLETE"
    return str(task_id)


def task_of(server: ServedWorld, task_id: str) -> Any:
    document = (
        "query($id: ID!){task(where: {id: $id}){id name status type result errors completionPercentage metadata}}"
    )
    return ask(server, document, {"id": task_id}).data["task"]


def file_at(server: ServedWorld, task_id: str, offset: object) -> Any:
    document = (
        "query($id: ID!, $offset: UInt64!){task(where: {id: $id}){exportFileFromOffset(streamType: RESULT, "
        "offset: $offset){offsets {start end} lines {start end} file}}}"
    )
    return ask(server, document, {"id": task_id, "offset": offset}).data["task"]["exportFileFromOffset"]


def rows_of(server: ServedWorld, task_id: str) -> list[Any]:
    body = get(server, task_of(server, task_id)["result"]).body
    return [json.loads(line) for line in body.decode("ascii").splitlines()]
