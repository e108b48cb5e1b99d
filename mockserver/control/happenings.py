"""Events that tests make happen in a world: each is a change that a user could have made, with all its consequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mockserver.control.arrivals import add_data_row
from mockserver.control.contents import Choices
from mockserver.control.places import NOT_SKIPPED, Places, Target
from mockserver.errors import Conflict
from mockserver.generate import features
from mockserver.generate.chance import Chance
from mockserver.generate.changes import annotate, answer_again
from mockserver.generate.media.generator import EMPTY, find_generator
from mockserver.generate.words import load_table
from mockserver.workspaces.workspace import Workspace
from mockserver.world.change import Change
from mockserver.world.changes.moves import APPROVE, MOVE
from mockserver.world.clause import Clause
from mockserver.world.queries.labels import find_other_labeler
from mockserver.world.record import JsonText
from mockserver.world.records.data_rows import DataRow, MetadataSchema
from mockserver.world.records.events import EventKind
from mockserver.world.records.imports import PreLabel
from mockserver.world.records.issues import IssueStatus
from mockserver.world.records.labels import Body, Label, ProjectRow, WorkflowStatus
from mockserver.world.records.projects import Ontology, Project

NO_CHOICES = Choices()
NEXT_MOVES = {
    WorkflowStatus.IN_REVIEW: (APPROVE, WorkflowStatus.DONE),
    WorkflowStatus.IN_REWORK: (MOVE, WorkflowStatus.IN_REVIEW),
    WorkflowStatus.DONE: (MOVE, WorkflowStatus.IN_REVIEW),
}
"""The next action on a labelled row and its new status, by its status; rows that wait for review are chosen first."""


class Touched(NamedTuple):
    """The data row that a happening is about, and the ids of the other records."""

    row: DataRow | None
    label: str | None = None
    review: str | None = None
    issue: str | None = None
    comment: str | None = None
    tag: str | None = None


Happening = Callable[["Happenings"], Touched]
HAPPENINGS: dict[str, Happening] = {}
"""Everything that can be made to happen, by the name of its event. `register` adds it."""


def register(event: str) -> Callable[[Happening], Happening]:
    """Registers a method of Happenings under the name of the event that it makes happen."""

    def add(method: Happening) -> Happening:
        HAPPENINGS[event] = method
        return method

    return add


class Happenings:
    """One change of one project, and its target in the project."""

    def __init__(
        self,
        workspace: Workspace,
        change: Change,
        project: Project,
        target: Target,
        choices: Choices = NO_CHOICES,
        *,
        last_row: int | None = None,
    ) -> None:
        """`last_row` is the data row of an earlier event of the same change."""
        self._workspace, self._change, self._project, self._target = workspace, change, project, target
        self._choices = choices
        self._places = Places(change.connection, project, target, last_row=last_row)

    # Labels

    @register(EventKind.LABEL_CREATED)
    def create_label(self) -> Touched:
        """Annotates the contents of a row's file: of a row without a label if there is one, else of another row. The
        first labeler of a row with pre-labels takes them."""
        row = self._places.find_row(WorkflowStatus.TO_LABEL)
        labelled = self._change.connection.count(Label, self._places.row_condition(row.no))
        content, aside = self._annotate_new(row, labelled=bool(labelled))
        other = find_other_labeler(self._change.connection, self._project.id, row.no) if labelled else None
        label = self._workspace.labels.create_label(
            self._project.id, row.id, content=content, aside=aside, seconds_to_create=self._chance().randint(20, 900),
            by=self._choices.by or other,
        )  # fmt: skip
        return Touched(row, label.id)

    def _annotate_new(self, row: DataRow, *, labelled: bool) -> tuple[bytes, JsonText | None]:
        if self._choices.annotations is not None:
            return self._build_annotations(row)
        pre_labels = self._find_pre_labels(row)
        if pre_labels is not None:
            return pre_labels.content, pre_labels.aside
        variant = annotate(row, self._ontology(), seed=self._workspace.world.seed)
        content = variant.content if row.asset and not labelled else self._change_answers(variant.content)
        return content, variant.aside

    def _build_annotations(self, row: DataRow) -> tuple[bytes, JsonText | None]:
        """The annotations of the caller; without any, those of a label that has none."""
        annotations = self._choices.annotations
        if not annotations:
            known = find_generator(row.media_type)
            return (EMPTY if known is None else known.empty_body), None
        from mockserver.control.annotations import build_annotations  # noqa: PLC0415  few events choose annotations

        body = build_annotations(annotations, row, self._ontology(), seed=self._workspace.world.seed)
        assert body.content is not None, "a wrong annotation is refused"
        return body.content, body.aside

    def _find_pre_labels(self, row: DataRow) -> Body | None:
        """The annotations that were imported for the first labeler of this row, or kept of a label that was deleted."""
        connection = self._change.connection
        if connection.count(Label, self._places.row_condition(row.no) & Clause("NOT deleted")):
            return None
        pre_label = connection.find(PreLabel, self._places.row_condition(row.no))
        return None if pre_label is None else connection.find(Body, Clause("id = :id", id=pre_label.body_id))

    @register(EventKind.LABEL_UPDATED)
    def update_label(self) -> Touched:
        label = self._places.find_label(NOT_SKIPPED)
        row = self._places.load_row_of(label)
        body = self._change.connection.select(Body, Clause("id = :id", id=label.body_id))[0]
        content, aside = (
            (self._change_answers(body.content), body.aside)
            if self._choices.annotations is None
            else self._build_annotations(row)
        )
        self._workspace.labels.update_label(label.id, content=content, aside=aside)
        return Touched(row, label.id)

    @register(EventKind.LABEL_DELETED)
    def delete_label(self) -> Touched:
        label = self._places.find_label()
        self._workspace.labels.delete_labels([label.id])
        return Touched(self._places.load_row_of(label), label.id)

    def _change_answers(self, content: bytes) -> bytes:
        return answer_again(content, self._ontology(), self._chance())

    # Reviews and workflow

    @register(EventKind.REVIEW_CREATED)
    def create_review(self) -> Touched:
        """Approves a label, as most reviews do."""
        label = self._places.find_label_to_review()
        score = float(self._choices.score or 1)
        review = self._workspace.labels.create_review(label.id, score=score, by=self._choices.by)
        return Touched(self._places.load_row_of(label), label.id, review.id)

    @register(EventKind.REVIEW_UPDATED)
    def update_review(self) -> Touched:
        """Changes a review to the other verdict."""
        review, label = self._places.find_review()
        other = -1.0 if review.score > 0 else 1.0
        self._workspace.labels.update_review(review.id, score=float(self._choices.score or other))
        return Touched(self._places.load_row_of(label), label.id, review.id)

    @register(EventKind.REVIEW_DELETED)
    def delete_review(self) -> Touched:
        review, label = self._places.find_review()
        self._workspace.labels.delete_review(review.id)
        return Touched(self._places.load_row_of(label), label.id, review.id)

    @register(EventKind.WORKFLOW_ACTION)
    def act_in_workflow(self) -> Touched:
        row = self._places.find_row(*NEXT_MOVES)
        project_row = self._change.connection.select(ProjectRow, self._places.row_condition(row.no))[0]
        next_move = NEXT_MOVES.get(WorkflowStatus(project_row.workflow_status))
        if next_move is None:
            raise Conflict(f"Data row {row.id!r} has no label yet; trigger LABEL_CREATED on it first")
        action, to = next_move
        self._workspace.labels.move_row(self._project.id, row.id, action=action, to=to, by=self._choices.by)
        return Touched(row, project_row.selected_label_id)

    # Issues and metadata

    @register(EventKind.ISSUE_CREATED)
    def create_issue(self) -> Touched:
        label = self._places.find_label() if self._target.label is not None else None
        row = self._places.find_row() if label is None else self._places.load_row_of(label)
        issue, comment = self._workspace.issues.create_issue(
            self._project.id,
            row.id,
            content=self._choices.text or self._pick_word("sentences_en"),
            label_id=label.id if label else None,
            by=self._choices.by,
        )
        return Touched(row, issue.label_id, issue=issue.id, comment=comment.id)

    @register(EventKind.ISSUE_UPDATED)
    def update_issue(self) -> Touched:
        """Resolves an issue with a comment, or opens it again."""
        issue = self._places.find_issue()
        status = IssueStatus.RESOLVED if issue.status == IssueStatus.OPEN else IssueStatus.OPEN
        text = self._choices.text or self._pick_word("sentences_en")
        _, comment = self._workspace.issues.update_issue(issue.id, status=status, comment=text, by=self._choices.by)
        return Touched(
            self._places.load_row(issue.data_row_no),
            issue.label_id,
            issue=issue.id,
            comment=comment.id if comment else None,
        )

    @register(EventKind.ISSUE_DELETED)
    def delete_issue(self) -> Touched:
        issue = self._workspace.issues.delete_issue(self._places.find_issue().id)
        return Touched(self._places.load_row(issue.data_row_no), issue.label_id, issue=issue.id)

    @register(EventKind.METADATA_UPDATED)
    def update_metadata(self) -> Touched:
        """Sets another text in the reserved metadata field `tag`."""
        row = self._places.find_row()
        schema = self._change.connection.select(MetadataSchema, Clause("name = 'tag' AND reserved"))[0]
        current = row.metadata_values.get(schema.id)
        other = self._chance().choice([place for place in load_table("places") if place != current])
        value = self._choices.text or other
        self._workspace.catalog.set_metadata(row.id, schema.id, value, project_id=self._project.id)
        return Touched(row)

    @register("PROJECT_TAGGED")
    def tag_project(self) -> Touched:
        """Adds one of the organization's tags that the project does not have, else a new one."""
        text = self._choices.text or self._pick_word("places")
        return Touched(None, tag=self._workspace.catalog.tag_project(self._project.id, text=text).id)

    @register(EventKind.DATA_ROW_CREATED)
    def add_data_row(self) -> Touched:
        """Adds a data row that waits for its label. The target's data row is its global key."""
        return Touched(
            add_data_row(
                self._workspace, self._change, self._project, self._ontology(), global_key=self._target.data_row
            )
        )

    # Contents

    def _ontology(self) -> features.Ontology:
        record = None
        if self._project.ontology_id is not None:
            record = self._change.connection.find(Ontology, Clause("id = :id", id=self._project.ontology_id))
        if record is None:
            raise Conflict(
                f"Project {self._project.name!r} has no ontology, so nothing can be labelled in it; choose another"
            )
        return features.parse_ontology(record.id, record.normalized)

    def _chance(self) -> Chance:
        """Returns a source of choices for this change: the same change of the same world makes the same choices."""
        return Chance(self._workspace.world.seed, "event", self._change.next_event_no)

    def _pick_word(self, name: str) -> str:
        return self._chance().choice(load_table(name))
