"""The issues of a project as the file behind `issueExportUrl`: a JSON array (client, 2026-01).

Of its items `createdBy`, `createdAt` and `categoryName` are known from that client; `updatedAt` and `comments` are
inferred.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.moments import format_zulu
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.issues import Comment, Issue, IssueStatus
from mockserver.world.records.people import Person


def list_issues(connection: Connection, project_id: str, status: str | None) -> list[dict[str, Any]]:
    """The issues, oldest first, each with its comments. `status` is Open or Resolved; None is both. No world has
    categories."""
    condition = Clause("project_id = :id AND NOT deleted", id=project_id)
    if status is not None:
        condition &= Clause("status = :status", status=IssueStatus(status))
    issues = connection.select(Issue, condition, order="no")
    emails = {person.id: person.email for person in connection.select(Person)}
    of_them = Clause("no IN :numbers", numbers=[issue.data_row_no for issue in issues])
    rows = {row.no: row.id for row in connection.select(DataRow, of_them)}
    comments = defaultdict(list)
    of_issues = Clause("issue_no IN :numbers", numbers=[issue.no for issue in issues])
    for comment in connection.select(Comment, of_issues, order="no"):
        said = {"id": comment.id, "content": comment.content, "createdBy": emails[comment.created_by]}
        comments[comment.issue_no].append(said | {"createdAt": format_zulu(comment.created_at)})
    return [
        {
            "id": issue.id,
            "status": issue.status,
            "content": issue.content,
            "dataRowId": rows[issue.data_row_no],
            "labelId": issue.label_id,
            "createdBy": emails[issue.created_by],
            "createdAt": format_zulu(issue.created_at),
            "categoryName": None,
            "updatedAt": format_zulu(issue.updated_at),
            "comments": comments[issue.no],
        }
        for issue in issues
    ]
