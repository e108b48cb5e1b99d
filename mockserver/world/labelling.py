"""What people do to data rows in a project: label, review, move them through the workflow, raise issues; and its tags.

Each is one transaction with its events, and activity on the data row: exports find it by `last_activity_at`.
"""

from __future__ import annotations

import msgspec

from mockserver.errors import Conflict, NotFound
from mockserver.world import ids
from mockserver.world.clock import SECOND
from mockserver.world.data_rows import DataRow, MetadataValue, metadata_text
from mockserver.world.database import Clause, JsonText, R
from mockserver.world.events import EventKind
from mockserver.world.issues import Comment, Issue, IssueStatus
from mockserver.world.labels import Body, Label, ProjectRow, Review, WorkflowStatus, WorkflowStep, history_text
from mockserver.world.moments import moment, whole_second
from mockserver.world.people import Person
from mockserver.world.projects import ProjectTag, ResourceTag, TaskQueue
from mockserver.world.store import Change, Store, next_number

APPROVE, REJECT, MOVE = "Approve", "Reject", "Move"
"""Actions of a workflow history (sample: cc-data-processing)."""

NEW_TAG = "8AC4F0"
"""The colour of tags that are made by events."""
BETWEEN_MOVES = 5_000
"""Microseconds between the two moves that a row's last label makes (observed 2024-12)."""

_QUEUE_OF = {
    WorkflowStatus.TO_LABEL: "INITIAL_LABELING_QUEUE",
    WorkflowStatus.IN_REVIEW: "MANUAL_REVIEW_QUEUE",
    WorkflowStatus.IN_REWORK: "MANUAL_REWORK_QUEUE",
}


