"""The kit's own calls to the service, beside those of the client under test."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

from mockserver.testing.workspace import MockWorkspace

AGENT = "mockserver-contract"
"""The client's name of these calls, by which the journal's judge leaves them out."""
TIMEOUT = 60
LABELS_WITHIN = 60
"""Seconds until a file of labels must be ready."""

Json = dict[str, Any]

EXPORT = "export-data-rows"
_TASKS = "{organization{tasks(skip: 0 first: 100){id type status}}}"
_RENAME = "mutation($id: ID!, $data: DataRowData!){updateDataRow(where: {id: $id}, data: $data){id}}"
_CANCEL = "mutation($id: ID!){cancelBulkOperationJob(id: $id){success}}"
_LABELS = "mutation($id: ID!){exportLabels(data: {projectId: $id}){downloadUrl shouldPoll}}"


def query(workspace: MockWorkspace, document: str, **variables: Any) -> Any:
    """The `data` of an answer. Raises OSError, KeyError."""
    body = json.dumps({"query": document, "variables": variables}).encode()
    _, _, content = _send("POST", workspace.graphql_url, body, key=workspace.api_key)
    return json.loads(content)["data"]


def fetch_labels(workspace: MockWorkspace, project_id: str) -> list[Json]:
    """The labels of a project, as Export V1 has them."""
    deadline = time.monotonic() + LABELS_WITHIN
    while (export := query(workspace, _LABELS, id=project_id)["exportLabels"])["shouldPoll"]:
        assert time.monotonic() < deadline, "the server's file of labels must be ready in time"
        time.sleep(0.1)
    _, _, content = _send("GET", export["downloadUrl"])
    labels: list[Json] = json.loads(content)
    return labels


def fetch_frames(workspace: MockWorkspace, label_id: str) -> list[Json]:
    """The frames of a label; none if it has none."""
    url, key = f"{workspace.rest_url}/frames/{label_id}", workspace.api_key
    status, location, content = _send("GET", url, key=key)
    if status == http.client.MOVED_PERMANENTLY:
        _, _, content = _send("GET", location)
    return [json.loads(line) for line in content.split(b"\n") if line]


def rename_data_row(workspace: MockWorkspace, row_id: str, **data: str) -> None:
    """Changes fields of a data row."""
    query(workspace, _RENAME, id=row_id, data=data)


def count_exports(workspace: MockWorkspace) -> int:
    """The exports that were created in a workspace."""
    return sum(task["type"] == EXPORT for task in query(workspace, _TASKS)["organization"]["tasks"])


def cancel_exports(workspace: MockWorkspace) -> None:
    """Cancels every export that is running, as a colleague might."""
    for task in query(workspace, _TASKS)["organization"]["tasks"]:
        if task["type"] == EXPORT and task["status"] == "IN_PROGRESS":
            query(workspace, _CANCEL, id=task["id"])


def _send(method: str, url: str, body: bytes | None = None, *, key: str | None = None) -> tuple[int, str, bytes]:
    """Status, location and body of an answer. No proxy of the environment is used."""
    headers = {"Content-Type": "application/json", "User-Agent": AGENT, "X-User-Agent": AGENT, "Connection": "close"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=TIMEOUT)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        return response.status, response.getheader("Location", ""), response.read()
    finally:
        connection.close()
