"""Changes of issues and their comments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from mockserver.errors import NotYours
from mockserver.world.change import Change
from mockserver.world.changes.moves import find_project_row
from mockserver.world.clause import Clause
from mockserver.world.record import JsonText
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.events import EventKind
from mockserver.world.records.issues import Comment, Issue, IssueCategory, IssueStatus
from mockserver.world.records.labels import Label
from mockserver.world.records.projects import Project
from mockserver.world.store import Store


class NewIssue(NamedTuple):
    """An issue as a client describes it."""

    content: str
    label_id: str | None = None
    category_id: str | None = None
    position: JsonText | None = None


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

    def add_issue(self, project_id: str, data_row_id: str, new: NewIssue) -> Issue:
        """Creates an open issue without a comment, as GraphQL does. Raises NotFound.

        The data row may be one that is in no batch of the project (the SDK's tests, test_issue_management.py 7.17.0).
        """
        with self._store.change() as change:
            change.one(Project, project_id)
            row = change.one(DataRow, data_row_id)
            self._check(change, project_id, row.no, new.label_id, new.category_id)
            issue = Issue(
                change.number(Issue), change.new_id(), project_id, row.no, new.label_id, IssueStatus.OPEN, new.content,
                self._store.workspace.user_id, change.now, change.now, deleted=False, category_id=new.category_id,
                position=new.position,
            )  # fmt: skip
            change.connection.insert([issue])
            _add_event(change, EventKind.ISSUE_CREATED, issue)
            return issue

    def _check(self, change: Change, project_id: str, row_no: int, label_id: str | None, category: str | None) -> None:
        """Raises NotFound for a label of another data row, and for a category of another project."""
        if label_id is not None:
            place = Clause("id = :id AND project_id = :project AND data_row_no = :row AND NOT deleted",
                           id=label_id, project=project_id, row=row_no)  # fmt: skip
            change.connection.one(Label, place, f"Label {label_id!r} of this data row")
        if category is not None:
            place = Clause("id = :id AND project_id = :project", id=category, project=project_id)
            change.connection.one(IssueCategory, place, f"Issue category {category!r} of this project")

    def edit_issue(self, issue_id: str, **values: Any) -> Issue:
        """Changes columns of an issue. Raises NotFound."""
        with self._store.change() as change:
            issue = change.one(Issue, issue_id)
            self._check(change, issue.project_id, issue.data_row_no, values.get("label_id"), values.get("category_id"))
            if "content" in values:
                values["content_updated_at"] = change.now
            change.connection.update(Issue, Clause("no = :no", no=issue.no), **values, updated_at=change.now)
            _add_event(change, EventKind.ISSUE_UPDATED, issue)
            return change.one(Issue, issue_id)

    def resolve_issue(self, issue_id: str, status: IssueStatus) -> Issue:
        """Resolves an issue, or opens it again, without a comment. Raises NotFound."""
        by = self._store.workspace.user_id if status == IssueStatus.RESOLVED else None
        return self.edit_issue(issue_id, status=status, resolved_by=by)

    def delete_issues(self, issue_ids: Sequence[str]) -> None:
        """Deletes those issues that exist (SDK project.py delete_issues). Raises NotYours if another user created
        one of them."""
        with self._store.change() as change:
            for issue_id in dict.fromkeys(issue_ids):
                issue = change.connection.find(Issue, Clause("id = :id AND NOT deleted", id=issue_id))
                if issue is not None and issue.created_by != self._store.workspace.user_id:
                    raise NotYours(f"Issue {issue_id!r} was created by another user; only that user deletes it")
                if issue is not None:
                    self.delete_issue(issue_id)

    # Comments

    def add_comment(self, issue_id: str, content: str) -> Comment:
        """Raises NotFound."""
        with self._store.change() as change:
            issue = change.one(Issue, issue_id)
            comment = _add_comment(change, issue, content, self._store.workspace.user_id)
            change.connection.update(Issue, Clause("no = :no", no=issue.no), updated_at=change.now)
            _add_event(change, EventKind.ISSUE_UPDATED, issue, comment=comment.id)
            return comment

    def edit_comment(self, comment_id: str, content: str) -> Comment:
        """Raises NotFound."""
        with self._store.change() as change:
            comment, issue = _find_comment(change, comment_id)
            mine = Clause("no = :no", no=comment.no)
            change.connection.update(Comment, mine, content=content, updated_at=change.now)
            _add_event(change, EventKind.ISSUE_UPDATED, issue, comment=comment.id)
            return change.one(Comment, comment_id)

    def delete_comment(self, comment_id: str) -> None:
        """Raises NotFound."""
        with self._store.change() as change:
            comment, issue = _find_comment(change, comment_id)
            change.connection.delete(Comment, Clause("no = :no", no=comment.no))
            _add_event(change, EventKind.ISSUE_UPDATED, issue)

    # Categories

    def create_category(self, project_id: str, name: str, description: str) -> IssueCategory:
        """Raises NotFound."""
        with self._store.change() as change:
            change.one(Project, project_id)
            category = IssueCategory(change.new_id(), project_id, name, description, change.now)
            change.connection.insert([category])
            return category

    def edit_category(self, category_id: str, **values: str) -> IssueCategory:
        """Raises NotFound."""
        with self._store.change() as change:
            change.one(IssueCategory, category_id)
            change.connection.update(IssueCategory, Clause("id = :id", id=category_id), **values)
            return change.one(IssueCategory, category_id)

    def delete_category(self, category_id: str) -> None:
        """Deletes a category; its issues lose it. Raises NotFound."""
        with self._store.change() as change:
            change.one(IssueCategory, category_id)
            change.connection.update(Issue, Clause("category_id = :id", id=category_id), category_id=None)
            change.connection.delete(IssueCategory, Clause("id = :id", id=category_id))

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


def _find_comment(change: Change, comment_id: str) -> tuple[Comment, Issue]:
    comment = change.one(Comment, comment_id)
    live = Clause("no = :no AND NOT deleted", no=comment.issue_no)
    return comment, change.connection.one(Issue, live, f"The issue of comment {comment_id!r}")


def _add_comment(change: Change, issue: Issue, content: str, by: str) -> Comment:
    comment = Comment(change.number(Comment), change.new_id(), issue.no, content, by, change.now)
    change.connection.insert([comment])
    return comment


def _add_event(change: Change, kind: EventKind, issue: Issue, **details: object) -> None:
    of_issue = Clause("no = :no", no=issue.data_row_no)
    row = change.connection.one(DataRow, of_issue, f"The data row of issue {issue.id!r}")
    change.touch(row.no)
    change.add_event(kind, project=issue.project_id, data_row=row.id, label=issue.label_id, issue=issue.id, **details)
