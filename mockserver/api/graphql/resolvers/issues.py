"""Issues of projects and their comments, as SDKs since 7.6 read them (issue.py 7.17.0).

The user who resolved an issue is inferred: a world keeps the last comment, and when the issue changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import build_text_condition, read_id
from mockserver.api.graphql.pages import Page, build_page, parse_cursor
from mockserver.api.graphql.resolvers.projects import find_creator
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.queries.conditions import match_subquery
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.issues import Comment, Issue, IssueCategory, IssueStatus
from mockserver.world.records.people import Person
from mockserver.world.records.projects import Project

PAGE = 100
"""Issues, where a client does not say how many it wants."""
ISSUE = "Issue"
"""The type that SDKs search for (project.get_issues); generated worlds have no other."""


class IssueSearch(msgspec.Struct, frozen=True):
    """A search in the issues of a project."""

    condition: Clause
    after: str | None
    first: int


def add_to(fields: Fields) -> None:
    fields.add_attributes(
        "Issue", Issue, "id labelId categoryId position content status createdAt updatedAt contentUpdatedAt"
    )
    fields.add("Query", "issue", find_issue)
    fields.add("Project", "issues", search_issues)
    fields.add("Project", "issueCategories", list_categories)
    fields.add("IssueConnection", "totalCount", lambda source, call: call.count(Issue, source.condition))
    fields.add("IssueConnection", "nodes", lambda source, call: build_issue_page(source, call).nodes)
    fields.add(
        "IssueConnection", "nextCursor", lambda source, call: build_issue_page(source, call).page_info.end_cursor
    )
    fields.add("Issue", "friendlyId", lambda source, _call: str(source.no))
    fields.add("Issue", "dataRowId", find_data_row_id)
    fields.add("Issue", "createdBy", find_creator)
    fields.add("Issue", "resolvedBy", find_resolver)
    fields.add(
        "Issue",
        "resolvedAt",
        get_resolved_at,
    )
    fields.add("Issue", "latestReplyAt", find_latest_reply)
    fields.add("Issue", "comments", list_comments)
    fields.add_attributes("IssueCategory", IssueCategory, "id name description")
    fields.add_attributes("Comment", Comment, "id content createdAt")
    fields.add("Comment", "updatedAt", lambda source, _call: source.updated_at or source.created_at)
    fields.add("Comment", "createdBy", find_creator)


def find_issue(_source: Any, call: Call, where: Mapping[str, Any]) -> Issue:
    return call.get(Issue, read_id(where, "issue"))


def search_issues(
    source: Project, _call: Call, where: Any = None, after: str | None = None, first: int = PAGE
) -> IssueSearch:
    """The issues, oldest first. All of them are counted; those about a whole data row are not listed (SDK project.py
    7.17.0)."""
    mine = Clause("project_id = :id AND NOT deleted", id=source.id)
    return IssueSearch(mine & _build_condition(where or {}), after, first)


def _build_condition(where: Mapping[str, Any]) -> Clause:
    condition = EVERYTHING
    if (where.get("type") or ISSUE) != ISSUE:
        condition &= Clause("FALSE")
    if where.get("categoryId") is not None:
        condition &= Clause("category_id = :category", category=where["categoryId"])
    if where.get("status") is not None:
        condition &= Clause("status = :status", status=where["status"])
    if where.get("createdByIds") is not None:
        condition &= Clause("created_by IN :people", people=list(where["createdByIds"]))
    if where.get("content"):
        condition &= build_text_condition("content", where["content"])
    if where.get("dataRow") is not None:
        row = Clause("id = :row", row=where["dataRow"].get("id"))
        condition &= match_subquery("data_row_no", DataRow, "no", row)
    return condition


def build_issue_page(source: IssueSearch, call: Call) -> Page:
    listed = source.condition & Clause("label_id IS NOT NULL AND no > :after", after=parse_cursor(source.after))
    return build_page(call.select(Issue, listed, order="no", first=source.first + 1), source.first)


def find_data_row_id(source: Issue, call: Call) -> str:
    return call.one(DataRow, Clause("no = :no", no=source.data_row_no), "The issue's data row").id


def list_comments(source: Issue, call: Call) -> list[Comment]:
    return call.select(Comment, Clause("issue_no = :no", no=source.no), order="no")


def get_resolved_at(source: Issue, _call: Call) -> int | None:
    return source.updated_at if source.status == IssueStatus.RESOLVED else None


def find_resolver(source: Issue, call: Call) -> Person | None:
    """The user who resolved it; of a generated issue the user who wrote the last comment (inferred)."""
    if source.status != IssueStatus.RESOLVED:
        return None
    if source.resolved_by is not None:
        return call.find(Person, source.resolved_by)
    comments = list_comments(source, call)
    return call.find(Person, comments[-1].created_by if comments else source.created_by)


def find_latest_reply(source: Issue, call: Call) -> int | None:
    """The first comment of a generated issue opens it; what follows are replies (inferred)."""
    comments = list_comments(source, call)
    replies = comments[1:] if comments and comments[0].created_at == source.created_at else comments
    return replies[-1].created_at if replies else None


def list_categories(source: Project, call: Call) -> list[IssueCategory]:
    return call.select(IssueCategory, Clause("project_id = :id", id=source.id), order="created_at, id")
