"""Issues as the newest SDK reads them, against those in the export of issues."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from contract_tests.clients.clients import Client, ClientKind, RunningPrograms, sdk
from contract_tests.clients.environments import NEWEST
from contract_tests.serving import ServedWorld

NEWEST_SDK = sdk(NEWEST)
PROJECT = "talked about"
EXPORT_URL = "query($id: ID!){project(where: {id: $id}){issueExportUrl}}"

pytestmark = pytest.mark.xdist_group(NEWEST_SDK.name)


@pytest.fixture(scope="module")
def states() -> Iterator[ServedWorld]:
    with ServedWorld("--scenario", "states") as world:
        yield world


@pytest.fixture
def newest(programs: RunningPrograms, states: ServedWorld) -> Client:
    return programs.client(ClientKind(NEWEST_SDK, "export"), states)


@pytest.fixture
def exported(states: ServedWorld) -> list[dict[str, Any]]:
    """Oldest first."""
    url = states.ask(EXPORT_URL, id=states.projects[PROJECT])["project"]["issueExportUrl"]
    issues: list[dict[str, Any]] = requests.get(url, timeout=30).json()
    return issues


@pytest.mark.known("client")
def test_issues_about_labels_are_listed_and_all_are_counted(
    newest: Client, states: ServedWorld, exported: list[dict[str, Any]]
) -> None:
    """The service lists no issue without a label (SDK project.py 7.17.0:2474)."""
    read = newest.read_issues(states.projects[PROJECT])
    assert read["counted"] == len(exported)
    about_labels = [issue for issue in exported if issue["labelId"] is not None]
    assert 0 < len(about_labels) < len(exported)
    assert [issue["id"] for issue in read["issues"]] == [issue["id"] for issue in about_labels]
    assert read["alone"] == read["issues"]


@pytest.mark.known("client")
def test_an_issue_says_who_raised_and_who_resolved_it(
    newest: Client, states: ServedWorld, exported: list[dict[str, Any]]
) -> None:
    by_id = {issue["id"]: issue for issue in exported}
    read = newest.read_issues(states.projects[PROJECT])["issues"]
    assert {issue["status"] for issue in read} == {"Open", "Resolved"}
    for issue in read:
        source = by_id[issue["id"]]
        comments = [[comment["createdBy"], comment["content"]] for comment in source["comments"]]
        resolved = issue["status"] == "Resolved"
        assert (issue["data_row"], issue["label"]) == (source["dataRowId"], source["labelId"])
        assert (issue["content"], issue["created_by"], issue["comments"]) == (
            source["content"],
            source["createdBy"],
            comments,
        )
        assert issue["resolved_by"] == (comments[-1][0] if resolved else None)
        assert issue["resolved_at"] == (issue["updated_at"] if resolved else None)
        assert (issue["latest_reply_at"] is not None) == (len(comments) > 1)
        assert (issue["category"], issue["position"]) == (None, None)


@pytest.mark.known("client")
def test_issues_are_found_by_status_row_text_and_person(newest: Client, states: ServedWorld) -> None:
    def ids(**where: object) -> set[str]:
        return {issue["id"] for issue in newest.read_issues(project, **where)["issues"]}

    project = states.projects[PROJECT]
    first, *others = newest.read_issues(project)["issues"]
    everything = {first["id"], *(issue["id"] for issue in others)}
    assert ids(status="Open") | ids(status="Resolved") == everything
    assert not ids(status="Open") & ids(status="Resolved")
    assert ids(data_row_id=first["data_row"]) == {first["id"]}
    assert first["id"] in ids(content=first["content"][3:20].upper())
    assert ids(content="100 % of nothing") == set()
    assert ids(created_by_ids=["nobody"]) == set()
    assert ids(category_id="none") == set()
