"""Changes of reservations: which user labels a data row that waits in the first queue of a project."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum

from mockserver.world.changes.row_lookup import RowRef
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import match_subquery
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.events import EventKind
from mockserver.world.records.labels import ProjectRow
from mockserver.world.records.people import Person
from mockserver.world.records.projects import INITIAL_LABELING, Project, TaskQueue
from mockserver.world.store import Store


class AssignmentStatus(StrEnum):
    """Whether a data row is assigned already (SDK task_assignment_status.py)."""

    FREE = "FREE"
    RESERVED = "RESERVED"


_OF_STATUS = {AssignmentStatus.FREE: "reserved_by IS NULL", AssignmentStatus.RESERVED: "reserved_by IS NOT NULL"}


class ReservationChanges:
    """The changes of one store's reservations. A reservation ends when its data row is labelled or moved."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def assign(
        self, project_id: str, user_id: str, rows: Sequence[RowRef], statuses: Collection[AssignmentStatus]
    ) -> int:
        """Assigns to a user the data rows that wait in the project's first queue and have one of these statuses; other
        rows stay as they are (SDK project.py bulk_assign_data_rows). Returns how many were assigned. Raises NotFound.
        """
        with self._store.change() as change:
            project, user = change.one(Project, project_id), change.one(Person, user_id)
            fits = " OR ".join(_OF_STATUS[status] for status in sorted(statuses)) or "FALSE"
            matches = Clause("id IN :ids", ids=[row.id for row in rows])
            places = match_subquery("data_row_no", DataRow, "no", matches)
            waiting = match_queue(project.id, INITIAL_LABELING) & places & Clause(f"({fits})")
            count = change.connection.update(ProjectRow, waiting, reserved_by=user.id)
            if count:
                change.add_event(EventKind.PROJECT_UPDATED, project=project.id)
            return count

    def clear(self, project_id: str, queue_id: str) -> int:
        """Ends all reservations in a queue, and returns how many there were. Raises NotFound."""
        with self._store.change() as change:
            place = Clause("id = :id AND project_id = :project", id=queue_id, project=project_id)
            queue = change.connection.one(TaskQueue, place, f"Task queue {queue_id!r} of project {project_id!r}")
            reserved = Clause("project_id = :project AND task_queue_id = :queue AND reserved_by IS NOT NULL",
                              project=project_id, queue=queue.id)  # fmt: skip
            count = change.connection.update(ProjectRow, reserved, reserved_by=None)
            if count:
                change.add_event(EventKind.PROJECT_UPDATED, project=project_id)
            return count


def match_queue(project_id: str, queue_type: str) -> Clause:
    """The rows of a project that wait in a queue of a type."""
    queues = Clause("project_id = :of AND queue_type = :type", of=project_id, type=queue_type)
    return Clause("project_id = :project", project=project_id) & match_subquery(
        "task_queue_id", TaskQueue, "id", queues
    )
