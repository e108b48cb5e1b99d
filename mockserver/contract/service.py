"""The kit's own calls to the service, beside those of the client under test."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from mockserver.testing.workspace import MockWorkspace

AGENT = "mockserver-contract"
"""The client's name of these calls, by which the journal's judge leaves them out."""
TIMEOUT = 60

_TASKS = "{organization{tasks(skip: 0 first: 100){id type status}}}"
_CANCEL = "mutation($id: ID!){cancelBulkOperationJob(id: $id){success}}"


def query(workspace: MockWorkspace, document: str, **variables: Any) -> Any:
    """The `data` of an answer. Raises OSError, KeyError."""
    body = json.dumps({"query": document, "variables": variables}).encode()
    headers = {
        "Authorization": f"Bearer {workspace.api_key}", "Content-Type": "application/json",
        "User-Agent": AGENT, "X-User-Agent": AGENT,
    }  # fmt: skip
    parts = urlsplit(workspace.graphql_url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=TIMEOUT)
    try:
        connection.request("POST", parts.path, body, headers)
        return json.load(connection.getresponse())["data"]
    finally:
        connection.close()


def cancel_exports(workspace: MockWorkspace) -> None:
    """Cancels every export that is running, as a colleague might."""
    for task in query(workspace, _TASKS)["organization"]["tasks"]:
        if task["type"] == "export-data-rows" and task["status"] == "IN_PROGRESS":
            query(workspace, _CANCEL, id=task["id"])
