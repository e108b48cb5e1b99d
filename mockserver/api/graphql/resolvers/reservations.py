"""Data rows that are assigned to users (SDK project.py bulk_assign_data_rows, extend_reservations)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.errors import BadInput
from mockserver.world.changes.reservations import AssignmentStatus, match_queue
from mockserver.world.changes.row_lookup import find_data_rows
from mockserver.world.clause import Clause
from mockserver.world.records.labels import ProjectRow
from mockserver.world.records.people import Person
from mockserver.world.records.projects import INITIAL_LABELING, REVIEW, Project

MOST_ROWS = 100_000
"""Data rows of one request."""
QUEUES = {"LabelingQueue": INITIAL_LABELING, "ReviewQueue": REVIEW}


class ClearedReservations(msgspec.Struct, frozen=True):
    cleared_reservation_count: int
    success: bool = True


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "bulkAssignDataRows", assign_rows, long=True)
    fields.add("Mutation", "extendReservations", extend_reservations)
    fields.add("Mutation", "clearQueueReservations", clear_reservations, long=True)
    fields.add_attributes("ClearedReservations", ClearedReservations, "success clearedReservationCount")


def assign_rows(_source: Any, call: Call, input: Mapping[str, Any]) -> bool:
    """Assigns data rows to a user. Raises NotFound, MalformedRequest for data rows that do not exist, BadInput."""
    names = input["dataRowIds"]
    if len(names) > MOST_ROWS:
        raise BadInput(f"{len(names):,} data rows were sent; at most {MOST_ROWS:,} are assigned by one request")
    project, user = call.get(Project, input["projectId"]), call.get(Person, input["userId"], "User")
    sent = input.get("allowedStatuses")
    statuses = {AssignmentStatus.FREE} if sent is None else set(map(AssignmentStatus, sent))
    with call.read() as connection:
        rows = find_data_rows(connection, names)
    call.workspace.reservations.assign(project.id, user.id, rows, statuses)
    return True


def extend_reservations(_source: Any, call: Call, projectId: str, queueType: str) -> int:
    """The number of reservations that the owner of the API key has in a queue. They do not expire here, so that
    extending them changes nothing else (inferred)."""
    call.get(Project, projectId)
    mine = Clause("reserved_by = :user", user=call.store.workspace.user_id)
    return call.count(ProjectRow, match_queue(projectId, QUEUES[queueType]) & mine)


def clear_reservations(_source: Any, call: Call, input: Mapping[str, Any]) -> ClearedReservations:
    project = call.get(Project, input["projectId"])
    return ClearedReservations(call.workspace.reservations.clear(project.id, input["queueId"]))
