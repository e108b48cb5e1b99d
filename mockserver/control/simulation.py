"""A labelling team at work on virtual time: every step is an event like those that tests make one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mockserver.control.event_bodies import MOST_SIMULATED, MakeEvent, Simulate, Simulated
from mockserver.control.events import make_event
from mockserver.control.expected import find_project
from mockserver.errors import BadInput, Conflict, NotFound
from mockserver.generate.chance import Chance
from mockserver.settings import LAST_YEAR, parse_moment
from mockserver.workspaces.workspace import Workspace
from mockserver.world.clock import DAY, HOUR, SECOND
from mockserver.world.database import Connection
from mockserver.world.moments import format_zulu
from mockserver.world.queries.conditions import LIVE
from mockserver.world.records.events import EventKind
from mockserver.world.records.people import Person
from mockserver.world.records.projects import Project

LAST = parse_moment(f"{LAST_YEAR}-12-31", flag="set")
WORK_BEGINS, WORK_LASTS = 8 * HOUR, 10 * HOUR
"""Each day of the week, UTC: a team on several continents."""
REJECTED = 20
"""Percent of reviews that send a label to rework."""
WEIGHTS = {
    EventKind.LABEL_CREATED: 40,
    EventKind.REVIEW_CREATED: 28,
    EventKind.LABEL_UPDATED: 10,
    EventKind.WORKFLOW_ACTION: 8,
    EventKind.ISSUE_CREATED: 5,
    EventKind.ISSUE_UPDATED: 4,
    EventKind.METADATA_UPDATED: 2,
    EventKind.REVIEW_UPDATED: 2,
    EventKind.LABEL_DELETED: 1,
}
"""How often each event happens, of a hundred: more labels than reviews, so that rows move on and some wait."""
_DRAWN = [kind for kind, weight in WEIGHTS.items() for _ in range(weight)]
BY_SOMEBODY = {EventKind.LABEL_CREATED, EventKind.REVIEW_CREATED, EventKind.ISSUE_CREATED, EventKind.ISSUE_UPDATED}


class _Step(NamedTuple):
    """An event and its distance from the beginning, in microseconds."""

    after: int
    body: MakeEvent


def simulate(workspace: Workspace, body: Simulate) -> Simulated:
    """Makes the events of so many days, each when the clock shows its time, and leaves the clock at their end.

    Each is a change of its own: webhooks are sent and exports see it before the next. Raises NotFound, BadInput.
    """
    if body.days * (body.events_per_day + body.new_rows) > MOST_SIMULATED:
        raise BadInput(
            f"{body.days} days with {body.events_per_day} events and {body.new_rows} new rows are more than "
            f"{MOST_SIMULATED:,} events; simulate fewer days, or less of each"
        )
    began = workspace.store.clock.now()
    if began + body.days * DAY > LAST:
        raise BadInput(f"After {body.days} days the clock would be beyond the year {LAST_YEAR}; simulate fewer days")
    with workspace.store.reading() as connection:
        projects = _list_projects(connection, body.projects)
        people = [person.id for person in connection.select(Person, LIVE, order="created_at, id")]
    counts: Counter[str] = Counter()
    try:
        for step in _plan_steps(workspace.world.seed, body, projects, people, began):
            _set_clock(workspace, began + step.after)
            if _make(workspace, step.body):
                counts[step.body.event] += 1
        _set_clock(workspace, began + body.days * DAY)
    finally:
        workspace.settings.save_clock()
    workspace.exports.sweep()
    workspace.legacy.sweep()
    ended = workspace.store.clock.now()
    return Simulated(format_zulu(began), format_zulu(ended), counts.total(), dict(sorted(counts.items())))


def _list_projects(connection: Connection, names: Sequence[str] | None) -> list[str]:
    """The ids of the named projects, or of all that have an ontology. Raises NotFound."""
    if names is not None:
        return [find_project(connection, name).id for name in names]
    projects = connection.select(Project, LIVE, order="created_at, id")
    ready = [project.id for project in projects if project.ontology_id is not None]
    if not ready:
        raise NotFound("No project of this workspace has an ontology, so nobody can work in one; choose a scenario")
    return ready


def _plan_steps(seed: int, body: Simulate, projects: Sequence[str], people: Sequence[str], began: int) -> list[_Step]:
    """The events of all days in their order."""
    steps = []
    for day in range(body.days):
        chance = Chance(seed, "simulation", body.seed, day)
        kinds = [chance.choice(_DRAWN) for _ in range(body.events_per_day)]
        for kind in [*kinds, *[EventKind.DATA_ROW_CREATED] * body.new_rows]:
            time = _draw_time(chance, day, began)
            steps.append(_Step(time, _draw_event(chance, kind, chance.choice(projects), people)))
    return sorted(steps, key=lambda step: step.after)


def _draw_time(chance: Chance, day: int, began: int) -> int:
    """A time of the working hours of a day, counted from the beginning: the first day may have begun already."""
    midnight = -(began % DAY) + DAY * day
    at = midnight + WORK_BEGINS + chance.randbelow(WORK_LASTS // SECOND) * SECOND
    return at if at >= 0 else at + DAY


def _draw_event(chance: Chance, kind: EventKind, project: str, people: Sequence[str]) -> MakeEvent:
    by = chance.choice(people) if kind in BY_SOMEBODY else None
    rejected = kind == EventKind.REVIEW_CREATED and chance.happens(REJECTED)
    return MakeEvent(event=kind, project=project, by=by, score=-1 if rejected else None)


def _make(workspace: Workspace, body: MakeEvent) -> bool:
    """Makes an event; False where nothing is left that it could happen to, such as an issue to resolve."""
    try:
        make_event(workspace, body)
    except (NotFound, Conflict):
        return False
    return True


def _set_clock(workspace: Workspace, moment: int) -> None:
    """Moves the clock forward; one that runs may be later already."""
    clock = workspace.store.clock
    if moment > clock.now():
        clock.set(moment)
