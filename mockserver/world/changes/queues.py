"""Changes of the queue of a project: where its data rows wait, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from mockserver.errors import MalformedRequest
from mockserver.world.change import Change
from mockserver.world.changes.batches import DEFAULT_PRIORITY
from mockserver.world.changes.moves import MOVE, Mover, report_move
from mockserver.world.changes.row_lookup import RowRef
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.events import EventKind
from mockserver.world.records.labels import ProjectRow
from mockserver.world.records.projects import Project, TaskQueue
from mockserver.world.store import Store

_ROWS_PER_STATEMENT = 500


class QueueChanges:
    """The changes of the queues of one store's projects."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def move_rows(self, project_id: str, rows: Sequence[RowRef], queue_id: str | None) -> None:
        """Moves data rows to a queue, or without one to Done; those that are there stay. Raises NotFound, and
        MalformedRequest when one is not in the project."""
        with self._store.change() as change:
            queue = _find_queue(change, project_id, queue_id)
            mover, by = Mover(change, project_id), self._store.workspace.user_id
            check_in_project(change.connection, project_id, rows)
            for row in rows:
                [project_row] = change.connection.select(ProjectRow, _key(project_id, row))
                if project_row.task_queue_id != queue_id:
                    report_move(change, mover, project_row, row.id, MOVE, queue, by)

    def set_priority(self, project_id: str, rows: Sequence[RowRef], priority: int) -> None:
        """Raises NotFound, and MalformedRequest when a data row is not in the project."""
        self.override(project_id, [(row, priority, None) for row in rows])

    def override(self, project_id: str, overrides: Sequence[tuple[RowRef, int, int | None]]) -> None:
        """Gives data rows a priority, and unless it is None another number of labels, in the place of what they have.

        Raises NotFound, and MalformedRequest when a data row is not in the project.
        """
        with self._store.change() as change:
            change.one(Project, project_id)
            check_in_project(change.connection, project_id, [row for row, _, _ in overrides])
            last = _keep_last(overrides)
            change.connection.run_many(
                "UPDATE project_row SET priority = :priority,"
                " expected_label_count = COALESCE(:labels, expected_label_count)"
                " WHERE project_id = :project AND data_row_no = :row",
                [
                    {"priority": priority, "labels": labels, "project": project_id, "row": number}
                    for number, (priority, labels) in last.items()
                ],
            )
            numbers = list(last)
            for first in range(0, len(numbers), _ROWS_PER_STATEMENT):
                change.touch_rows(Clause("no IN :rows", rows=numbers[first : first + _ROWS_PER_STATEMENT]))
            change.add_event(EventKind.PROJECT_UPDATED, project=project_id)

    def remove_overrides(self, project_id: str, rows: Sequence[RowRef]) -> None:
        """Gives data rows the priority that they have by default. Raises NotFound, MalformedRequest."""
        self.set_priority(project_id, rows, DEFAULT_PRIORITY)


def _keep_last(overrides: Sequence[tuple[RowRef, int, int | None]]) -> dict[int, tuple[int, int | None]]:
    """The priority and the number of labels that each data row has in the end. Each is written once, because PostgreSQL
    searches all versions of a row that one transaction has written."""
    last: dict[int, tuple[int, int | None]] = {}
    for row, priority, labels in overrides:
        _, before = last.get(row.no, (priority, None))
        last[row.no] = priority, before if labels is None else labels
    return last


def _key(project_id: str, row: RowRef) -> Clause:
    return Clause("project_id = :project AND data_row_no = :row", project=project_id, row=row.no)


def _find_queue(change: Change, project_id: str, queue_id: str | None) -> TaskQueue | None:
    change.one(Project, project_id)
    if queue_id is None:
        return None
    place = Clause("id = :id AND project_id = :project", id=queue_id, project=project_id)
    return change.connection.one(TaskQueue, place, f"Task queue {queue_id!r} of project {project_id!r}")


def check_in_project(connection: Connection, project_id: str, rows: Sequence[RowRef]) -> None:
    """Raises MalformedRequest when a data row is not in the project."""
    for first in range(0, len(rows), _ROWS_PER_STATEMENT):
        together = rows[first : first + _ROWS_PER_STATEMENT]
        place = Clause("project_id = :project AND data_row_no IN :rows",
                       project=project_id, rows=[row.no for row in together])  # fmt: skip
        known = {number for (number,) in connection.select_columns(ProjectRow, "data_row_no", place)}
        for row in together:
            if row.no in known:
                continue
            raise MalformedRequest(
                f"Data row {row.id!r} is not in project {project_id!r}; add it to the project by a batch first"
            )
