"""Exports that a client starts, polls to their end, and downloads."""

import json
import threading
import time
from typing import Any

from contract_tests.replicas.journal import Export, Journal
from contract_tests.replicas.requesting import Connection, Unanswered

EXPORT = "mutation($id: ID!){exportDataRowsInProject(input: {filters: {projectId: $id}, params: {}}){taskId}}"
TASK = "query($id: ID!){task(where: {id: $id}){status result metadata}}"
POLLED_AFTER = 0.1
ENDED_WITHIN = 120.0
"""Seconds, once nothing is disturbed any more."""


def start(connection: Connection, journal: Journal, key: str, project: str) -> Export:
    """Starts an export, and notes it. Raises Unanswered."""
    before = time.monotonic()
    task = connection.ask(key, EXPORT, id=project)["exportDataRowsInProject"]["taskId"]
    export = Export(key, task, before, time.monotonic())
    journal.add_export(export)
    return export


def follow(connection: Connection, export: Export, stop: threading.Event) -> None:
    """Polls until the export has ended, or all clients stop. Polls that are not answered are counted, and repeated."""
    while export.status == "IN_PROGRESS" and not stop.wait(POLLED_AFTER):
        try:
            poll(connection, export)
        except Unanswered:
            export.unanswered += 1


def poll(connection: Connection, export: Export) -> None:
    """Asks once for the state of an export, and downloads its rows when it is COMPLETE. Raises Unanswered."""
    task = connection.ask(export.key, TASK, id=export.task)["task"]
    if task["status"] == "COMPLETE":
        export.content = connection.get(task["result"])
    elif task["status"] == "FAILED":
        export.reason = (task["metadata"] or {}).get("failure") or ""
    else:
        export.polls += 1
    export.status = task["status"]


def finish(connection: Connection, export: Export) -> None:
    """Polls an export until it has ended, when nothing is disturbed any more."""
    deadline = time.monotonic() + ENDED_WITHIN
    while export.status == "IN_PROGRESS":
        poll(connection, export)
        assert time.monotonic() < deadline, f"export {export.task} of {export.key} does not end"
        time.sleep(POLLED_AFTER)


def rows_of(content: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def labels_of(rows: list[dict[str, Any]]) -> list[str]:
    """The ids of all labels in rows of an export."""
    return [label["id"] for row in rows for project in row.get("projects", {}).values() for label in project["labels"]]
