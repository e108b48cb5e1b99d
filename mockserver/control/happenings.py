"""Things that are made to happen in a world: each is a change that a person could have made, with all that follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mockserver.control.bodies import EventMade, MakeEvent
from mockserver.control.expected import project_named
from mockserver.control.places import NOT_SKIPPED, Places
from mockserver.errors import BadInput, Conflict
from mockserver.generate import features
from mockserver.generate.chance import Chance
from mockserver.generate.changes import annotated, answered_again
from mockserver.generate.words import table
from mockserver.workspaces.workspace import Workspace
from mockserver.world.change import Change
from mockserver.world.changes.labels import APPROVE, MOVE
from mockserver.world.data_rows import DataRow, MetadataSchema
from mockserver.world.database import Clause
from mockserver.world.events import Event
from mockserver.world.issues import IssueStatus
from mockserver.world.labels import Body, Label, ProjectRow, WorkflowStatus
from mockserver.world.moments import format_zulu
from mockserver.world.projects import Ontology, Project
from mockserver.world.queries.labels import find_other_labeler

NEXT_MOVES = {
    WorkflowStatus.IN_REVIEW: (APPROVE, WorkflowStatus.DONE),
    WorkflowStatus.IN_REWORK: (MOVE, WorkflowStatus.IN_REVIEW),
    WorkflowStatus.DONE: (MOVE, WorkflowStatus.IN_REVIEW),
}
"""What is done next with a labelled row, by where it stands; rows that wait for review come first."""


class Done(NamedTuple):
    """What a happening touched."""

    row: DataRow | None
    label: str | None = None
    review: str | None = None
    issue: str | None = None
    comment: str | None = None
    tag: str | None = None


def make_event(workspace: Workspace, asked: MakeEvent) -> EventMade:
    """Raises NotFound, BadInput, Conflict; then nothing has happened."""
    with workspace.store.change() as change:
        project = project_named(change.connection, asked.project)
        one = Happenings(workspace, change, project, asked)
        done = one.by_name[asked.event]()
        return EventMade(
            event=asked.event,
            event_nos=[event.no for event in change.events],
            at=format_zulu(change.now),
            project_id=project.id,
            data_row_id=None if done.row is None else done.row.id,
            label_id=done.label,
            review_id=done.review,
            issue_id=done.issue,
            comment_id=done.comment,
            tag_id=done.tag,
        )


class Happenings:
    """One change of one project, and where in it somebody wants something to happen."""

    def __init__(self, workspace: Workspace, change: Change, project: Project, asked: MakeEvent) -> None:
        self._workspace, self._change, self._project, self._asked = workspace, change, project, asked
        self._places = Places(change.connection, project, asked)
        self.by_name: dict[str, Callable[[], Done]] = {
            "LABEL_CREATED": self.create_label,
            "LABEL_UPDATED": self.update_label,
            "LABEL_DELETED": self.delete_label,
            "REVIEW_CREATED": self.create_review,
            "REVIEW_UPDATED": self.update_review,
            "REVIEW_DELETED": self.delete_review,
            "WORKFLOW_ACTION": self.act_in_workflow,
            "ISSUE_CREATED": self.create_issue,
            "ISSUE_UPDATED": self.update_issue,
            "ISSUE_DELETED": self.delete_issue,
            "METADATA_UPDATED": self.update_metadata,
            "PROJECT_TAGGED": self.tag_project,
        }

    # Labels

    def create_label(self) -> Done:
        """What the row's file shows is annotated: on a row without a label if there is one, else on another."""
        row = self._places.row(WorkflowStatus.TO_LABEL)
        variant = annotated(row, self._ontology(), seed=self._workspace.world.seed)
        labelled = self._change.connection.count(Label, self._places.here(row.no))
        content = variant.content if row.asset and not labelled else self._answered_again(variant.content)
        seconds = self._chance().between(20, 900)
        label = self._workspace.labels.create_label(
            self._project.id, row.id, content=content, aside=variant.aside, seconds_to_create=seconds,
            by=find_other_labeler(self._change.connection, self._project.id, row.no) if labelled else None,
        )  # fmt: skip
        return Done(row, label.id)

    def update_label(self) -> Done:
        label = self._places.label(NOT_SKIPPED)
        body = self._change.connection.select(Body, Clause("id = :id", id=label.body_id))[0]
        self._workspace.labels.update_label(label.id, content=self._answered_again(body.content), aside=body.aside)
        return Done(self._places.row_of(label), label.id)

    def delete_label(self) -> Done:
        label = self._places.label()
        self._workspace.labels.delete_labels([label.id])
        return Done(self._places.row_of(label), label.id)

    def _answered_again(self, content: bytes) -> bytes:
        return answered_again(content, self._ontology(), self._chance())

    # Reviews and workflow

    def create_review(self) -> Done:
        """Approved, as most are."""
        label = self._places.label_to_review()
        review = self._workspace.labels.create_review(label.id, score=1.0)
        return Done(self._places.row_of(label), label.id, review.id)

    def update_review(self) -> Done:
        """The other verdict."""
        review, label = self._places.review()
        self._workspace.labels.update_review(review.id, score=-1.0 if review.score > 0 else 1.0)
        return Done(self._places.row_of(label), label.id, review.id)

    def delete_review(self) -> Done:
        review, label = self._places.review()
        self._workspace.labels.delete_review(review.id)
        return Done(self._places.row_of(label), label.id, review.id)

    def act_in_workflow(self) -> Done:
        row = self._places.row(*NEXT_MOVES)
        standing = self._change.connection.select(ProjectRow, self._places.here(row.no))[0]
        following = NEXT_MOVES.get(WorkflowStatus(standing.workflow_status))
        if following is None:
            raise Conflict(f"Data row {row.id!r} waits for its first label; make LABEL_CREATED happen to it before")
        action, to = following
        self._workspace.labels.move_row(self._project.id, row.id, action=action, to=to)
        return Done(row, standing.selected_label_id)

    # Issues and metadata

    def create_issue(self) -> Done:
        label = self._places.label() if self._asked.label is not None else None
        row = self._places.row() if label is None else self._places.row_of(label)
        issue, comment = self._workspace.issues.create_issue(
            self._project.id, row.id, content=self._words("sentences_en"), label_id=label.id if label else None
        )
        return Done(row, issue.label_id, issue=issue.id, comment=comment.id)

    def update_issue(self) -> Done:
        """Resolved with a comment, or opened again."""
        issue = self._places.issue()
        status = IssueStatus.RESOLVED if issue.status == IssueStatus.OPEN else IssueStatus.OPEN
        said = self._words("sentences_en")
        _, comment = self._workspace.issues.update_issue(issue.id, status=status, comment=said)
        return Done(
            self._places.row_no(issue.data_row_no),
            issue.label_id,
            issue=issue.id,
            comment=comment.id if comment else None,
        )

    def delete_issue(self) -> Done:
        issue = self._workspace.issues.delete_issue(self._places.issue().id)
        return Done(self._places.row_no(issue.data_row_no), issue.label_id, issue=issue.id)

    def update_metadata(self) -> Done:
        """Another text in the reserved field `tag`."""
        row = self._places.row()
        schema = self._change.connection.select(MetadataSchema, Clause("name = 'tag' AND reserved"))[0]
        now = row.metadata_values.get(schema.id)
        value = self._chance().pick([place for place in table("places") if place != now])
        self._workspace.catalog.set_metadata(row.id, schema.id, value, project_id=self._project.id)
        return Done(row)

    def tag_project(self) -> Done:
        """One of the organization's tags that the project has not, else a new one."""
        if self._asked.data_row is not None or self._asked.label is not None:
            raise BadInput("PROJECT_TAGGED is about a project; leave out data_row and label")
        return Done(None, tag=self._workspace.catalog.tag_project(self._project.id, text=self._words("places")).id)

    # Making

    def _ontology(self) -> features.Ontology:
        record = None
        if self._project.ontology_id is not None:
            record = self._change.connection.find(Ontology, Clause("id = :id", id=self._project.ontology_id))
        if record is None:
            raise Conflict(f"Project {self._project.name!r} has no ontology, so nothing can be labelled in it")
        return features.read(record.id, record.normalized)

    def _chance(self) -> Chance:
        """Another for each change; the same when the same is done to the same world."""
        return Chance(self._workspace.world.seed, "event", self._change.number(Event))

    def _words(self, name: str) -> str:
        return self._chance().pick(table(name))
