"""Issues that people raise on data rows and labels, and the comments under them."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from mockserver.world.record import JsonText, Record


class IssueStatus(StrEnum):
    """The spelling is that of `issueExportUrl` (SDK project.py 3.30.1:373)."""

    OPEN = "Open"
    RESOLVED = "Resolved"


class Issue(Record, frozen=True):
    """`label_id` is None when the issue is about the data row itself. `position` is JSON as it was sent."""

    TABLE: ClassVar[str] = "issue"
    no: int
    id: str
    project_id: str
    data_row_no: int
    label_id: str | None
    status: str
    content: str
    created_by: str
    created_at: int
    updated_at: int
    deleted: bool
    category_id: str | None = None
    position: JsonText | None = None
    content_updated_at: int | None = None
    resolved_by: str | None = None
    """Who resolved it, of issues that were resolved by GraphQL."""


class Comment(Record, frozen=True):
    TABLE: ClassVar[str] = "comment"
    no: int
    id: str
    issue_no: int
    content: str
    created_by: str
    created_at: int
    updated_at: int | None = None


class IssueCategory(Record, frozen=True):
    """A category of the issues of a project."""

    TABLE: ClassVar[str] = "issue_category"
    id: str
    project_id: str
    name: str
    description: str
    created_at: int