class Labelling:
    """The changes of one store. `by` is a person's id; without one it is the owner of the API key."""

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
        """A label on a row of the project. A row that has as many as it waits for goes on to review; until then
        nothing is told of its way (observed 2024-12). Raises NotFound.
        """
        with self._store.change() as change:
            row = self.row(change, data_row_id)
            standing = self.standing(change, project_id, row)
            label_id = self._store.new_id(change, at=change.now - seconds_to_create * SECOND)
            label = Label(
                no=next_number(change.connection, Label), id=label_id, project_id=project_id, data_row_no=row.no,
                feature_prefix=ids.feature_prefix(label_id), body_id=_body(change, content, aside), skipped=False,
                seconds_to_create=seconds_to_create, seconds_to_review=0, seconds_to_rework=0, is_benchmark=False,
                consensus_score=None, benchmark_score=None, created_by=by or self._store.workspace.user_id,
                created_at=whole_second(change.now), updated_at=change.now, content_updated_at=change.now,
                deleted=False,
            )  # fmt: skip
            change.connection.insert([label])
            if standing.selected_label_id is None:
                change.connection.update(ProjectRow, _of(standing), selected_label_id=label.id)
            if standing.workflow_status == WorkflowStatus.TO_LABEL:
                self._completed(change, standing, row, label.created_by)
            self._acted(change, EventKind.LABEL_CREATED, label, row)
            return self.label(change, label.id)

    def _completed(self, change: Change, standing: ProjectRow, row: DataRow, by: str) -> None:
        """Move a row on that has all its labels. Those of several people agree so far, which changes each of them."""
        labels = Clause("project_id = :project AND data_row_no = :row AND NOT deleted",
                       project=standing.project_id, row=row.no)  # fmt: skip
        count = change.connection.count(Label, labels)
        if count < standing.expected_label_count:
            return
        self._move(change, standing, MOVE, WorkflowStatus.IN_REVIEW, by)
        if count > 1:
            score = consensus_score(row.id, count)
            change.connection.update(Label, labels, consensus_score=score, updated_at=change.now)

    def update_label(self, label_id: str, *, content: bytes, aside: JsonText | None = None) -> Label:
        """Other annotations. Raises NotFound."""
        with self._store.change() as change:
            label = self.label(change, label_id)
            body = _body(change, content, aside)
            return self._updated(change, label, EventKind.LABEL_UPDATED, body_id=body, content_updated_at=change.now)

    def _updated(self, change: Change, label: Label, kind: EventKind, **values: object) -> Label:
        change.connection.update(Label, Clause("no = :no", no=label.no), updated_at=change.now, **values)
        row = _one(change, DataRow, Clause("no = :no", no=label.data_row_no), "The label's data row")
        self._acted(change, kind, label, row)
        return _one(change, Label, Clause("no = :no", no=label.no), f"Label {label.id!r}")

    # Reviews

    def create_review(self, label_id: str, *, score: float, by: str | None = None) -> Review:
        """A verdict: 1 approves, -1 rejects. It moves the row through the workflow. Raises NotFound."""
        with self._store.change() as change:
            label = self.label(change, label_id)
            review = Review(
                next_number(change.connection, Review), self._store.new_id(change), label.no, score,
                by or self._store.workspace.user_id, change.now, change.now,
            )  # fmt: skip
            change.connection.insert([review])
            self._reviewed(change, EventKind.REVIEW_CREATED, review, label)
            self._judged(change, review, label)
            return review

    def update_review(self, review_id: str, *, score: float) -> Review:
        """Another verdict, which moves the row again. Raises NotFound."""
        with self._store.change() as change:
            review = self.review(change, review_id)
            change.connection.update(Review, Clause("no = :no", no=review.no), score=score, updated_at=change.now)
            changed = msgspec.structs.replace(review, score=score, updated_at=change.now)
            label = self._reviewed_label(change, review)
            self._reviewed(change, EventKind.REVIEW_UPDATED, changed, label)
            self._judged(change, changed, label)
            return changed

    def delete_review(self, review_id: str) -> Review:
        """Take a verdict away; the row stays where it is. Raises NotFound."""
        with self._store.change() as change:
            review = self.review(change, review_id)
            change.connection.delete(Review, Clause("no = :no", no=review.no))
            self._reviewed(change, EventKind.REVIEW_DELETED, review, self._reviewed_label(change, review))
            return review

    def _reviewed(self, change: Change, kind: EventKind, review: Review, label: Label) -> None:
        change.connection.update(Label, Clause("no = :no", no=label.no), updated_at=change.now)
        row = _one(change, DataRow, Clause("no = :no", no=label.data_row_no), "The label's data row")
        self._acted(change, kind, label, row, review=review.id)

    def _reviewed_label(self, change: Change, review: Review) -> Label:
        return _one(change, Label, Clause("no = :no", no=review.label_no), "The review's label")

    def _judged(self, change: Change, review: Review, label: Label) -> None:
        status, action = (WorkflowStatus.DONE, APPROVE) if review.score > 0 else (WorkflowStatus.IN_REWORK, REJECT)
        row = _one(change, DataRow, Clause("no = :no", no=label.data_row_no), "The label's data row")
        standing = self.standing(change, label.project_id, row)
        if standing.workflow_status != status:
            self._move(change, standing, action, status, review.created_by)
            self._acted(change, EventKind.WORKFLOW_ACTION, label, row, action=action)

    # Workflow

    def move_row(
        self, project_id: str, data_row_id: str, *, action: str, to: WorkflowStatus, by: str | None = None
    ) -> ProjectRow:
        """Approve, Reject or Move a row to where `to` says. Raises NotFound, or Conflict where it stands there."""
        with self._store.change() as change:
            row = self.row(change, data_row_id)
            standing = self.standing(change, project_id, row)
            if standing.workflow_status == to:
                raise Conflict(f"Data row {data_row_id!r} is {to} in this project already")
            self._move(change, standing, action, to, by or self._store.workspace.user_id)
            self._touched(change, EventKind.WORKFLOW_ACTION, row, project_id, standing.selected_label_id, action=action)
            return self.standing(change, project_id, row)

    def _move(self, change: Change, standing: ProjectRow, action: str, to: WorkflowStatus, by: str) -> None:
        """One step of the row's way. Its first tells of two: whoever moves it first also brought it to the first queue
        (observed 2024-12)."""
        person = _one(change, Person, Clause("id = :id", id=by), "The person")
        queues = change.connection.select(TaskQueue, Clause("project_id = :id", id=standing.project_id))
        before = next((queue for queue in queues if queue.id == standing.task_queue_id), None)
        after = next((queue for queue in queues if queue.queue_type == _QUEUE_OF.get(to)), None)
        nowhere = (None, None)
        at, steps = change.now, standing.steps
        if not steps and before is not None:
            steps = [WorkflowStep(MOVE, moment(at), person.email, None, None, before.name, before.id)]
            at += BETWEEN_MOVES
        step = WorkflowStep(
            action, moment(at), person.email,
            *((before.name, before.id) if before else nowhere), *((after.name, after.id) if after else nowhere),
        )  # fmt: skip
        change.connection.update(
            ProjectRow, _of(standing), workflow_status=to, task_queue_id=after.id if after else None,
            workflow_history=history_text([step, *steps]),
        )  # fmt: skip

    # Metadata and issues

    def set_metadata(
        self, data_row_id: str, schema_id: str, value: MetadataValue, *, project_id: str | None = None
    ) -> None:
        """One field of a row, whatever it was before. Raises NotFound."""
        with self._store.change() as change:
            row = self.row(change, data_row_id)
            metadata = metadata_text(row.metadata_values | {schema_id: value})
            change.connection.update(DataRow, Clause("no = :no", no=row.no), metadata=metadata)
            self._touched(change, EventKind.METADATA_UPDATED, row, project_id, None, schema=schema_id)

    def tag_project(self, project_id: str, *, text: str) -> ResourceTag:
        """Give a project the oldest tag of the organization that it has not, or a new one of this text."""
        with self._store.change() as change:
            missing = Clause("id NOT IN (SELECT tag_id FROM project_tag WHERE project_id = :id)", id=project_id)
            found = change.connection.select(ResourceTag, missing, order="created_at, id", first=1)
            if found:
                [tag] = found
            else:
                owner = self._store.workspace.user_id
                tag = ResourceTag(self._store.new_id(change), text, NEW_TAG, owner, change.now, change.now)
                change.connection.insert([tag])
            change.connection.insert([ProjectTag(project_id, tag.id)])
            change.happened(EventKind.PROJECT_UPDATED, project=project_id, tag=tag.id)
            return tag

    def create_issue(
        self, project_id: str, data_row_id: str, *, content: str, label_id: str | None = None, by: str | None = None
    ) -> tuple[Issue, Comment]:
        """An open issue on a row, or on one of its labels, with its first comment. Raises NotFound."""
        with self._store.change() as change:
            row = self.row(change, data_row_id)
            self.standing(change, project_id, row)
            person = by or self._store.workspace.user_id
            issue = Issue(
                next_number(change.connection, Issue), self._store.new_id(change), project_id, row.no, label_id,
                IssueStatus.OPEN, content, person, change.now, change.now, deleted=False,
            )  # fmt: skip
            comment = self._comment(change, issue, content, person)
            change.connection.insert([issue, comment])
            self._about(change, EventKind.ISSUE_CREATED, issue, comment=comment.id)
            return issue, comment

    def update_issue(
        self, issue_id: str, *, status: IssueStatus, comment: str | None = None, by: str | None = None
    ) -> tuple[Issue, Comment | None]:
        """Open or resolve an issue, with or without a further comment. Raises NotFound."""
        with self._store.change() as change:
            issue = self.issue(change, issue_id)
            said = None
            if comment is not None:
                said = self._comment(change, issue, comment, by or self._store.workspace.user_id)
                change.connection.insert([said])
            change.connection.update(Issue, Clause("no = :no", no=issue.no), status=status, updated_at=change.now)
            self._about(change, EventKind.ISSUE_UPDATED, issue, comment=said.id if said else None)
            return msgspec.structs.replace(issue, status=status, updated_at=change.now), said

    def delete_issue(self, issue_id: str) -> Issue:
        """Mark an issue deleted; its comments go with it. Raises NotFound."""
        with self._store.change() as change:
            issue = self.issue(change, issue_id)
            change.connection.update(Issue, Clause("no = :no", no=issue.no), deleted=True, updated_at=change.now)
            self._about(change, EventKind.ISSUE_DELETED, issue)
            return issue

    def _comment(self, change: Change, issue: Issue, content: str, by: str) -> Comment:
        number = next_number(change.connection, Comment)
        return Comment(number, self._store.new_id(change), issue.no, content, by, change.now)

    def _about(self, change: Change, kind: EventKind, issue: Issue, **details: object) -> None:
        row = _one(change, DataRow, Clause("no = :no", no=issue.data_row_no), "The issue's data row")
        self._touched(change, kind, row, issue.project_id, issue.label_id, issue=issue.id, **details)

    # Finding

    def row(self, change: Change, data_row_id: str) -> DataRow:
        return _one(change, DataRow, Clause("id = :id AND NOT deleted", id=data_row_id), f"Data row {data_row_id!r}")

    def label(self, change: Change, label_id: str) -> Label:
        return _one(change, Label, Clause("id = :id AND NOT deleted", id=label_id), f"Label {label_id!r}")

    def review(self, change: Change, review_id: str) -> Review:
        return _one(change, Review, Clause("id = :id", id=review_id), f"Review {review_id!r}")

    def issue(self, change: Change, issue_id: str) -> Issue:
        return _one(change, Issue, Clause("id = :id AND NOT deleted", id=issue_id), f"Issue {issue_id!r}")

    def standing(self, change: Change, project_id: str, row: DataRow) -> ProjectRow:
        here = Clause("project_id = :project AND data_row_no = :row", project=project_id, row=row.no)
        return _one(change, ProjectRow, here, f"Data row {row.id!r} in project {project_id!r}")

    # Events

    def _acted(self, change: Change, kind: EventKind, label: Label, row: DataRow, **details: object) -> None:
        self._touched(change, kind, row, label.project_id, label.id, **details)

    def _touched(
        self, change: Change, kind: EventKind, row: DataRow, project: str | None, label: str | None, **details: object
    ) -> None:
        self._store.touch(change, row.no)
        change.happened(kind, project=project, data_row=row.id, label=label, **details)


def _body(change: Change, content: bytes, aside: JsonText | None) -> int:
    number = int(change.connection.value("SELECT COALESCE(MAX(id), 0) + 1 FROM body"))
    change.connection.insert([Body(number, content, aside)])
    return number


def _of(standing: ProjectRow) -> Clause:
    return Clause("project_id = :project AND data_row_no = :row", project=standing.project_id, row=standing.data_row_no)


def _one(change: Change, kind: type[R], clause: Clause, what: str) -> R:
    found = change.connection.find(kind, clause)
    if found is None:
        raise NotFound(f"{what} does not exist")
    return found


def consensus_score(data_row_id: str, labels: int) -> float:
    """How far the labels of a row agree, the same for all of them (observed 2024-12).

    It is drawn from the row and the number of labels: how the service compares annotations is not known.
    """
    drawn = int.from_bytes(ids.digest("consensus", data_row_id, labels, size=8), "big")
    return (5000 + drawn % 5001) / 10_000
