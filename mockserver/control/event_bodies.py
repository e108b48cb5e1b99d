"""The bodies and answers of the controls that make something happen."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from mockserver.control.bodies import Body, DateTime, Seed
from mockserver.control.happenings import HAPPENINGS
from mockserver.webhooks.options import describe

MOST_EVENTS = 1_000
"""Events of one call, which are one change."""
MOST_DAYS, MOST_EACH_DAY, MOST_SIMULATED = 366, 1_000, 10_000


class MakeEvent(Body, frozen=True, kw_only=True):
    """The event, and where it happens; without a data row or label the server chooses a matching one.

    `annotations` are those of a label, each as a line of an import without its data row. `by` is a user's id, email or
    name; `at` a date-time that the clock has passed. `score` is that of a review, `text` that of an issue, a comment or
    a metadata field.
    """

    event: Annotated[str, describe(enum=list(map(str, HAPPENINGS)))]
    project: str
    data_row: str | None = None
    label: str | None = None
    annotations: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=10_000)] | None = None
    by: str | None = None
    at: DateTime | None = None
    score: Literal[1, -1] | None = None
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)] | None = None


class MakeEvents(Body, frozen=True, kw_only=True):
    """Events that happen together: all of them, or none."""

    events: Annotated[list[MakeEvent], msgspec.Meta(min_length=1, max_length=MOST_EVENTS)]


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


class EventsMade(msgspec.Struct, frozen=True):
    events: list[EventMade]


class Simulate(Body, frozen=True, kw_only=True):
    """A team works for so many days of the workspace's clock, in some projects (names or ids) or in all.

    The same seed in the same world makes the same events. `new_rows` arrive each working day.
    """

    days: Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)]
    seed: Seed = 0
    projects: Annotated[list[str], msgspec.Meta(min_length=1)] | None = None
    events_per_day: Annotated[int, msgspec.Meta(ge=1, le=MOST_EACH_DAY)] = 20
    new_rows: Annotated[int, msgspec.Meta(ge=0, le=MOST_EACH_DAY)] = 2


class Simulated(msgspec.Struct, frozen=True):
    """The events that happened, counted by their names, and the time of the clock before and after them."""

    began_at: str
    ended_at: str
    events: int
    by_event: dict[str, int]
