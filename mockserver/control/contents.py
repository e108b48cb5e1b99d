"""The contents of an event that its caller chooses: annotations, the user, a verdict, a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mockserver.errors import BadInput, NotFound, nearest, quote
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.queries.conditions import LIVE
from mockserver.world.records.events import EventKind
from mockserver.world.records.people import Person


class Choices(NamedTuple):
    """The choices of the caller; None leaves one to the server. `by` is a user's id."""

    annotations: Sequence[dict[str, Any]] | None = None
    by: str | None = None
    score: int | None = None
    text: str | None = None


TAKEN: dict[str, frozenset[str]] = {
    EventKind.LABEL_CREATED: frozenset({"data_row", "label", "annotations", "by"}),
    EventKind.LABEL_UPDATED: frozenset({"data_row", "label", "annotations"}),
    EventKind.LABEL_DELETED: frozenset({"data_row", "label"}),
    EventKind.REVIEW_CREATED: frozenset({"data_row", "label", "by", "score"}),
    EventKind.REVIEW_UPDATED: frozenset({"data_row", "label", "score"}),
    EventKind.REVIEW_DELETED: frozenset({"data_row", "label"}),
    EventKind.WORKFLOW_ACTION: frozenset({"data_row", "label", "by"}),
    EventKind.ISSUE_CREATED: frozenset({"data_row", "label", "by", "text"}),
    EventKind.ISSUE_UPDATED: frozenset({"data_row", "label", "by", "text"}),
    EventKind.ISSUE_DELETED: frozenset({"data_row", "label"}),
    EventKind.METADATA_UPDATED: frozenset({"data_row", "label", "text"}),
    EventKind.DATA_ROW_CREATED: frozenset({"data_row"}),
    "PROJECT_TAGGED": frozenset({"text"}),
}
"""The keys of the body that each event uses: others would be accepted and do nothing."""


def check_choices(event: str, body: Any) -> None:
    """Raises BadInput for a key that the event does not use."""
    for name in ("data_row", "label", "annotations", "by", "score", "text"):
        if getattr(body, name) is not None and name not in TAKEN[event]:
            taken = ", ".join(sorted(TAKEN[event]))
            raise BadInput(f"{event} does not use {name}; leave it out. It uses {taken}, and at")


def find_person(connection: Connection, name: str) -> str:
    """The id of the user with this id, email or name. Raises NotFound."""
    called = Clause("(id = :name OR email = :name OR name = :name)", name=name)
    people = connection.select(Person, called & LIVE, order="id")
    if people:
        return people[0].id
    emails = [person.email for person in connection.select(Person, LIVE, order="created_at, id")]
    raise NotFound(f"Unknown user {name!r}; the nearest known are {quote(nearest(name, emails))}")
