"""Moves of data rows through the workflow of a project: by a user's action, or because a row has all its labels."""

from __future__ import annotations

from mockserver.world import ids
from mockserver.world.change import Change
from mockserver.world.changes.label_versions import VersionAction, record_version
from mockserver.world.changes.routes import IF, Routes
from mockserver.world.clause import Clause
from mockserver.world.moments import format_moment
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.events import EventKind
from mockserver.world.records.labels import Label, ProjectRow, WorkflowStatus, WorkflowStep, encode_history
from mockserver.world.records.people import Person
from mockserver.world.records.projects import Project, TaskQueue

APPROVE, REJECT, MOVE = "Approve", "Reject", "Move"
"""Actions of a workflow history (sample: cc-data-processing)."""

BETWEEN_MOVES = 5_000
"""Microseconds between the two moves that a row's last label makes (observed 2024-12)."""

STATUS_OF_QUEUE = {
    "INITIAL_LABELING_QUEUE": WorkflowStatus.TO_LABEL,
    "MANUAL_REVIEW_QUEUE": WorkflowStatus.IN_REVIEW,
    "MANUAL_REWORK_QUEUE": WorkflowStatus.IN_REWORK,
}
"""The status of the data rows that wait in a queue, by its type."""


def report_move(
    change: Change,
    mover: Mover,
    project_row: ProjectRow,
    data_row_id: str,
    action: str,
    queue: TaskQueue | None,
    by: str,
) -> None:
    """Moves a row, with the activity and the event that a user's action has."""
    _record_rework(change, project_row, queue, by)
    mover.move(project_row, action, queue, by)
    change.touch(project_row.data_row_no)
    project, label = project_row.project_id, project_row.selected_label_id
    change.add_event(EventKind.WORKFLOW_ACTION, project=project, data_row=data_row_id, label=label, action=action)


def _record_rework(change: Change, project_row: ProjectRow, queue: TaskQueue | None, by: str) -> None:
    """Records the labels of a row that a user sends to rework."""
    if queue is None or STATUS_OF_QUEUE[queue.queue_type] != WorkflowStatus.IN_REWORK:
        return
    for label in change.connection.select(Label, _match_labels(project_row), order="no"):
        record_version(change, label, VersionAction.SENT_TO_REWORK, by, project_row)


def move_if_complete(change: Change, mover: Mover, project_row: ProjectRow, data_row_id: str, by: str) -> None:
    """Moves a row to review that has all its labels, or to Done where the workflow has no review."""
    count = change.connection.count(Label, _match_labels(project_row))
    move_if_enough(change, mover, project_row, data_row_id, by, labels=count)


def move_if_enough(
    change: Change, mover: Mover, project_row: ProjectRow, data_row_id: str, by: str, *, labels: int
) -> None:
    """Moves a row with so many labels if it expects no more. Labels of several people then get a consensus score, which
    updates each of them (the moves are inferred)."""
    if labels < project_row.expected_label_count:
        return
    if labels > 1:
        score = consensus_score(data_row_id, labels)
        change.connection.update(Label, _match_labels(project_row), consensus_score=score, updated_at=change.now)
    mover.move(project_row, MOVE, mover.find_next(project_row, data_row_id), by)


def _match_labels(project_row: ProjectRow) -> Clause:
    """The labels of a row in a project."""
    return Clause("project_id = :project AND data_row_no = :row AND NOT deleted",
                  project=project_row.project_id, row=project_row.data_row_no)  # fmt: skip


def find_project_row(change: Change, project_id: str, row: DataRow) -> ProjectRow:
    """A data row as a row of this project. Raises NotFound if it is none."""
    place = Clause("project_id = :project AND data_row_no = :row", project=project_id, row=row.no)
    return change.connection.one(ProjectRow, place, f"Data row {row.id!r} in project {project_id!r}")


def match_project_row(project_row: ProjectRow) -> Clause:
    """The row of a project."""
    project, row = project_row.project_id, project_row.data_row_no
    return Clause("project_id = :project AND data_row_no = :row", project=project, row=row)


