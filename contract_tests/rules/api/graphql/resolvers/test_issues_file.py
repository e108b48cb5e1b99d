"""The file of a project's issues: its URL with a bewit, which opens without any header, and its items."""

import base64
import re
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.api.asking import Answer, ask_in, get
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

URL = "query($id: ID!, $status: IssueStatus){project(where: {id: $id}){issueExportUrl(where: {status: $status})}}"
PROJECT = "talked about"
"""Of the scenario `states`: its issues are open and resolved, about labels and data rows."""
STATES = [None, "Open", "Resolved"]
KEYS = ["id", "status", "content", "dataRowId", "labelId", "createdBy", "createdAt", "categoryName"]
"""Of the sample, in its order."""
each_state = pytest.mark.parametrize("status", STATES)


@pytest.fixture(scope="module")
def own(server: ServedWorld) -> MockWorkspace:
    return server.workspace(scenario="states")


def url_of(own: MockWorkspace, status: str | None, project: str = PROJECT) -> str:
    return str(ask_in(own, URL, id=own.project(project), status=status)["project"]["issueExportUrl"])


def items(server: ServedWorld, own: MockWorkspace, status: str | None) -> list[Any]:
    answer = get(server, url_of(own, status))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    issues: list[Any] = answer.json
    return issues


@pytest.mark.known("client")
@each_state
def test_the_url_has_the_requested_status_and_a_bewit(own: MockWorkspace, status: str | None) -> None:
    url = url_of(own, status)
    parts = urlsplit(url)
    assert parts.path.endswith(f"/v1/project/{own.project(PROJECT)}/issues")
    query = parse_qsl(parts.query)
    assert [name for name, _ in query] == (["bewit"] if status is None else ["status", "bewit"])
    assert status is None or f"?status={status}&" in url
    bewit = dict(query)["bewit"]
    assert re.fullmatch("[A-Za-z0-9_-]+", bewit)
    slug, expires, mac, nothing = decode_bewit(bewit)
    assert slug
    assert mac
    assert nothing == ""
    assert int(expires) < 10**10  # seconds


def decode_bewit(bewit: str) -> list[str]:
    """The four parts of a bewit."""
    return base64.urlsafe_b64decode(bewit + "=" * (-len(bewit) % 4)).decode().split("\\")


@pytest.mark.known("client")
@each_state
@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}])
def test_it_opens_without_any_header(
    server: ServedWorld, own: MockWorkspace, status: str | None, header: dict[str, str]
) -> None:
    assert get(server, url_of(own, status), **header).status == 200


@pytest.mark.known("client")
def test_items_have_the_keys_that_a_client_reads(server: ServedWorld, own: MockWorkspace) -> None:
    issues = items(server, own, None)
    assert {issue["labelId"] is None for issue in issues} == {True, False}
    for issue in issues:
        assert [*issue][: len(KEYS)] == KEYS
        assert "@" in issue["createdBy"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", issue["createdAt"])
        assert issue["categoryName"] is None


def test_the_states_are_exported_separately_and_together(server: ServedWorld, own: MockWorkspace) -> None:
    every = items(server, own, None)
    counts = Counter(issue["status"] for issue in every)
    assert counts.keys() == {"Open", "Resolved"}
    for status in ("Open", "Resolved"):
        assert items(server, own, status) == [issue for issue in every if issue["status"] == status]


def test_an_issue_that_is_raised_and_resolved_goes_from_one_file_to_the_other(server: ServedWorld) -> None:
    """The links are older than the change: a file is built when it is requested."""
    own = server.workspace(scenario="default")
    files = {status: url_of(own, status, "image") for status in STATES}
    own.event("ISSUE_CREATED", project="image")
    assert states(server, files) == {None: ["Open"], "Open": ["Open"], "Resolved": []}
    own.event("ISSUE_UPDATED", project="image")
    assert states(server, files) == {None: ["Resolved"], "Open": [], "Resolved": ["Resolved"]}


def states(server: ServedWorld, files: dict[str | None, str]) -> dict[str | None, list[str]]:
    return {status: [issue["status"] for issue in get(server, url).json] for status, url in files.items()}


# Refused


def is_refusal(answer: Answer) -> bool:
    return answer.status in {403, 404} and answer.json["code"] in {"ACCESS_DENIED", "RESOURCE_NOT_FOUND"}


def test_a_link_is_good_for_what_it_was_made_for_alone(server: ServedWorld, own: MockWorkspace) -> None:
    url = url_of(own, "Open")
    other = own.project("consensus")
    for changed in (
        url.replace("status=Open", "status=Resolved"),
        url.replace("status=Open&", ""),
        url.replace(own.project(PROJECT), other),
        url.replace("bewit=", "bewit=x"),
        url[:-1],
        url.partition("bewit=")[0],
    ):
        assert is_refusal(get(server, changed)), changed


def test_a_link_ends_with_its_time(server: ServedWorld) -> None:
    own = server.workspace(scenario="states")
    own.clock.freeze()
    url = url_of(own, None)
    own.clock.advance(days=13)
    assert get(server, url).status == 200
    own.clock.advance(days=2)
    late = get(server, url)
    assert (late.status, late.json["code"]) == (403, "ACCESS_DENIED")
    assert "issueExportUrl" in late.json["message"]


@given(
    st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()) | st.sampled_from(["a\\b", "%00"])
)
@settings(max_examples=60, deadline=None)
def test_whatever_replaces_a_bewit_is_refused(server: ServedWorld, text: str) -> None:
    assert is_refusal(get(server, f"/v1/project/{server.projects['image']}/issues?bewit={text}"))
