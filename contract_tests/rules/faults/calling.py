"""Calls of a workspace that has faults: by a socket, which shows the bytes, and by GraphQL."""

import socket
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests

from mockserver.testing import MockWorkspace

WAIT = 60
USER = '{"query": "query GetUserPyApi { user { id } }"}'
EXPORT = "mutation ($id: ID!) { exportDataRowsInProject(input: {filters: {projectId: $id}}) { taskId } }"
TASK = "query ($id: ID!) { task(where: {id: $id}) { status result errors } }"
CREATE = 'mutation { createDataset(data: {name: "made"}) { id } }'


class Received(NamedTuple):
    """The bytes up to the end of the connection, and whether it was reset."""

    head: str
    body: bytes
    reset: bool

    @property
    def status(self) -> int | None:
        return int(self.head.split(" ")[1]) if self.head else None

    @property
    def fields(self) -> dict[str, str]:
        lines = (line.split(": ", 1) for line in self.head.split("\r\n")[1:])
        return {line[0].lower(): line[1] for line in lines if len(line) == 2}

    @property
    def length(self) -> int:
        return int(self.fields["content-length"])


def call(workspace: MockWorkspace, target: str = "/graphql", body: str | None = USER) -> Received:
    """Sends one request, and reads until the connection ends."""
    parts = urlsplit(workspace.url)
    key = f"Authorization: Bearer {workspace.api_key}\r\n"
    start = f"{'POST' if body else 'GET'} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n{key}"
    content = (body or "").encode()
    with socket.create_connection((parts.hostname, parts.port), timeout=WAIT) as connection:
        connection.sendall(f"{start}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        received, reset = b"", False
        try:
            while chunk := connection.recv(65_536):
                received += chunk
        except ConnectionResetError:
            reset = True
    head, _, rest = received.partition(b"\r\n\r\n")
    return Received(head.decode("latin-1"), rest, reset)


def ask(workspace: MockWorkspace, query: str, **variables: Any) -> Any:
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    body = {"query": query, "variables": variables}
    return requests.post(workspace.graphql_url, json=body, headers=headers, timeout=WAIT).json()


def post(workspace: MockWorkspace, body: str, *, timeout: float) -> requests.Response:
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    return requests.post(workspace.graphql_url, data=body, headers=headers, timeout=timeout)


def has_datasets(workspace: MockWorkspace, count: int) -> bool:
    return count_datasets(workspace) == count


def export_images(workspace: MockWorkspace) -> dict[str, Any]:
    task_id = ask(workspace, EXPORT, id=workspace.project("image"))["data"]["exportDataRowsInProject"]["taskId"]
    task: dict[str, Any] = ask(workspace, TASK, id=task_id)["data"]["task"]
    return task


def find_file(workspace: MockWorkspace) -> str:
    """The path and query of a result file."""
    parts = urlsplit(export_images(workspace)["result"])
    return f"{parts.path}?{parts.query}"


def count_datasets(workspace: MockWorkspace) -> int:
    return len(ask(workspace, '{ datasets(where: {name: "made"}) { id } }')["data"]["datasets"])
