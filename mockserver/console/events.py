"""“Make it happen”: the events of a project by button, weeks of work by a simulation, and what has happened so far."""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import Response

from mockserver.console.calls import Line, build_control_curl
from mockserver.console.subjects import Subject, find_subject
from mockserver.console.view import View
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.events import Event, EventKind

EVENTS = {
    EventKind.LABEL_CREATED: "A labeler submits a label, of a data row without one if there is one.",
    EventKind.LABEL_UPDATED: "A labeler changes the answers of a label.",
    EventKind.LABEL_DELETED: "A label is deleted; its data row waits for another.",
    EventKind.REVIEW_CREATED: "A reviewer approves a label.",
    EventKind.REVIEW_UPDATED: "A reviewer changes the verdict.",
    EventKind.REVIEW_DELETED: "A review is withdrawn.",
    EventKind.WORKFLOW_ACTION: "A data row moves to the next task of the workflow.",
    EventKind.ISSUE_CREATED: "Somebody opens an issue with a comment.",
    EventKind.ISSUE_UPDATED: "An issue is resolved, or opened again.",
    EventKind.ISSUE_DELETED: "An issue is deleted.",
    EventKind.METADATA_UPDATED: "The metadata field “tag” of a data row changes.",
}
"""The events that can be made to happen by a button, in words."""
MOST_LISTED = 50


class ListedEvent(NamedTuple):
    """An event, and the name of its data row where it has one."""

    event: Event
    row: str | None


def show_events(view: View) -> Response:
    """Shows the events of a project with the buttons that make them happen, or the newest alone. Raises NotFound."""
    with view.snapshot() as connection:
        subject = find_subject(view, connection)
        listed = list_events(connection, subject.id)
    return view.render(
        "event_list.html" if view.query.get("part") == "list" else "events.html",
        subject=subject, listed=listed, events=EVENTS, most=MOST_LISTED,
        lines=list_event_calls(view, subject),
    )  # fmt: skip


def list_events(connection: Connection, project_id: str) -> list[ListedEvent]:
    """Lists the newest events of a project."""
    mine = Clause("project_id = :id", id=project_id)
    events = connection.select(Event, mine, order="no DESC", first=MOST_LISTED)
    ids = Clause("id IN :ids", ids=sorted({event.data_row_id for event in events if event.data_row_id}))
    names = {row.id: row.global_key or row.external_id or row.id for row in connection.select(DataRow, ids)}
    return [ListedEvent(event, names.get(event.data_row_id or "")) for event in events]


def list_event_calls(view: View, subject: Subject) -> list[Line]:
    """Lists the calls that do the same. They are this server's own, so neither the SDK nor GraphQL has them."""
    program = (
        "def test_a_week(labelbox_mock):\n"
        f'    made = labelbox_mock.event("{EventKind.LABEL_CREATED}", {subject.name!r})\n'
        '    print(made["label_id"])\n'
        f"    labelbox_mock.simulate(7, projects=[{subject.name!r}])"
    )
    event = {"event": EventKind.LABEL_CREATED, "project": subject.id}
    return [
        ("curl", build_control_curl(view, "/_mock/events", event)),
        ("curl, a week", build_control_curl(view, "/_mock/simulate", {"days": 7, "projects": [subject.id]})),
        ("pytest", program),
    ]
