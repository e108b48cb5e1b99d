"""Where in a project something happens: at what was asked for, or where its turn is.

Data rows take turns in the order in which they were created: the next one that fits is the first behind that which
something happened to last, and behind the last comes the first. So a choice costs as little in a project of a million
rows as in a small one, which "the one that rested longest" of all would not.
"""

from __future__ import annotations

from mockserver.control.bodies import MakeEvent
from mockserver.errors import BadInput, NotFound
from mockserver.world.data_rows import DataRow
from mockserver.world.database import EVERYTHING, Clause, Connection, R
from mockserver.world.issues import Issue
from mockserver.world.labels import Label, ProjectRow, Review, WorkflowStatus
from mockserver.world.projects import Project
from mockserver.world.queries.conditions import LIVE, in_subquery, labelled_project_rows, on_live_row, reviewed_labels
from mockserver.world.queries.events import find_last_touched_row
from mockserver.world.queries.labels import has_fewer_reviews

FEW = 1000
"""So many reviews are sorted as soon as a label is looked for that has one."""

NOT_SKIPPED = Clause("NOT skipped")
_WAITING = Clause("workflow_status = :status", status=WorkflowStatus.IN_REVIEW) & labelled_project_rows()


class Places:
    """Of one project, for one event that somebody asked for."""

    def __init__(self, connection: Connection, project: Project, asked: MakeEvent) -> None:
        self._connection, self._project, self._asked = connection, project, asked

    # Data rows

    def row(self, *statuses: WorkflowStatus) -> DataRow:
        """The one asked for; else the next that stands as named, in this order; else the next of all."""
        if self._asked.data_row is not None:
            return self._asked_row(self._asked.data_row)
        if self._asked.label is not None:
            return self.row_of(self.label())
        standing = (Clause("workflow_status = :status", status=status) for status in statuses)
        for fitting in (*standing, EVERYTHING):
            if (found := self._next(ProjectRow, fitting)) is not None:
                return self.row_no(found)
        raise NotFound(f"Project {self._project.name!r} has no data rows")

    def row_no(self, no: int) -> DataRow:
        return self._connection.select(DataRow, Clause("no = :no", no=no))[0]

    def row_of(self, label: Label) -> DataRow:
        return self.row_no(label.data_row_no)

    def here(self, row_no: int) -> Clause:
        """What the project has on a data row."""
        return Clause("project_id = :project AND data_row_no = :row", project=self._project.id, row=row_no)

    def _asked_row(self, name: str) -> DataRow:
        """By id or global key. Raises NotFound when it is not in the project."""
        named = Clause("(id = :name OR global_key = :name) AND NOT deleted", name=name)
        found = self._connection.find(DataRow, named)
        if found is None or self._connection.find(ProjectRow, self.here(found.no)) is None:
            raise NotFound(f"Data row {name!r} does not exist in project {self._project.name!r}")
        return found

    def _next(self, kind: type[ProjectRow | Label | Issue], fitting: Clause) -> int | None:
        """The number of the data row whose turn it is among those with such a record; None when there is none."""
        mine = Clause("project_id = :project", project=self._project.id) & fitting & on_live_row()
        last = find_last_touched_row(self._connection, self._project.id)
        for turn in (Clause("data_row_no > :last", last=last), Clause("data_row_no <= :last", last=last)):
            found = self._connection.select_columns(kind, "data_row_no", mine & turn, order="data_row_no", first=1)
            if found:
                return int(found[0][0])
        return None

    # Labels

    def label(self, fitting: Clause = EVERYTHING) -> Label:
        """The one asked for; else of the row asked for, or of the next row, the one that rested longest."""
        found = self._label_or_none(fitting)
        if found is None:
            raise NotFound(f"There is no fitting label on {self._named}; make LABEL_CREATED happen before")
        return found

    def label_to_review(self) -> Label:
        """Where nothing is asked for: that of the next row that waits for a review; else as `label`."""
        if self._asked.label is None and self._asked.data_row is None:
            row = self._next(ProjectRow, _WAITING)
            if row is not None:
                return self._rested(Label, self.here(row) & LIVE & NOT_SKIPPED)[0]
        return self._label_or_none(NOT_SKIPPED) or self.label()

    def _label_or_none(self, fitting: Clause) -> Label | None:
        if self._asked.label is not None:
            return self._asked_label(self._asked.label)
        row: int | None
        if self._asked.data_row is not None:
            row = self._asked_row(self._asked.data_row).no
        else:
            row = self._next(Label, LIVE & fitting)
        found = [] if row is None else self._rested(Label, self.here(row) & LIVE & fitting)
        return found[0] if found else None

    def _asked_label(self, label_id: str) -> Label:
        mine = Clause("project_id = :project AND id = :id", project=self._project.id, id=label_id)
        found = self._connection.find(Label, mine & LIVE)
        if found is None or self.row_of(found).deleted:
            raise NotFound(f"Label {label_id!r} does not exist in project {self._project.name!r}")
        asked = self._asked.data_row
        if asked is not None and self._asked_row(asked).no != found.data_row_no:
            raise BadInput(f"Label {label_id!r} is not on data row {asked!r}; name only one of them")
        return found

    # What is about them

    def review(self) -> tuple[Review, Label]:
        """Of the label or row asked for, or of the next row with one, the one that rested longest."""
        # All labels that have reviews are looked at, or one label after the other until one has.
        few = has_fewer_reviews(self._connection, FEW)
        label = self._label_or_none(in_subquery("no", Review, "label_no") if few else reviewed_labels())
        found = [] if label is None else self._rested(Review, Clause("label_no = :no", no=label.no))
        if label is None or not found:
            raise NotFound(f"There is no review on {self._named}; make REVIEW_CREATED happen before")
        return found[0], label

    def issue(self) -> Issue:
        """Of the label or row asked for, or of the next row with one, the one that rested longest."""
        wanted = LIVE
        row: int | None
        if self._asked.label is not None:
            label = self._asked_label(self._asked.label)
            wanted, row = wanted & Clause("label_id = :label", label=label.id), label.data_row_no
        elif self._asked.data_row is not None:
            row = self._asked_row(self._asked.data_row).no
        else:
            row = self._next(Issue, wanted)
        found = [] if row is None else self._rested(Issue, self.here(row) & wanted)
        if not found:
            raise NotFound(f"There is no issue on {self._named}; make ISSUE_CREATED happen before")
        return found[0]

    def _rested(self, kind: type[R], clause: Clause) -> list[R]:
        """The record that rested longest, if there is one."""
        return self._connection.select(kind, clause, order="updated_at, no", first=1)

    @property
    def _named(self) -> str:
        """Where it was looked for, in words."""
        if self._asked.label is not None:
            return f"label {self._asked.label!r}"
        return f"data row {self._asked.data_row!r}" if self._asked.data_row is not None else "this project"
