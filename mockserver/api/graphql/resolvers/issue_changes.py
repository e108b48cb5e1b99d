"""Mutations of issues, their comments and categories (SDK issue.py, issue_category.py, project.py 7.17.0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id, snake
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput
from mockserver.world.changes.issues import NewIssue
from mockserver.world.record import JsonText
from mockserver.world.records.issues import Comment, Issue, IssueCategory, IssueStatus

Where = Mapping[str, Any]
NOUNS = {"content": "An issue or comment", "name": "A category of issues"}


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "createIssue", create_issue)
    fields.add("Mutation", "updateIssue", update_issue)
    fields.add("Mutation", "resolveIssue", resolve_issue)
    fields.add("Mutation", "openIssue", open_issue)
    fields.add("Mutation", "deleteIssue", delete_issues, long=True)
    fields.add("Mutation", "createComment", create_comment)
    fields.add("Mutation", "updateComment", update_comment)
    fields.add("Mutation", "deleteComment", delete_comment)
    fields.add("Mutation", "createIssueCategory", create_category)
    fields.add("Mutation", "editIssueCategory", edit_category)
    fields.add("Mutation", "deleteIssueCategory", delete_category)


def _check(data: Where, *required: str) -> None:
    """Raises BadInput for a text that is too long, and for one that is empty where it may not be."""
    check_texts(data)
    for name in required:
        if data.get(name) is not None and not str(data[name]).strip():
            raise BadInput(f"{NOUNS[name]} has the {name} {data[name]!r}; expected a text that is not empty")


def _encode_position(data: Where) -> JsonText | None:
    """The position as it was sent. Raises BadInput for one that is too long, or no object."""
    position = data.get("position")
    if position is None:
        return None
    if not isinstance(position, dict):
        raise BadInput(f"position is {position!r:.80}; expected an object (SDK issue_position.py)")
    text = orjson.dumps(position).decode()
    check_texts({"position": text})
    return JsonText(text)


def create_issue(_source: Any, call: Call, data: Where) -> Issue:
    _check(data, "content")
    new = NewIssue(data["content"], data.get("labelId"), data.get("categoryId"), _encode_position(data))
    return call.workspace.issues.add_issue(data["projectId"], data["dataRowId"], new)


def update_issue(_source: Any, call: Call, where: Where, data: Where) -> Issue:
    """Changes the fields that were sent; null is no change (SDK issue.py `update`)."""
    _check(data, "content")
    values = {snake(name): value for name, value in data.items() if value is not None}
    if "position" in values:
        values["position"] = _encode_position(data)
    return call.workspace.issues.edit_issue(read_id(where, "updateIssue"), **values)


def resolve_issue(_source: Any, call: Call, where: Where) -> Issue:
    return call.workspace.issues.resolve_issue(read_id(where, "resolveIssue"), IssueStatus.RESOLVED)


def open_issue(_source: Any, call: Call, where: Where) -> Issue:
    return call.workspace.issues.resolve_issue(read_id(where, "openIssue"), IssueStatus.OPEN)


def delete_issues(_source: Any, call: Call, data: Where) -> bool:
    call.workspace.issues.delete_issues(list(data["issueIds"]))
    return True


def create_comment(_source: Any, call: Call, data: Where) -> Comment:
    _check(data, "content")
    return call.workspace.issues.add_comment(data["issueId"], data["content"])


def update_comment(_source: Any, call: Call, where: Where, data: Where) -> Comment:
    _check(data, "content")
    return call.workspace.issues.edit_comment(read_id(where, "updateComment"), data["content"])


def delete_comment(_source: Any, call: Call, where: Where) -> bool:
    call.workspace.issues.delete_comment(read_id(where, "deleteComment"))
    return True


def create_category(_source: Any, call: Call, data: Where) -> IssueCategory:
    _check(data, "name")
    description = data.get("description") or ""
    return call.workspace.issues.create_category(data["projectId"], data["name"], description)


def edit_category(_source: Any, call: Call, where: Where, data: Where) -> IssueCategory:
    _check(data, "name")
    values = {name: str(value) for name, value in data.items() if value is not None}
    if not values:
        raise BadInput("editIssueCategory was sent without a value; expected name or description")
    return call.workspace.issues.edit_category(read_id(where, "editIssueCategory"), **values)


def delete_category(_source: Any, call: Call, where: Where) -> bool:
    call.workspace.issues.delete_category(read_id(where, "deleteIssueCategory"))
    return True
