"""Finds the records of a project to which an event happens: the requested ones, or the next in turn.

Data rows take turns in creation order: the next matching row after the one touched last, wrapping around. This is one
index lookup even in a project of a million rows; choosing the least recently touched row would scan them all.
"""

from __future__ import annotations

from typing import NamedTuple

from mockserver.errors import BadInput, NotFound
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.database import Connection
from mockserver.world.queries.conditions import (
    LIVE,
    match_labelled_rows,
    match_live_row,
    match_reviewed_labels,
    match_subquery,
)
from mockserver.world.queries.events import find_last_touched_row
from mockserver.world.queries.labels import has_fewer_reviews
from mockserver.world.record import R
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.issues import Issue
from mockserver.world.records.labels import Label, ProjectRow, Review, WorkflowStatus
from mockserver.world.records.projects import Project

FEW = 1000
"""Up to this many reviews, their labels are found by reading all of them."""

NOT_SKIPPED = Clause("NOT skipped")
_WAITING = Clause("workflow_status = :status", status=WorkflowStatus.IN_REVIEW) & match_labelled_rows()


class Target(NamedTuple):
    """The data row (id or global key) or the label (id) to which an event is to happen; None leaves the choice."""

    data_row: str | None = None
    label: str | None = None


class Places:
    """The records of one project to which one event can happen."""

    def __init__(
        self, connection: Connection, project: Project, target: Target, *, last_row: int | None = None
    ) -> None:
        """`last_row` is the data row that was touched last, if an event of this change says so."""
        self._connection, self._project, self._target, self._last_row = connection, project, target, last_row

    # Data rows

    def find_row(self, *statuses: WorkflowStatus) -> DataRow:
        """Returns the target; else the next row with the first of these statuses that a row has; else the next of all.

        Raises NotFound.
        """
        if self._target.data_row is not None:
            return self._find_target_row(self._target.data_row)
        if self._target.label is not None:
            return self.load_row_of(self.find_label())
        with_status = (Clause("workflow_status = :status", status=status) for status in statuses)
        for condition in (*with_status, EVERYTHING):
            if (no := self._find_next_row_no(ProjectRow, condition)) is not None:
                return self.load_row(no)
        raise NotFound(f"Project {self._project.name!r} has no data rows; choose another project")

    def load_row(self, no: int) -> DataRow:
        return self._connection.select(DataRow, Clause("no = :no", no=no))[0]

    def load_row_of(self, label: Label) -> DataRow:
        return self.load_row(label.data_row_no)

    def row_condition(self, row_no: int) -> Clause:
        """The condition of the project's records on a data row."""
        return Clause("project_id = :project AND data_row_no = :row", project=self._project.id, row=row_no)

    def _find_target_row(self, name: str) -> DataRow:
        """Finds a data row by id or global key. Raises NotFound when it is not in the project."""
        row = self._connection.find(DataRow, Clause("(id = :name OR global_key = :name) AND NOT deleted", name=name))
        if row is None or self._connection.find(ProjectRow, self.row_condition(row.no)) is None:
            raise NotFound(f"Data row {name!r} does not exist in project {self._project.name!r}")
        return row

    def _find_next_row_no(self, kind: type[ProjectRow | Label | Issue], condition: Clause) -> int | None:
        """Returns the number of the next data row in turn that has such a record; None when there is none."""
        mine = Clause("project_id = :project", project=self._project.id) & condition & match_live_row()
        last = self._last_row
        if last is None:
            last = find_last_touched_row(self._connection, self._project.id)
        for turn in (Clause("data_row_no > :last", last=last), Clause("data_row_no <= :last", last=last)):
            numbers = self._connection.select_columns(kind, "data_row_no", mine & turn, order="data_row_no", first=1)
            if numbers:
                return int(numbers[0][0])
        return None

    # Labels

    def find_label(self, condition: Clause = EVERYTHING) -> Label:
        """Returns the target; else the least recently changed label of the target row or of the next row in turn.

        Raises NotFound.
        """
        label = self._find_label(condition)
        if label is None:
            raise NotFound(f"No matching label on {self._description}; trigger LABEL_CREATED first")
        return label

    def find_label_to_review(self) -> Label:
        """Returns a label of the next row that waits for a review, unless there is a target; else as `find_label`."""
        if self._target.label is None and self._target.data_row is None:
            row = self._find_next_row_no(ProjectRow, _WAITING)
            if row is not None:
                return self._select_least_recent(Label, self.row_condition(row) & LIVE & NOT_SKIPPED)[0]
        return self._find_label(NOT_SKIPPED) or self.find_label()

    def _find_label(self, condition: Clause) -> Label | None:
        if self._target.label is not None:
            return self._find_target_label(self._target.label)
        row: int | None
        if self._target.data_row is not None:
            row = self._find_target_row(self._target.data_row).no
        else:
            row = self._find_next_row_no(Label, LIVE & condition)
        labels = [] if row is None else self._select_least_recent(Label, self.row_condition(row) & LIVE & condition)
        return labels[0] if labels else None

    def _find_target_label(self, label_id: str) -> Label:
        mine = Clause("project_id = :project AND id = :id", project=self._project.id, id=label_id)
        label = self._connection.find(Label, mine & LIVE)
        if label is None or self.load_row_of(label).deleted:
            raise NotFound(f"Label {label_id!r} does not exist in project {self._project.name!r}")
        row = self._target.data_row
        if row is not None and self._find_target_row(row).no != label.data_row_no:
            raise BadInput(f"Label {label_id!r} is not on data row {row!r}; name only one of them")
        return label

    # Reviews and issues

    def find_review(self) -> tuple[Review, Label]:
        """Returns the least recently changed review of the target or of the next row with a review. Raises NotFound."""
        # Either all labels that have reviews are read, or one label after the other until one has a review.
        few = has_fewer_reviews(self._connection, FEW)
        label = self._find_label(match_subquery("no", Review, "label_no") if few else match_reviewed_labels())
        reviews = [] if label is None else self._select_least_recent(Review, Clause("label_no = :no", no=label.no))
        if label is None or not reviews:
            raise NotFound(f"No review on {self._description}; trigger REVIEW_CREATED first")
        return reviews[0], label

    def find_issue(self) -> Issue:
        """Returns the least recently changed issue of the target or of the next row with an issue. Raises NotFound."""
        condition = LIVE
        row: int | None
        if self._target.label is not None:
            label = self._find_target_label(self._target.label)
            condition, row = condition & Clause("label_id = :label", label=label.id), label.data_row_no
        elif self._target.data_row is not None:
            row = self._find_target_row(self._target.data_row).no
        else:
            row = self._find_next_row_no(Issue, condition)
        issues = [] if row is None else self._select_least_recent(Issue, self.row_condition(row) & condition)
        if not issues:
            raise NotFound(f"No issue on {self._description}; trigger ISSUE_CREATED first")
        return issues[0]

    def _select_least_recent(self, kind: type[R], clause: Clause) -> list[R]:
        """Selects the least recently changed record, if there is one."""
        return self._connection.select(kind, clause, order="updated_at, no", first=1)

    @property
    def _description(self) -> str:
        """The target in words, for messages."""
        if self._target.label is not None:
            return f"label {self._target.label!r}"
        return f"data row {self._target.data_row!r}" if self._target.data_row is not None else "this project"
