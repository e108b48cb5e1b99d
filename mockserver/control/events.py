"""The control that makes something happen in a world: its body, its answer, and the change."""

from __future__ import annotations

from typing import Annotated

import msgspec

from mockserver.control.bodies import Body
from mockserver.control.expected import find_project
from mockserver.control.happenings import HAPPENINGS, Happenings
from mockserver.control.places import Target
from mockserver.errors import BadInput, nearest, quote
from mockserver.webhooks.options import describe
from mockserver.workspaces.workspace import Workspace
from mockserver.world.moments import format_zulu


class MakeEvent(Body, frozen=True, kw_only=True):
    """The event, and where it happens; without a data row or label the server chooses a matching one."""

    event: Annotated[str, describe(enum=list(map(str, HAPPENINGS)))]
    project: str
    data_row: str | None = None
    label: str | None = None


class EventMade(msgspec.Struct, frozen=True):
    """The records that the event is about. `event_nos` are all events of the change, in their order."""

    event: str
    event_nos: list[int]
    at: str
    project_id: str
    data_row_id: str | None = None
    label_id: str | None = None
    review_id: str | None = None
    issue_id: str | None = None
    comment_id: str | None = None
    tag_id: str | None = None


def make_event(workspace: Workspace, body: MakeEvent) -> EventMade:
    """Makes the event happen in one change. Raises NotFound, BadInput, Conflict; then nothing has changed."""
    if body.event not in HAPPENINGS:
        known = quote(nearest(body.event, HAPPENINGS, most=len(HAPPENINGS)))
        raise BadInput(f"event is {body.event!r}; expected one of {known}")
    with workspace.store.change() as change:
        project = find_project(change.connection, body.project)
        happenings = Happenings(workspace, change, project, Target(body.data_row, body.label))
        touched = HAPPENINGS[body.event](happenings)
        return EventMade(
            event=body.event,
            event_nos=[event.no for event in change.events],
            at=format_zulu(change.now),
            project_id=project.id,
            data_row_id=None if touched.row is None else touched.row.id,
            label_id=touched.label,
            review_id=touched.review,
            issue_id=touched.issue,
            comment_id=touched.comment,
            tag_id=touched.tag,
        )
