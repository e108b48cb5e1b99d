"""The controls that make something happen in a world: one event, or many in one change."""

from __future__ import annotations

from mockserver.control.contents import Choices, check_choices, find_person
from mockserver.control.event_bodies import EventMade, EventsMade, MakeEvent, MakeEvents
from mockserver.control.expected import find_project
from mockserver.control.happenings import HAPPENINGS, Happenings
from mockserver.control.moments import parse_body_moment
from mockserver.control.places import Target
from mockserver.errors import BadInput, WireError, nearest, quote
from mockserver.workspaces.workspace import Workspace
from mockserver.world.change import Change
from mockserver.world.moments import format_zulu


def make_event(workspace: Workspace, body: MakeEvent) -> EventMade:
    """Makes the event happen in one change. Raises WireError; then nothing has changed."""
    check_event(body)
    with workspace.store.change() as change:
        return _EventMaker(workspace, change).make(body)


def make_events(workspace: Workspace, body: MakeEvents) -> EventsMade:
    """Makes all events happen in one change, in their order. Raises WireError, which names the first that cannot."""
    with workspace.store.change() as change:
        maker = _EventMaker(workspace, change)
        events = []
        for index, event in enumerate(body.events):
            try:
                check_event(event)
                events.append(maker.make(event))
            except WireError as error:
                raise type(error)(f"events[{index}]: {error.message}") from None
        return EventsMade(events)


def check_event(body: MakeEvent) -> None:
    """Raises BadInput for an unknown event, or a key that it does not use."""
    if body.event not in HAPPENINGS:
        known = quote(nearest(body.event, HAPPENINGS, most=len(HAPPENINGS)))
        raise BadInput(f"event is {body.event!r}; expected one of {known}")
    check_choices(body.event, body)


class _EventMaker:
    """Makes events in one change. Data rows take turns among its events, too."""

    def __init__(self, workspace: Workspace, change: Change) -> None:
        self._workspace, self._change, self._now = workspace, change, change.now
        self._last_rows: dict[str, int] = {}
        """Project -> the number of the data row that was touched last in it."""

    def make(self, body: MakeEvent) -> EventMade:
        change = self._change
        change.now = self._now if body.at is None else self._parse_moment(body.at)
        change.backdated = change.now < self._now
        before = len(change.events)
        project = find_project(change.connection, body.project)
        choices = Choices(
            body.annotations,
            None if body.by is None else find_person(change.connection, body.by),
            body.score,
            body.text,
        )
        target = Target(body.data_row, body.label)
        happenings = Happenings(
            self._workspace, change, project, target, choices, last_row=self._last_rows.get(project.id)
        )
        touched = HAPPENINGS[body.event](happenings)
        if touched.row is not None:
            self._last_rows[project.id] = touched.row.no
        return EventMade(
            event=body.event,
            event_nos=[event.no for event in change.events[before:]],
            at=format_zulu(change.now),
            project_id=project.id,
            data_row_id=None if touched.row is None else touched.row.id,
            label_id=touched.label,
            review_id=touched.review,
            issue_id=touched.issue,
            comment_id=touched.comment,
            tag_id=touched.tag,
        )

    def _parse_moment(self, text: str) -> int:
        moment = parse_body_moment(text, "at")
        if moment > self._now:
            raise BadInput(
                f"at is {text!r}, and the clock of the workspace shows {format_zulu(self._now)}; move it forward first"
            )
        return moment
