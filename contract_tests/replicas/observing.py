"""The state of the workspaces after everything that disturbed them has ended."""

import datetime
import time
from dataclasses import dataclass, field
from typing import Any

import requests

from contract_tests.replicas import exporting
from contract_tests.replicas.clients import LIST_PROJECTS, PROJECT, Workspace
from contract_tests.replicas.journal import Export, Journal
from contract_tests.replicas.requesting import Connection, Unanswered, is_planned

SETTLED_WITHIN = 240.0
REPEATED_WITHIN = 60.0
"""Seconds until an undisturbed service must answer: a lost owner's lease has ended by then."""


@dataclass
class Final:
    """One workspace as clients see it at the end."""

    key: str
    projects: list[str]
    content: str
    """Of an export that began after everything else had ended."""
    expected: str
    """The same rows, from the world itself."""
    deliveries: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return exporting.rows_of(self.content)

    @property
    def global_keys(self) -> list[str]:
        return [row["data_row"]["global_key"] for row in self.rows]


class PatientConnection(Connection):
    """Sends a request that is not answered again. For requests that may be carried out twice."""

    def _send(self, method: str, url: str, **options: Any) -> requests.Response:
        deadline = time.monotonic() + REPEATED_WITHIN
        while True:
            try:
                response = super()._send(method, url, **options)
                if not is_planned(response) or time.monotonic() > deadline:
                    return response
            except Unanswered:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.5)


def observe(connection: Connection, journal: Journal, workspace: Workspace) -> Final:
    """Waits until all its messages are sent, and exports it."""
    key = workspace.key
    connection.control("DELETE", "faults", key=key)
    deliveries = wait_until_settled(connection, key)
    export = exporting.start(connection, journal, key, workspace.project)
    exporting.finish(connection, export)
    assert export.status == "COMPLETE", f"an undisturbed export has failed: {export.reason}"
    body = {"project": PROJECT, "task_id": export.task}
    expected = connection.control("POST", "expected", body, key=key)
    return Final(key, list_projects(connection, key), export.content, expected, deliveries)


def list_projects(connection: Connection, key: str) -> list[str]:
    return [project["name"] for project in connection.ask(key, LIST_PROJECTS)["projects"]]


def list_requests(connection: Connection, key: str) -> dict[int, str]:
    """The journal of a workspace: when each request was received, by its number."""
    recorded, after = dict[int, str](), 0
    while after is not None:
        page = connection.control("GET", f"requests?bodies=false&after={after}", key=key)
        recorded |= {request["number"]: request["received_at"] for request in page["requests"]}
        after = page["next_after"]
    return recorded


def wait_until_settled(connection: Connection, key: str) -> list[dict[str, Any]]:
    """All deliveries of a workspace, once none is pending. Retries that are due later are waited for."""
    deadline = time.monotonic() + SETTLED_WITHIN
    while True:
        deliveries: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = connection.control("GET", f"deliveries?first=1000&after={after}&wait=5", key=key)
            deliveries += page["deliveries"]
            after = page["next_after"]
        pending = [item for item in deliveries if item["state"] == "PENDING"]
        if not pending:
            return deliveries
        assert time.monotonic() < deadline, f"{len(pending)} messages of {key} are still not sent: {pending[0]}"
        time.sleep(0.2)


def observe_export(connection: Connection, export: Export) -> Export:
    """The same export again, from its present state."""
    again = Export(export.key, export.task, export.before, export.after)
    exporting.finish(connection, again)
    return again


def read_clock(connection: Connection, key: str) -> float:
    """The time of a workspace's clock, as a Unix time."""
    return datetime.datetime.fromisoformat(connection.control("GET", "clock", key=key)["now"]).timestamp()
