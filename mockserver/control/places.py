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

FEW = 1000
"""So many reviews are sorted as soon as a label is looked for that has one."""

NOT_SKIPPED = Clause("NOT skipped")
_LIVE = Clause("NOT deleted")
_LIVING = Clause("EXISTS (SELECT 1 FROM data_row d WHERE d.no = data_row_no AND NOT d.deleted)")
_WAITING = Clause(
    "workflow_status = :status AND EXISTS (SELECT 1 FROM label l WHERE l.project_id = project_row.project_id"
    " AND l.data_row_no = project_row.data_row_no AND NOT l.deleted AND NOT l.skipped)",
    status=WorkflowStatus.IN_REVIEW,
)
_REVIEWED = Clause("EXISTS (SELECT 1 FROM review r WHERE r.label_no = label.no)")
_ONE_OF_FEW_REVIEWED = Clause("no IN (SELECT label_no FROM review)")
_LAST_TOUCHED = (
    "SELECT d.no FROM event e JOIN data_row d ON d.id = e.data_row_id"
    " WHERE e.project_id = :project AND e.data_row_id IS NOT NULL ORDER BY e.no DESC LIMIT 1"
)


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
        mine = Clause("project_id = :project", project=self._project.id) & fitting & _LIVING
        last = self._last_touched()
        for turn in (Clause("data_row_no > :last", last=last), Clause("data_row_no <= :last", last=last)):
            clause = mine & turn
            sql = f"SELECT data_row_no FROM {kind.TABLE} WHERE {clause.sql} ORDER BY data_row_no LIMIT 1"
            if (found := self._connection.row(sql, clause.params)) is not None:
                return int(found[0])
        return None

    def _last_touched(self) -> int:
        """The number of the data row that something happened to last in this project; 0 when nothing did."""
        found = self._connection.row(_LAST_TOUCHED, {"project": self._project.id})
        return int(found[0]) if found else 0

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
                return self._rested(Label, self.here(row) & _LIVE & NOT_SKIPPED)[0]
        return self._label_or_none(NOT_SKIPPED) or self.label()

    def _label_or_none(self, fitting: Clause) -> Label | None:
        if self._asked.label is not None:
            return self._asked_label(self._asked.label)
        row: int | None
        if self._asked.data_row is not None:
            row = self._asked_row(self._asked.data_row).no
        else:
            row = self._next(Label, _LIVE & fitting)
        found = [] if row is None else self._rested(Label, self.here(row) & _LIVE & fitting)
        return found[0] if found else None

    def _asked_label(self, label_id: str) -> Label:
        mine = Clause("project_id = :project AND id = :id", project=self._project.id, id=label_id)
        found = self._connection.find(Label, mine & _LIVE)
        if found is None or self.row_of(found).deleted:
            raise NotFound(f"Label {label_id!r} does not exist in project {self._project.name!r}")
        asked = self._asked.data_row
        if asked is not None and self._asked_row(asked).no != found.data_row_no:
            raise BadInput(f"Label {label_id!r} is not on data row {asked!r}; name only one of them")
        return found

    # What is about them

    def review(self) -> tuple[Review, Label]:
        """Of the label or row asked for, or of the next row with one, the one that rested longest."""
        label = self._label_or_none(_ONE_OF_FEW_REVIEWED if self._few_reviews() else _REVIEWED)
        found = [] if label is None else self._rested(Review, Clause("label_no = :no", no=label.no))
        if label is None or not found:
            raise NotFound(f"There is no review on {self._named}; make REVIEW_CREATED happen before")
        return found[0], label

    def _few_reviews(self) -> bool:
        """Whether to look at all labels that have reviews, or at one label after the other until one has."""
        return int(self._connection.value(f"SELECT count(*) FROM (SELECT 1 FROM review LIMIT {FEW}) few")) < FEW

    def issue(self) -> Issue:
        """Of the label or row asked for, or of the next row with one, the one that rested longest."""
        wanted = _LIVE
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
