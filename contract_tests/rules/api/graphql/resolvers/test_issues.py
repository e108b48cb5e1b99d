"""Issues below any client: pages, cursors, what does not exist."""

from collections.abc import Iterator
from typing import Any

import pytest

from contract_tests.rules.api.asking import Answer, ask
from contract_tests.serving import ServedWorld

PAGE = (
    "query($id: ID!, $where: ProjectIssueInput, $after: ID, $first: PageSize){project(where: {id: $id}){"
    "issueCategories{id} issues(where: $where, after: $after, first: $first)"
    "{totalCount nextCursor nodes{id labelId}}}}"
)


@pytest.fixture(scope="module")
def states() -> Iterator[ServedWorld]:
    with ServedWorld("--scenario", "states") as world:
        yield world


def page(states: ServedWorld, **variables: object) -> Answer:
    return ask(states, PAGE, {"id": states.projects["talked about"], **variables})


def issues(states: ServedWorld, **variables: object) -> Any:
    return page(states, **variables).data["project"]["issues"]


def test_pages_follow_each_other_by_their_cursors(states: ServedWorld) -> None:
    whole = issues(states)
    assert whole["nextCursor"] is None
    assert len(whole["nodes"]) > 1
    nodes: list[Any] = []
    after = None
    while not nodes or after is not None:
        one = issues(states, first=1, after=after)
        assert (len(one["nodes"]), one["totalCount"]) == (1, whole["totalCount"])
        nodes += one["nodes"]
        after = one["nextCursor"]
    assert nodes == whole["nodes"]


def test_nothing_is_listed_of_another_type(states: ServedWorld) -> None:
    assert issues(states, where={"type": "Issue"}) == issues(states, where={"type": None}) == issues(states)
    assert issues(states, where={"type": "Question"})["nodes"] == []


def test_a_project_has_no_categories(states: ServedWorld) -> None:
    assert page(states).data["project"]["issueCategories"] == []


@pytest.mark.parametrize("cursor", ["none", "-1", "1.5", "9" * 30])
def test_a_cursor_of_somebody_else_is_refused(states: ServedWorld, cursor: str) -> None:
    refused = page(states, after=cursor)
    assert refused.json["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert repr(cursor) in refused.json["errors"][0]["message"]


@pytest.mark.parametrize("first", [0, 1, 10**9])
def test_a_page_may_be_of_any_size(states: ServedWorld, first: int) -> None:
    whole = issues(states)["nodes"]
    assert issues(states, first=first)["nodes"] == whole[:first]


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"first": -1}, "cannot represent -1"),
        ({"where": {"content": "!" * 5_001}}, "has 5,001 characters; expected at most 5,000"),
        ({"where": {"status": "Lost"}}, "IssueStatus"),
        ({"where": {"createdByIds": "x", "wheres": 1}}, "wheres"),
    ],
    ids=["a page of less than nothing", "a long text", "an unknown status", "an unknown term"],
)
def test_what_makes_no_sense_is_refused(states: ServedWorld, variables: dict[str, object], reason: str) -> None:
    refused = page(states, **variables).json["errors"][0]
    assert refused["extensions"]["code"] in {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}
    assert reason in refused["message"]


@pytest.mark.parametrize("text", ["%", "_", "!", "!%", "\x00", "é" * 5_000, "'; DROP TABLE issue"])
def test_signs_of_the_database_are_mere_texts(states: ServedWorld, text: str) -> None:
    assert issues(states, where={"content": text})["nodes"] == []


@pytest.mark.parametrize(("where", "code"), [({"id": "nobody"}, "RESOURCE_NOT_FOUND"), ({}, "BAD_USER_INPUT")])
def test_an_issue_that_does_not_exist_is_not_found(states: ServedWorld, where: dict[str, str], code: str) -> None:
    answer = ask(states, "query($where: WhereUniqueIdInput!){issue(where: $where){id}}", {"where": where})
    assert answer.code == code
