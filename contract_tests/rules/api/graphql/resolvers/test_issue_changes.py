"""Issues, their comments and categories, created and changed as SDKs since 7.6 do."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import answer_in, ask_in
from mockserver.testing import MockWorkspace

ISSUE = (
    "{id labelId dataRowId categoryId content position status createdBy {email} resolvedBy {email} resolvedAt"
    " contentUpdatedAt latestReplyAt comments {id content createdBy {email} createdAt updatedAt}}"
)
CREATE = f"mutation($data: CreateIssueInput!) {{createIssue(data: $data) {ISSUE}}}"
UPDATE = f"mutation($id: ID!, $data: UpdateIssueInput!) {{updateIssue(where: {{id: $id}}, data: $data) {ISSUE}}}"
DELETE = "mutation($ids: [ID!]!) {deleteIssue(data: {issueIds: $ids})}"
pytestmark = pytest.mark.known("client")


@pytest.fixture
def place(workspace: MockWorkspace) -> dict[str, str]:
    """A data row with a label."""
    project = workspace.project("image")
    query = "query($id: ID!) {project(where: {id: $id}) {labels(first: 1) {id dataRow {id}}}}"
    [label] = ask_in(workspace, query, id=project)["project"]["labels"]
    return {"projectId": project, "dataRowId": label["dataRow"]["id"], "labelId": label["id"]}


def create(workspace: MockWorkspace, place: dict[str, str], **more: object) -> Any:
    data = {"content": "Something is wrong", "type": "Issue"} | place | more
    return ask_in(workspace, CREATE, data=data)["createIssue"]


def list_issues(workspace: MockWorkspace, project: str, **where: object) -> list[str]:
    query = (
        "query($id: ID!, $where: ProjectIssueInput) {project(where: {id: $id}) {issues(where: $where) {nodes {id}}}}"
    )
    issues = ask_in(workspace, query, id=project, where={"type": "Issue"} | where)["project"]["issues"]["nodes"]
    return [issue["id"] for issue in issues]


def test_an_issue_is_created_changed_resolved_and_deleted(workspace: MockWorkspace, place: dict[str, str]) -> None:
    position = {"type": "Point", "coordinates": [100, 200]}
    issue = create(workspace, place, position=position)
    assert (issue["status"], issue["position"], issue["comments"]) == ("Open", position, [])
    assert (issue["dataRowId"], issue["labelId"]) == (place["dataRowId"], place["labelId"])
    changed = ask_in(workspace, UPDATE, id=issue["id"], data={"content": "Worse"})["updateIssue"]
    assert (changed["content"], changed["position"], changed["contentUpdatedAt"] is None) == ("Worse", position, False)
    for mutation, status in (("resolveIssue", "Resolved"), ("openIssue", "Open")):
        query = f"mutation($id: ID!) {{{mutation}(where: {{id: $id}}) {ISSUE}}}"
        moved = ask_in(workspace, query, id=issue["id"])[mutation]
        assert (moved["status"], moved["resolvedBy"] is None) == (status, status == "Open")
    assert ask_in(workspace, DELETE, ids=[issue["id"], "nobody"]) == {"deleteIssue": True}
    assert issue["id"] not in list_issues(workspace, place["projectId"])


def test_an_issue_may_be_about_a_data_row_that_no_batch_of_the_project_has(
    workspace: MockWorkspace, place: dict[str, str]
) -> None:
    """SDK tests test_issue_management.py 7.17.0."""
    create_row = (
        "mutation($id: ID!) {createDataRow(data: {dataset: {connect: {id: $id}},"
        ' rowData: "https://a.test/1.jpg"}) {id}}'
    )
    row = ask_in(workspace, create_row, id=workspace.dataset("image rows"))["createDataRow"]["id"]
    issue = create(workspace, {"projectId": place["projectId"], "dataRowId": row})
    assert (issue["dataRowId"], issue["labelId"]) == (row, None)


def test_comments_are_added_changed_and_deleted(workspace: MockWorkspace, place: dict[str, str]) -> None:
    issue = create(workspace, place)["id"]
    query = "mutation($data: CreateCommentInput!) {createComment(data: $data) {id content createdAt updatedAt}}"
    first, second = (
        ask_in(workspace, query, data={"issueId": issue, "content": text})["createComment"] for text in ("one", "two")
    )
    update = 'mutation($id: ID!) {updateComment(where: {id: $id}, data: {content: "new"}) {content updatedAt}}'
    assert ask_in(workspace, update, id=first["id"])["updateComment"]["content"] == "new"
    ask_in(workspace, "mutation($id: ID!) {deleteComment(where: {id: $id})}", id=second["id"])
    read = ask_in(workspace, f"query($id: ID!) {{issue(where: {{id: $id}}) {ISSUE}}}", id=issue)["issue"]
    assert [comment["content"] for comment in read["comments"]] == ["new"]


def test_categories_sort_issues(workspace: MockWorkspace, place: dict[str, str]) -> None:
    project = place["projectId"]
    query = "mutation($data: CreateIssueCategoryInput!) {createIssueCategory(data: $data) {id name description}}"
    data = {"projectId": project, "name": "Quality", "description": "of lines"}
    category = ask_in(workspace, query, data=data)["createIssueCategory"]
    issue = create(workspace, place, categoryId=category["id"])
    assert issue["categoryId"] == category["id"]
    assert list_issues(workspace, project, categoryId=category["id"]) == [issue["id"]]
    edit = 'mutation($id: ID!) {editIssueCategory(where: {id: $id}, data: {name: "Renamed"}) {name description}}'
    assert ask_in(workspace, edit, id=category["id"])["editIssueCategory"]["name"] == "Renamed"
    ask_in(workspace, "mutation($id: ID!) {deleteIssueCategory(where: {id: $id})}", id=category["id"])
    query = "query($id: ID!) {project(where: {id: $id}) {issueCategories {id}}}"
    assert ask_in(workspace, query, id=project)["project"]["issueCategories"] == []
    assert list_issues(workspace, project, categoryId=category["id"]) == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"content": " "}, "BAD_USER_INPUT"),
        ({"content": "x" * 10_001}, "BAD_USER_INPUT"),
        ({"position": 5}, "BAD_USER_INPUT"),
        ({"dataRowId": "nobody"}, "RESOURCE_NOT_FOUND"),
        ({"projectId": "nobody"}, "RESOURCE_NOT_FOUND"),
        ({"labelId": "nobody"}, "RESOURCE_NOT_FOUND"),
        ({"categoryId": "nobody"}, "RESOURCE_NOT_FOUND"),
    ],
)
def test_a_wrong_issue_is_refused_and_changes_nothing(
    workspace: MockWorkspace, place: dict[str, str], more: dict[str, object], code: str
) -> None:
    before = list_issues(workspace, place["projectId"])
    data = {"content": "x", "type": "Issue"} | place | more
    [error] = answer_in(workspace, CREATE, data=data)["errors"]
    assert error["extensions"]["code"] == code
    assert list_issues(workspace, place["projectId"]) == before
