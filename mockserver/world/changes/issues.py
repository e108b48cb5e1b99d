"""Changes of issues and their comments."""

from __future__ import annotations

import msgspec

from mockserver.world.change import Change
from mockserver.world.changes.labels import find_project_row
from mockserver.world.data_rows import DataRow
from mockserver.world.database import Clause
from mockserver.world.events import EventKind
from mockserver.world.issues import Comment, Issue, IssueStatus
from mockserver.world.store import Store


class IssueChanges:
    """The changes of one store's issues. `by` is a user's id; without one it is the owner of the API key."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create_issue(
        self, project_id: str, data_row_id: str, *, content: str, label_id: str | None = None, by: str | None = None
    ) -> tuple[Issue, Comment]:
        """Creates an open issue on a data row, or on one of its labels, with its first comment. Raises NotFound."""
        with self._store.change() as change:
            row = change.one(DataRow, data_row_id)
            find_project_row(change, project_id, row)
            person = by or self._store.workspace.user_id
            issue = Issue(
                change.number(Issue), change.new_id(), project_id, row.no, label_id, IssueStatus.OPEN, content, person,
                change.now, change.now, deleted=False,
            )  # fmt: skip
            change.connection.insert([issue])
            comment = _add_comment(change, issue, content, person)
            _add_event(change, EventKind.ISSUE_CREATED, issue, comment=comment.id)
            return issue, comment

    def update_issue(
        self, issue_id: str, *, status: IssueStatus, comment: str | None = None, by: str | None = None
    ) -> tuple[Issue, Comment | None]:
        """Opens or resolves an issue, with or without a further comment. Raises NotFound."""
        with self._store.change() as change:
            issue = change.one(Issue, issue_id)
            added = None
            if comment is not None:
                added = _add_comment(change, issue, comment, by or self._store.workspace.user_id)
            change.connection.update(Issue, Clause("no = :no", no=issue.no), status=status, updated_at=change.now)
            _add_event(change, EventKind.ISSUE_UPDATED, issue, comment=added.id if added else None)
            return msgspec.structs.replace(issue, status=status, updated_at=change.now), added

    def delete_issue(self, issue_id: str) -> Issue:
        """Marks an issue deleted, and its comments with it. Raises NotFound."""
        with self._store.change() as change:
            issue = change.one(Issue, issue_id)
            change.connection.update(Issue, Clause("no = :no", no=issue.no), deleted=True, updated_at=change.now)
            _add_event(change, EventKind.ISSUE_DELETED, issue)
            return issue


def _add_comment(change: Change, issue: Issue, content: str, by: str) -> Comment:
    comment = Comment(change.number(Comment), change.new_id(), issue.no, content, by, change.now)
    change.connection.insert([comment])
    return comment


def _add_event(change: Change, kind: EventKind, issue: Issue, **details: object) -> None:
    of_issue = Clause("no = :no", no=issue.data_row_no)
    row = change.connection.one(DataRow, of_issue, f"The data row of issue {issue.id!r}")
    change.touch(row.no)
    change.add_event(kind, project=issue.project_id, data_row=row.id, label=issue.label_id, issue=issue.id, **details)
