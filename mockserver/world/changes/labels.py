"""Changes of labels: labels themselves, their reviews, and the way of data rows through a project's workflow.

Each is one transaction with its events, and activity on the data row: exports find it by `last_activity_at`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from mockserver.errors import Conflict
from mockserver.world import ids
from mockserver.world.change import Change
from mockserver.world.changes.deleting import mark_deleted
from mockserver.world.changes.label_versions import VersionAction, record_version
from mockserver.world.changes.routes import ELSE, IF, Routes
from mockserver.world.clock import SECOND
from mockserver.world.data_rows import DataRow
from mockserver.world.database import Clause, JsonText, encode_json
from mockserver.world.events import EventKind
from mockserver.world.labels import (
    Body,
    Label,
    LabelFeedback,
    ProjectRow,
    Review,
    WorkflowStatus,
    WorkflowStep,
    encode_history,
)
from mockserver.world.moments import format_moment, round_to_second
from mockserver.world.people import Person
from mockserver.world.projects import Project, TaskQueue
from mockserver.world.store import Store

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

_SELECT_ANOTHER_LABEL = (
    "UPDATE project_row SET selected_label_id = (SELECT l.id FROM label l WHERE l.project_id = project_row.project_id"
    " AND l.data_row_no = project_row.data_row_no AND NOT l.deleted ORDER BY l.no LIMIT 1)"
    " WHERE project_id = :project AND data_row_no = :row AND selected_label_id = :id"
)


class LabelChanges:
    """The changes of one store's labels. `by` is a user's id; without one it is the owner of the API key."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Labels

    def create_label(
        self,
        project_id: str,
        data_row_id: str,
        *,
        content: bytes,
        aside: JsonText | None = None,
        seconds_to_create: int = 60,
        by: str | None = None,
    ) -> Label:
        """Creates a label on a data row of the project. A row that has all the labels it expects goes on to review;
        until then no event reports its way (observed 2024-12). Raises NotFound.
        """
        with self._store.change() as change:
            row = change.one(DataRow, data_row_id)
            project_row = find_project_row(change, project_id, row)
            label_id = change.new_id(at=change.now - seconds_to_create * SECOND)
            label = Label(
                no=change.number(Label), id=label_id, project_id=project_id, data_row_no=row.no,
                feature_prefix=ids.feature_prefix(label_id), body_id=_add_body(change, content, aside), skipped=False,
                seconds_to_create=seconds_to_create, seconds_to_review=0, seconds_to_rework=0, is_benchmark=False,
                consensus_score=None, benchmark_score=None, created_by=by or self._store.workspace.user_id,
                created_at=round_to_second(change.now), updated_at=change.now, content_updated_at=change.now,
                deleted=False,
            )  # fmt: skip
            change.connection.insert([label])
            values: dict[str, str | None] = {} if project_row.reserved_by is None else {"reserved_by": None}
            if project_row.selected_label_id is None:
                values["selected_label_id"] = label.id
            if values:
                change.connection.update(ProjectRow, _key(project_row), **values)
            record_version(change, label, VersionAction.SUBMITTED, label.created_by, project_row)
            if project_row.workflow_status == WorkflowStatus.TO_LABEL:
                move_if_complete(change, Mover(change, project_id), project_row, row.id, label.created_by)
            _add_event(change, EventKind.LABEL_CREATED, label, row.id)
            return change.one(Label, label.id)

    def set_seconds(self, label_id: str, seconds: int) -> Label:
        """Changes how long a label took. Raises NotFound."""
        with self._store.change() as change:
            label = change.one(Label, label_id)
            place = Clause("no = :no", no=label.no)
            change.connection.update(Label, place, seconds_to_create=seconds, updated_at=change.now)
            _add_event(change, EventKind.LABEL_UPDATED, label, _data_row_id(change, label))
            return change.one(Label, label_id)

    def update_label(
        self, label_id: str, *, content: bytes, aside: JsonText | None = None, skipped: bool = False
    ) -> Label:
        """Gives a label other annotations. A skipped one is not skipped any more (inferred). Raises NotFound."""
        with self._store.change() as change:
            label = change.one(Label, label_id)
            body = _add_body(change, content, aside)
            place = Clause("no = :no", no=label.no)
            values = {"body_id": body, "skipped": skipped, "content_updated_at": change.now, "updated_at": change.now}
            change.connection.update(Label, place, **values)
            _save(change, change.one(Label, label_id), self._store.workspace.user_id)
            _add_event(change, EventKind.LABEL_UPDATED, label, _data_row_id(change, label))
            return change.one(Label, label_id)

    def set_benchmark(self, label_id: str, *, is_benchmark: bool) -> Label:
        """Makes a label the benchmark of its data row, or an ordinary label again. Raises NotFound, and Conflict if it
        is that already, or if another label of the row is the benchmark."""
        with self._store.change() as change:
            label = change.one(Label, label_id)
            row = Clause("project_id = :project AND data_row_no = :row AND is_benchmark AND NOT deleted",
                         project=label.project_id, row=label.data_row_no)  # fmt: skip
            others = [other.id for other in change.connection.select(Label, row)]
            if is_benchmark and others:
                raise Conflict(f"Label {others[0]!r} is the benchmark of this data row already; delete that one first")
            if not is_benchmark and label_id not in others:
                raise Conflict(f"Label {label_id!r} is no benchmark")
            place = Clause("no = :no", no=label.no)
            change.connection.update(Label, place, is_benchmark=is_benchmark, updated_at=change.now)
            _add_event(change, EventKind.LABEL_UPDATED, label, _data_row_id(change, label))
            return change.one(Label, label_id)

    def delete_labels(self, label_ids: list[str]) -> list[str]:
        """Marks labels deleted, which is activity on their data rows. Raises NotFound if one does not exist."""
        with self._store.change() as change:
            labels = mark_deleted(change, Label, label_ids)
            for label in labels:
                _add_event(change, EventKind.LABEL_DELETED, label, _data_row_id(change, label))
                values = {"id": label.id, "project": label.project_id, "row": label.data_row_no}
                change.connection.run(_SELECT_ANOTHER_LABEL, values)
            return [label.id for label in labels]

    # Reviews

    def set_feedback(self, label_id: str, feedback: str, scores: Mapping[str, float]) -> LabelFeedback:
        """Gives a label scores by name, in the place of those that it has (inferred). Raises NotFound."""
        with self._store.change() as change:
            label = change.one(Label, label_id)
            place = Clause("label_no = :no", no=label.no)
            known = change.connection.find(LabelFeedback, place)
            identity, created = (change.new_id(), change.now) if known is None else (known.id, known.created_at)
            record = LabelFeedback(label.no, identity, feedback, encode_json(dict(scores)), created, change.now)
            change.connection.delete(LabelFeedback, place)
            change.connection.insert([record])
            return record

    def create_review(self, label_id: str, *, score: float, by: str | None = None) -> Review:
        """Creates a review: 1 approves, -1 rejects. It moves the row through the workflow. Raises NotFound."""
        with self._store.change() as change:
            label = change.one(Label, label_id)
            review = Review(
                change.number(Review), change.new_id(), label.no, score, by or self._store.workspace.user_id,
                change.now, change.now,
            )  # fmt: skip
            change.connection.insert([review])
            _add_review_event(change, EventKind.REVIEW_CREATED, review, label)
            _follow_review(change, review, label)
            return review

    def update_review(self, review_id: str, *, score: float) -> Review:
        """Changes a review's score, which moves the row again. Raises NotFound."""
        with self._store.change() as change:
            review = change.one(Review, review_id)
            change.connection.update(Review, Clause("no = :no", no=review.no), score=score, updated_at=change.now)
            changed = msgspec.structs.replace(review, score=score, updated_at=change.now)
            label = _find_reviewed_label(change, review)
            _add_review_event(change, EventKind.REVIEW_UPDATED, changed, label)
            _follow_review(change, changed, label)
            return changed

    def delete_review(self, review_id: str) -> Review:
        """Deletes a review; the row stays where it is. Raises NotFound."""
        with self._store.change() as change:
            review = change.one(Review, review_id)
            change.connection.delete(Review, Clause("no = :no", no=review.no))
            _add_review_event(change, EventKind.REVIEW_DELETED, review, _find_reviewed_label(change, review))
            return review

    # Workflow

    def move_row(
        self, project_id: str, data_row_id: str, *, action: str, to: WorkflowStatus, by: str | None = None
    ) -> ProjectRow:
        """Moves a row to the status `to`, in its first queue, by Approve, Reject or Move. Raises NotFound, or Conflict
        if it has that status already or the workflow has no queue for it."""
        with self._store.change() as change:
            row = change.one(DataRow, data_row_id)
            project_row = find_project_row(change, project_id, row)
            if project_row.workflow_status == to:
                raise Conflict(f"Data row {data_row_id!r} is {to} in this project already")
            mover = Mover(change, project_id)
            queue = mover.find_queue(to)
            if queue is None and to != WorkflowStatus.DONE:
                raise Conflict(f"The workflow of project {project_id!r} has no queue for {to}; give it one first")
            report_move(change, mover, project_row, row.id, action, queue, by or self._store.workspace.user_id)
            return find_project_row(change, project_id, row)


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
            ProjectRow, _key(project_row), workflow_status=status, task_queue_id=after.id if after else None,
            workflow_history=encode_history([step, *steps]), reserved_by=None,
        )  # fmt: skip

    def _find_email(self, user_id: str) -> str:
        if user_id not in self._emails:
            place = Clause("id = :id", id=user_id)
            self._emails[user_id] = self._change.connection.one(Person, place, f"User {user_id!r}").email
        return self._emails[user_id]


