"""Issues of projects and what was said about them, as SDKs since 7.6 read them (issue.py 7.17.0).

How a finished issue tells who resolved it is inferred: our worlds keep who spoke last, and when the issue changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import call_of
from mockserver.api.graphql.filters import holding
from mockserver.api.graphql.pages import Page, page_of, position
from mockserver.api.graphql.resolvers.fields import Fields, no_list, nothing
from mockserver.api.graphql.resolvers.projects import created_by
from mockserver.world.data_rows import DataRow
from mockserver.world.database import EVERYTHING, Clause
from mockserver.world.issues import Comment, Issue, IssueStatus
from mockserver.world.people import Person
from mockserver.world.projects import Project

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
    fields.attributes("Issue", Issue, "id labelId content status createdAt updatedAt")
    fields.add(
        Query_issue=issue,
        Project_issues=issues,
        Project_issueCategories=no_list,
        IssueConnection_totalCount=lambda source, info: call_of(info).count(Issue, source.condition),
        IssueConnection_nodes=lambda source, info: page(source, info).nodes,
        IssueConnection_nextCursor=lambda source, info: page(source, info).page_info.end_cursor,
        Issue_friendlyId=lambda source, _: str(source.no),
        Issue_dataRowId=data_row_id,
        Issue_categoryId=nothing,
        Issue_position=nothing,
        Issue_createdBy=created_by,
        Issue_resolvedBy=resolved_by,
        Issue_resolvedAt=lambda source, _: source.updated_at if source.status == IssueStatus.RESOLVED else None,
        Issue_contentUpdatedAt=nothing,
        Issue_latestReplyAt=latest_reply_at,
        Issue_comments=comments,
        **{f"IssueCategory_{name}": nothing for name in ("id", "name", "description")},
    )
    fields.attributes("Comment", Comment, "id content createdAt", updatedAt="created_at")
    fields.add(Comment_createdBy=created_by)


def issue(_source: Any, info: Any, where: Mapping[str, Any]) -> Issue:
    asked = Clause("id = :id AND NOT deleted", id=where.get("id"))
    return call_of(info).one(Issue, asked, f"Issue {where.get('id')!r}")


def issues(source: Project, _info: Any, where: Any = None, after: str | None = None, first: int = PAGE) -> Asked:
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
        found &= Clause("data_row_no IN (SELECT no FROM data_row WHERE id = :row)", row=where["dataRow"].get("id"))
    return found


def page(source: Asked, info: Any) -> Page:
    listed = source.condition & Clause("label_id IS NOT NULL AND no > :after", after=position(source.after))
    return page_of(call_of(info).select(Issue, listed, order="no", first=source.first + 1), source.first)


def data_row_id(source: Issue, info: Any) -> str:
    return call_of(info).one(DataRow, Clause("no = :no", no=source.data_row_no), "The issue's data row").id


def comments(source: Issue, info: Any) -> list[Comment]:
    return call_of(info).select(Comment, Clause("issue_no = :no", no=source.no), order="no")


def resolved_by(source: Issue, info: Any) -> Person | None:
    """Whoever spoke last (inferred)."""
    if source.status != IssueStatus.RESOLVED:
        return None
    said = comments(source, info)
    return call_of(info).find(Person, said[-1].created_by if said else source.created_by)


def latest_reply_at(source: Issue, info: Any) -> int | None:
    """The first comment opens the issue; what follows are replies (inferred)."""
    replies = comments(source, info)[1:]
    return replies[-1].created_at if replies else None
