"""Changes of the queue of a project: where its data rows wait, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from mockserver.errors import MalformedRequest
from mockserver.world.change import Change
from mockserver.world.changes.batches import DEFAULT_PRIORITY
from mockserver.world.changes.labels import MOVE, LabelChanges
from mockserver.world.changes.row_lookup import RowRef
from mockserver.world.database import Clause
from mockserver.world.events import EventKind
from mockserver.world.labels import ProjectRow, WorkflowStatus
from mockserver.world.projects import Project, TaskQueue
from mockserver.world.store import Store

STATUS_OF_QUEUE = {
    "INITIAL_LABELING_QUEUE": WorkflowStatus.TO_LABEL,
    "MANUAL_REVIEW_QUEUE": WorkflowStatus.IN_REVIEW,
    "MANUAL_REWORK_QUEUE": WorkflowStatus.IN_REWORK,
}


class QueueChanges:
    """The changes of the queues of one store's projects."""

    def __init__(self, store: Store) -> None:
        self._store, self._labels = store, LabelChanges(store)

    def move_rows(self, project_id: str, rows: Sequence[RowRef], queue_id: str | None) -> None:
        """Moves data rows to a queue, or without one to Done; those that are there stay. Raises NotFound, and
        MalformedRequest when one is not in the project."""
        with self._store.change() as change:
            status = _find_status(change, project_id, queue_id)
            states = _read_states(change, project_id, rows)
            for row in rows:
                if states[row.no] != status:
                    self._labels.move_row(project_id, row.id, action=MOVE, to=status)

    def set_priority(self, project_id: str, rows: Sequence[RowRef], priority: int) -> None:
        """Raises NotFound, and MalformedRequest when a data row is not in the project."""
        with self._store.change() as change:
            change.one(Project, project_id)
            _read_states(change, project_id, rows)
            for row in rows:
                change.connection.update(ProjectRow, _key(project_id, row), priority=priority)
                change.touch(row.no)
            change.add_event(EventKind.PROJECT_UPDATED, project=project_id)

    def override(self, project_id: str, overrides: Sequence[tuple[RowRef, int, int | None]]) -> None:
        """Gives data rows a priority, and unless it is None another number of labels, in the place of what they have.

        Raises NotFound, and MalformedRequest when a data row is not in the project.
        """
        with self._store.change() as change:
            change.one(Project, project_id)
            _read_states(change, project_id, [row for row, _, _ in overrides])
            for row, priority, labels in overrides:
                values = {"priority": priority} | ({} if labels is None else {"expected_label_count": labels})
                change.connection.update(ProjectRow, _key(project_id, row), **values)
                change.touch(row.no)
            change.add_event(EventKind.PROJECT_UPDATED, project=project_id)

    def remove_overrides(self, project_id: str, rows: Sequence[RowRef]) -> None:
        """Gives data rows the priority that they have by default. Raises NotFound, MalformedRequest."""
        self.set_priority(project_id, rows, DEFAULT_PRIORITY)


def _key(project_id: str, row: RowRef) -> Clause:
    return Clause("project_id = :project AND data_row_no = :row", project=project_id, row=row.no)


def _find_status(change: Change, project_id: str, queue_id: str | None) -> WorkflowStatus:
    change.one(Project, project_id)
    if queue_id is None:
        return WorkflowStatus.DONE
    place = Clause("id = :id AND project_id = :project", id=queue_id, project=project_id)
    queue = change.connection.one(TaskQueue, place, f"Task queue {queue_id!r} of project {project_id!r}")
    return STATUS_OF_QUEUE[queue.queue_type]


def _read_states(change: Change, project_id: str, rows: Sequence[RowRef]) -> dict[int, str]:
    """The workflow status of data rows by number. Raises MalformedRequest when one is not in the project."""
    states: dict[int, str] = {}
    for row in rows:
        known = change.connection.select_columns(ProjectRow, "workflow_status", _key(project_id, row))
        if not known:
            raise MalformedRequest(
                f"Data row {row.id!r} is not in project {project_id!r}; add it to the project by a batch first"
            )
        states[row.no] = known[0][0]
    return states