def consensus_score(data_row_id: str, labels: int) -> float:
    """How far the labels of a row agree, the same for all of them (observed 2024-12).

    It is drawn from the row and the number of labels: how the service compares annotations is not known (inferred).
    """
    drawn = int.from_bytes(ids.digest("consensus", data_row_id, labels, size=8), "big")
    return (5000 + drawn % 5001) / 10_000


class Mover:
    """Moves data rows through the workflow of one project, whose queues are read once."""

    def __init__(self, change: Change, project_id: str) -> None:
        self._change, self._project_id = change, project_id
        self._routes: Routes | None = None
        quotas = change.connection.select_columns(Project, "review_quota", Clause("id = :id", id=project_id))
        self._quota: float | None = quotas[0][0] if quotas else None
        place = Clause("project_id = :id", id=project_id)
        self._queues = change.connection.select(TaskQueue, place, order="position")
        self._emails: dict[str, str] = {}

    def find_queue(self, status: WorkflowStatus) -> TaskQueue | None:
        """The first queue in which rows of a status wait. None for Done, and for a review that the workflow has not."""
        return next((queue for queue in self._queues if STATUS_OF_QUEUE[queue.queue_type] == status), None)

    def follow(self, project_row: ProjectRow, output: str, status: WorkflowStatus) -> TaskQueue | None:
        """The queue to which a row goes that leaves its queue by an output of the workflow that a client set, None for
        Done. Where no edge leads on, or without such a workflow, it is the first queue of `status` (inferred)."""
        if self._routes is None:
            self._routes = Routes(self._change, self._project_id)
        route = self._routes.find(project_row, output, {queue.id: queue for queue in self._queues})
        return self.find_queue(status) if route is None else route.queue

    def find_next(self, project_row: ProjectRow, data_row_id: str) -> TaskQueue | None:
        """The queue of a row that has all its labels. None is Done, as for rows beyond the share that is reviewed: they
        are drawn by their ids (inferred)."""
        if self._quota is not None and not self.has_workflow:
            drawn = int.from_bytes(ids.digest("review quota", data_row_id, size=8), "big") / 2**64
            if drawn >= self._quota:
                return None
        return self.follow(project_row, IF, WorkflowStatus.IN_REVIEW)

    @property
    def has_workflow(self) -> bool:
        """Whether a client set the workflow."""
        if self._routes is None:
            self._routes = Routes(self._change, self._project_id)
        return self._routes.exist

    def move(self, project_row: ProjectRow, action: str, after: TaskQueue | None, by: str) -> None:
        """Moves a row to a queue, or without one to Done, and adds a step to its history. The first move adds two
        steps: the user who moves a row first also brought it to the first queue (observed 2024-12)."""
        before = next((queue for queue in self._queues if queue.id == project_row.task_queue_id), None)
        email, nowhere = self._find_email(by), (None, None)
        at, steps = self._change.now, project_row.steps
        if not steps and before is not None:
            steps = [WorkflowStep(MOVE, format_moment(at), email, None, None, before.name, before.id)]
            at += BETWEEN_MOVES
        step = WorkflowStep(
            action, format_moment(at), email,
            *((before.name, before.id) if before else nowhere), *((after.name, after.id) if after else nowhere),
        )  # fmt: skip
        status = STATUS_OF_QUEUE[after.queue_type] if after else WorkflowStatus.DONE
        self._change.connection.update(
            ProjectRow, match_project_row(project_row), workflow_status=status,
            task_queue_id=after.id if after else None, workflow_history=encode_history([step, *steps]),
            reserved_by=None,
        )  # fmt: skip

    def _find_email(self, user_id: str) -> str:
        if user_id not in self._emails:
            place = Clause("id = :id", id=user_id)
            self._emails[user_id] = self._change.connection.one(Person, place, f"User {user_id!r}").email
        return self._emails[user_id]
