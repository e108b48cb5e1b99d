"""Issues that people raise on data rows and labels, and the comments under them."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from mockserver.world.database import Record


class IssueStatus(StrEnum):
    """The spelling is that of `issueExportUrl` (SDK project.py 3.30.1:373)."""

    OPEN = "Open"
    RESOLVED = "Resolved"


class Issue(Record, frozen=True):
    """`label_id` is None when the issue is about the data row itself."""

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


class Comment(Record, frozen=True):
    TABLE: ClassVar[str] = "comment"
    no: int
    id: str
    issue_no: int
    content: str
    created_by: str
    created_at: int