def _save(change: Change, label: Label, by: str) -> None:
    """Records that a label was changed. The row of one that was corrected in rework moves along the edges of the
    workflow that a client set."""
    place = Clause("project_id = :project AND data_row_no = :row", project=label.project_id, row=label.data_row_no)
    project_row = change.connection.find(ProjectRow, place)
    if project_row is None:
        return
    record_version(change, label, VersionAction.SAVED, by, project_row)
    mover = Mover(change, label.project_id)
    if project_row.workflow_status == WorkflowStatus.IN_REWORK and mover.has_workflow:
        record_version(change, label, VersionAction.REWORK_SUBMITTED, by, project_row)
        queue = mover.follow(project_row, IF, WorkflowStatus.IN_REVIEW)
        mover.move(project_row, MOVE, queue, by)


def _follow_review(change: Change, review: Review, label: Label) -> None:
    """Moves the row of a reviewed label where the review sends it, unless it is there already: from a review along the
    edges of the workflow, from elsewhere to Done or to rework."""
    approved = review.score > 0
    status, action = (WorkflowStatus.DONE, APPROVE) if approved else (WorkflowStatus.IN_REWORK, REJECT)
    row = change.connection.one(
        DataRow, Clause("no = :no", no=label.data_row_no), f"The data row of label {label.id!r}"
    )
    project_row = find_project_row(change, label.project_id, row)
    mover = Mover(change, label.project_id)
    verdict = VersionAction.APPROVED if approved else VersionAction.REJECTED
    record_version(change, label, verdict, review.created_by, project_row)
    in_review = project_row.workflow_status == WorkflowStatus.IN_REVIEW
    queue = mover.follow(project_row, IF if approved else ELSE, status) if in_review else mover.find_queue(status)
    if project_row.task_queue_id != (None if queue is None else queue.id) and (
        in_review or project_row.workflow_status != status
    ):
        mover.move(project_row, action, queue, review.created_by)
        _add_event(change, EventKind.WORKFLOW_ACTION, label, row.id, action=action)


def _find_reviewed_label(change: Change, review: Review) -> Label:
    return change.connection.one(Label, Clause("no = :no", no=review.label_no), f"The label of review {review.id!r}")


def _data_row_id(change: Change, label: Label) -> str:
    return str(change.connection.value("SELECT id FROM data_row WHERE no = :no", {"no": label.data_row_no}))


def _key(project_row: ProjectRow) -> Clause:
    project, row = project_row.project_id, project_row.data_row_no
    return Clause("project_id = :project AND data_row_no = :row", project=project, row=row)


def _add_body(change: Change, content: bytes, aside: JsonText | None) -> int:
    number = change.body_id()
    change.connection.insert([Body(number, content, aside)])
    return number


def _add_review_event(change: Change, kind: EventKind, review: Review, label: Label) -> None:
    change.connection.update(Label, Clause("no = :no", no=label.no), updated_at=change.now)
    _add_event(change, kind, label, _data_row_id(change, label), review=review.id)


def _add_event(change: Change, kind: EventKind, label: Label, data_row_id: str, **details: object) -> None:
    change.touch(label.data_row_no)
    change.add_event(kind, project=label.project_id, data_row=data_row_id, label=label.id, **details)
