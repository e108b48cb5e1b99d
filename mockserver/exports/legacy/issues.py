"""The issues of a project as the file behind `issueExportUrl` (its shape is inferred: no sample is known)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from mockserver.exports.text import zulu
from mockserver.world.data_rows import DataRow
from mockserver.world.database import Clause, Connection, where
from mockserver.world.issues import Comment, Issue, IssueStatus
from mockserver.world.people import Person

ALL = "all"


def issues(connection: Connection, project_id: str, status: str) -> list[dict[str, Any]]:
    """Oldest first, each with its comments. `status` is Open, Resolved or ALL."""
    mine = where("project_id = :id AND NOT deleted", id=project_id) & with_status(status)
    found = connection.select(Issue, mine, order="no")
    emails = {person.id: person.email for person in connection.select(Person)}
    of_them = where("no IN :numbers", numbers=[issue.data_row_no for issue in found])
    rows = {row.no: row.id for row in connection.select(DataRow, of_them)}
    comments = defaultdict(list)
    of_issues = where("issue_no IN :numbers", numbers=[issue.no for issue in found])
    for comment in connection.select(Comment, of_issues, order="no"):
        said = {"id": comment.id, "content": comment.content, "createdBy": emails[comment.created_by]}
        comments[comment.issue_no].append(said | {"createdAt": zulu(comment.created_at)})
    return [
        {
            "id": issue.id,
            "status": issue.status,
            "content": issue.content,
            "dataRowId": rows[issue.data_row_no],
            "labelId": issue.label_id,
            "createdBy": emails[issue.created_by],
            "createdAt": zulu(issue.created_at),
            "updatedAt": zulu(issue.updated_at),
            "comments": comments[issue.no],
        }
        for issue in found
    ]


def with_status(status: str) -> Clause:
    return where("TRUE") if status == ALL else where("status = :status", status=IssueStatus(status))
