"""Changes of labels: labels themselves, their reviews, and moves of their data rows by users.

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
from mockserver.world.changes.moves import (
    APPROVE,
    MOVE,
    REJECT,
    Mover,
    find_project_row,
    match_project_row,
    move_if_complete,
    report_move,
)
from mockserver.world.changes.routes import ELSE, IF
from mockserver.world.clause import Clause
from mockserver.world.clock import SECOND
from mockserver.world.moments import round_to_second
from mockserver.world.record import JsonText, encode_json
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.events import EventKind
from mockserver.world.records.labels import (
    Body,
    Label,
    LabelFeedback,
    ProjectRow,
    Review,
    WorkflowStatus,
)
from mockserver.world.store import Store

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
        submitted_at: int | None = None,
    ) -> Label:
        """Creates a label on a data row of the project, at the time of the change unless it was submitted before. A row
        that has all the labels it expects goes on to review; until then no event reports its way (observed 2024-12).
        Raises NotFound.
        """
        with self._store.change() as change:
            row = change.one(DataRow, data_row_id)
            project_row = find_project_row(change, project_id, row)
            at = change.now if submitted_at is None else submitted_at
            label_id = change.new_id(at=max(0, at - seconds_to_create * SECOND))
            label = Label(
                no=change.number(Label), id=label_id, project_id=project_id, data_row_no=row.no,
                feature_prefix=ids.feature_prefix(label_id), body_id=_add_body(change, content, aside), skipped=False,
                seconds_to_create=seconds_to_create, seconds_to_review=0, seconds_to_rework=0, is_benchmark=False,
                consensus_score=None, benchmark_score=None, created_by=by or self._store.workspace.user_id,
                created_at=round_to_second(at), updated_at=change.now, content_updated_at=change.now, deleted=False,
            )  # fmt: skip
            change.connection.insert([label])
            values: dict[str, str | None] = {} if project_row.reserved_by is None else {"reserved_by": None}
            if project_row.selected_label_id is None:
                values["selected_label_id"] = label.id
            if values:
                change.connection.update(ProjectRow, match_project_row(project_row), **values)
            record_version(change, label, VersionAction.SUBMITTED, label.created_by, project_row)
            if project_row.workflow_status == WorkflowStatus.TO_LABEL:
                move_if_complete(change, Mover(change, project_id), project_row, row.id, label.created_by)
            _add_event(change, EventKind.LABEL_CREATED, label, row.id)
            return change.one(Label, label.id)

    def set_effort(self, label_id: str, *, seconds: int | None, submitted_at: int | None = None) -> Label:
        """Changes how long a label took, and when it was submitted; None changes nothing. Raises NotFound."""
        with self._store.change() as change:
            label = change.one(Label, label_id)
            values = {"updated_at": change.now} | ({} if seconds is None else {"seconds_to_create": seconds})
            if submitted_at is not None:
                values["created_at"] = round_to_second(submitted_at)
            change.connection.update(Label, Clause("no = :no", no=label.no), **values)
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
