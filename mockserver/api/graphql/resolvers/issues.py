"""Issues of projects and what was said about them, as SDKs since 7.6 read them (issue.py 7.17.0).

How a finished issue tells who resolved it is inferred: our worlds keep who spoke last, and when the issue changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields, no_list, nothing
from mockserver.api.graphql.filters import holding
from mockserver.api.graphql.pages import Page, page_of, position
from mockserver.api.graphql.resolvers.projects import created_by
from mockserver.world.data_rows import DataRow
from mockserver.world.database import EVERYTHING, Clause
from mockserver.world.issues import Comment, Issue, IssueStatus
from mockserver.world.people import Person
from mockserver.world.projects import Project
from mockserver.world.queries.conditions import match_subquery

PAGE = 100
"""Issues, where a client does not say how many it wants."""
ISSUE = "Issue"
"""The type that SDKs ask for (project.get_issues); no world of ours has another."""


class Asked(msgspec.Struct, frozen=True):
    """A search in the issues of a project."""

    condition: Clause
    after: str | None
    first: int


def add_to(fields: Fields) -> None:
    fields.add_attributes("Issue", Issue, "id labelId content status createdAt updatedAt")
    fields.add("Query", "issue", issue)
    fields.add("Project", "issues", issues)
    fields.add("Project", "issueCategories", no_list)
    fields.add("IssueConnection", "totalCount", lambda source, call: call.count(Issue, source.condition))
    fields.add("IssueConnection", "nodes", lambda source, call: page(source, call).nodes)
    fields.add("IssueConnection", "nextCursor", lambda source, call: page(source, call).page_info.end_cursor)
    fields.add("Issue", "friendlyId", lambda source, _call: str(source.no))
    fields.add("Issue", "dataRowId", data_row_id)
    fields.add("Issue", "categoryId", nothing)
    fields.add("Issue", "position", nothing)
    fields.add("Issue", "createdBy", created_by)
    fields.add("Issue", "resolvedBy", resolved_by)
    fields.add(
        "Issue",
        "resolvedAt",
        resolved_at,
    )
    fields.add("Issue", "contentUpdatedAt", nothing)
    fields.add("Issue", "latestReplyAt", latest_reply_at)
    fields.add("Issue", "comments", comments)
    fields.add_nulls("IssueCategory", "id name description")
    fields.add_attributes("Comment", Comment, "id content createdAt", updatedAt="created_at")
    fields.add("Comment", "createdBy", created_by)


def issue(_source: Any, call: Call, where: Mapping[str, Any]) -> Issue:
    asked = Clause("id = :id AND NOT deleted", id=where.get("id"))
    return call.one(Issue, asked, f"Issue {where.get('id')!r}")


def issues(source: Project, _call: Call, where: Any = None, after: str | None = None, first: int = PAGE) -> Asked:
    """Oldest first. All of them are counted; those about a whole data row are not listed (SDK project.py 7.17.0)."""
    mine = Clause("project_id = :id AND NOT deleted", id=source.id)
    return Asked(mine & _condition(where or {}), after, first)


def _condition(where: Mapping[str, Any]) -> Clause:
    found = EVERYTHING
    if (where.get("type") or ISSUE) != ISSUE or where.get("categoryId") is not None:
        found &= Clause("FALSE")
    if where.get("status") is not None:
        found &= Clause("status = :status", status=where["status"])
    if where.get("createdByIds") is not None:
        found &= Clause("created_by IN :people", people=list(where["createdByIds"]))
    if where.get("content"):
        found &= holding("content", where["content"])
    if where.get("dataRow") is not None:
        row = Clause("id = :row", row=where["dataRow"].get("id"))
        found &= match_subquery("data_row_no", DataRow, "no", row)
    return found


def page(source: Asked, call: Call) -> Page:
    listed = source.condition & Clause("label_id IS NOT NULL AND no > :after", after=position(source.after))
    return page_of(call.select(Issue, listed, order="no", first=source.first + 1), source.first)


def data_row_id(source: Issue, call: Call) -> str:
    return call.one(DataRow, Clause("no = :no", no=source.data_row_no), "The issue's data row").id


def comments(source: Issue, call: Call) -> list[Comment]:
    return call.select(Comment, Clause("issue_no = :no", no=source.no), order="no")


def resolved_at(source: Issue, _call: Call) -> int | None:
    return source.updated_at if source.status == IssueStatus.RESOLVED else None


def resolved_by(source: Issue, call: Call) -> Person | None:
    """Whoever spoke last (inferred)."""
    if source.status != IssueStatus.RESOLVED:
        return None
    said = comments(source, call)
    return call.find(Person, said[-1].created_by if said else source.created_by)


def latest_reply_at(source: Issue, call: Call) -> int | None:
    """The first comment opens the issue; what follows are replies (inferred)."""
    replies = comments(source, call)[1:]
    return replies[-1].created_at if replies else None
