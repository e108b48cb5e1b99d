"""The lifecycle of results: until they expire or others need the space; exports that fail, and one too many."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import requests

from contract_tests.clients.test_large_export import SCENARIO
from contract_tests.rules.api.asking import answer_in
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.testing import MockServer, MockWorkspace

TASK = "query($id: ID!) {task(where: {id: $id}) {id status result errors metadata}}"
EXPORT = "mutation($id: ID!) {exportDataRowsInProject(input: {filters: {projectId: $id}}) {taskId}}"
CANCEL = "mutation($id: ID!) {cancelBulkOperationJob(id: $id) {success}}"
CATALOG = "mutation {exportDataRowsInCatalog(input: {}) {taskId}}"


def run_export(workspace: MockWorkspace, project: str = "image") -> dict[str, Any]:
    """Exports a project and returns the finished task."""
    export = answer_in(workspace, EXPORT, id=workspace.project(project))["data"]["exportDataRowsInProject"]
    return wait_for_task(workspace, export["taskId"])


def wait_for_task(workspace: MockWorkspace, task_id: str) -> dict[str, Any]:
    """The task, when it has ended."""
    return wait_for(
        lambda: dict(answer_in(workspace, TASK, id=task_id)["data"]["task"]),
        lambda task: task["status"] != "IN_PROGRESS",
    )


def control(workspace: MockWorkspace, method: str, **body: object) -> requests.Response:
    url = f"{workspace.url}/_mock/faults"
    if method == "POST":
        body["fault"] = "export_rows_fail" if "data_rows" in body else "export_fails"
    return requests.request(method, url, params={"api_key": workspace.api_key}, json=body or None, timeout=60)


def rest(workspace: MockWorkspace, task_id: str, route: str = "export-results") -> requests.Response:
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    return requests.get(
        f"{workspace.rest_url}/{route}/{task_id}/{workspace.organization_id}", headers=headers, timeout=60
    )


# Expiry


@pytest.mark.known("sample")
def test_results_live_fourteen_days_of_the_worlds_clock(workspace: MockWorkspace) -> None:
    workspace.clock.set("2025-01-01T12:00:00Z")
    task = run_export(workspace)
    workspace.clock.set("2025-01-15T11:59:50Z")
    assert requests.get(task["result"], timeout=60).ok
    workspace.clock.set("2025-01-15T12:00:30Z")
    over = requests.get(task["result"], timeout=60)
    assert (over.status_code, over.headers["content-type"]) == (400, "application/xml; charset=UTF-8")
    assert ElementTree.fromstring(over.content).findtext("Code") == "ExpiredToken"


def test_expired_results_are_deleted_and_routes_without_a_link_say_so(workspace: MockWorkspace) -> None:
    task = run_export(workspace)
    assert rest(workspace, task["id"]).ok
    workspace.clock.advance(days=16)
    gone = rest(workspace, task["id"])
    assert gone.status_code == 404
    assert "were deleted: they live 14 days" in gone.json()["message"]
    workspace.clock.set("2020-01-01T00:00:00Z")
    assert rest(workspace, task["id"]).status_code == 404


# Space


def test_an_export_larger_than_the_limit_fails_and_says_why(tmp_path: Path) -> None:
    file = tmp_path / "large.toml"
    file.write_text(SCENARIO)
    with ServedWorld("--scenario", str(file), "--results-limit", "2") as world:
        own = world.own
        large = run_export(own, "large")
        assert (large["status"], large["result"]) == ("FAILED", None)
        assert "exceeds the limit of 2 MiB" in large["metadata"]["failure"]
        [line] = requests.get(large["errors"], timeout=60).json().values()
        assert line == large["metadata"]["failure"]


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    """2,500 pictures: their labels take 17 MB, their data rows 1.3 MB and with metadata 2.9 MB."""
    file = tmp_path_factory.mktemp("narrow") / "large.toml"
    file.write_text(SCENARIO)
    with ServedWorld("--scenario", str(file), "--results-limit", "3") as world:
        yield world


def legacy(workspace: MockWorkspace, document: str) -> dict[str, Any]:
    """The one answer of a mutation of Export V1 that is asked until it is done."""
    data = wait_for(
        lambda: answer_in(workspace, document)["data"], lambda data: all(each["downloadUrl"] for each in data.values())
    )
    [answer] = data.values()
    return dict(answer)


def data_rows(workspace: MockWorkspace, *, metadata: bool) -> str:
    """The URL of the dataset's data rows."""
    inputs = f'datasetId: "{workspace.dataset("large")}", includeMetadataInput: {str(metadata).lower()}'
    return str(
        legacy(workspace, f"mutation {{exportDatasetDataRows(data: {{{inputs}}}) {{downloadUrl}}}}")["downloadUrl"]
    )


def code_at(url: str) -> tuple[int, str | None]:
    refused = requests.get(url, timeout=60)
    return refused.status_code, ElementTree.fromstring(refused.content).findtext("Code")


def test_files_of_export_v1_give_way_to_newer_ones_and_are_made_again(narrow: ServedWorld) -> None:
    own = narrow.workspace()
    oldest = data_rows(own, metadata=False)
    again = data_rows(own, metadata=False)
    assert oldest == again
    newer = data_rows(own, metadata=True)
    assert code_at(oldest) == (404, "NoSuchKey")
    assert requests.get(newer, timeout=60).ok
    fresh = data_rows(own, metadata=False)
    assert fresh != oldest
    assert requests.get(fresh, timeout=60).text.count("\n") == 2500
    assert code_at(newer) == (404, "NoSuchKey")
    own.delete()


def test_results_of_both_exports_share_the_limit(narrow: ServedWorld) -> None:
    own = narrow.workspace()
    rows = data_rows(own, metadata=True)
    task_id = answer_in(own, CATALOG)["data"]["exportDataRowsInCatalog"]["taskId"]
    task = wait_for_task(own, task_id)
    assert task["status"] == "COMPLETE"
    assert code_at(rows) == (404, "NoSuchKey")
    data_rows(own, metadata=True)
    assert code_at(task["result"]) == (404, "NoSuchKey")
    own.delete()


def test_a_file_of_export_v1_larger_than_the_limit_is_an_error_that_says_why(narrow: ServedWorld) -> None:
    own = narrow.workspace()
    document = f'mutation {{exportLabels(data: {{projectId: "{own.project("large")}"}}) {{downloadUrl shouldPoll}}}}'

    def has_failed(answer: Any) -> bool:
        if "errors" not in answer:
            assert answer["data"]["exportLabels"] == {"downloadUrl": None, "shouldPoll": True}
        return "errors" in answer

    [error] = wait_for(lambda: answer_in(own, document), has_failed)["errors"]
    assert error["extensions"]["code"] == "RESOURCE_CONFLICT"
    assert (
        "exceeds the limit of 3 MiB; export less, or start the server with a larger --results-limit" in error["message"]
    )
    assert requests.get(data_rows(own, metadata=False), timeout=60).ok, "what failed takes no space any more"
    own.delete()


@pytest.mark.known("sample")
def test_files_of_export_v1_leave_the_disk_when_their_links_have_expired(tmp_path: Path) -> None:
    with ServedWorld("--state", str(tmp_path)) as world:
        own = world.own
        own.clock.set("2025-01-01T12:00:00Z")
        document = f'mutation {{exportLabels(data: {{projectId: "{own.project("image")}"}}) {{downloadUrl}}}}'
        url = legacy(own, document)["downloadUrl"]
        own.clock.set("2025-01-15T11:59:00Z")
        assert requests.get(url, timeout=60).ok
        own.clock.set("2025-01-16T00:00:00Z")
        assert code_at(url) == (400, "ExpiredToken")
        assert not list(tmp_path.glob("workspaces/*/*/legacy/*"))


def test_after_a_restart_files_of_export_v1_still_count_and_what_a_crash_left_is_gone(tmp_path: Path) -> None:
    with ServedWorld("--state", str(tmp_path)) as world:
        document = f'mutation {{exportLabels(data: {{projectId: "{world.projects["image"]}"}}) {{downloadUrl}}}}'
        url = urlsplit(legacy(world.own, document)["downloadUrl"])
    [file] = tmp_path.glob("workspaces/*/*/legacy/*.json")
    half = file.with_name("half.json")
    half.write_text("[")
    with ServedWorld("--state", str(tmp_path)) as world:
        assert not half.exists()
        assert requests.get(f"{world.url}{url.path}?{url.query}", timeout=60).ok


# Failures on request


@pytest.mark.known("client")
def start_failing(workspace: MockWorkspace) -> str:
    """An export that fails after two polls."""
    workspace.progression.set(exports={"looks": 2})
    workspace.fail_exports("The disk is full")
    export = answer_in(workspace, EXPORT, id=workspace.project("image"))["data"]["exportDataRowsInProject"]
    return str(export["taskId"])


def test_a_requested_failure_is_seen_when_the_export_would_have_ended(workspace: MockWorkspace) -> None:
    task = start_failing(workspace)
    polls: list[dict[str, Any]] = []
    while not polls or polls[-1]["status"] == "IN_PROGRESS":
        polls.append(answer_in(workspace, TASK, id=task)["data"]["task"])
    assert len(polls) >= 3
    assert {poll["errors"] for poll in polls[:-1]} == {None}
    assert (polls[-1]["status"], polls[-1]["result"]) == ("FAILED", None)


def test_an_export_that_will_fail_can_be_cancelled(workspace: MockWorkspace) -> None:
    task = start_failing(workspace)
    assert answer_in(workspace, CANCEL, id=task)["data"]["cancelBulkOperationJob"]["success"]
    statuses = [answer_in(workspace, TASK, id=task)["data"]["task"]["status"] for _ in range(3)]
    assert statuses == ["CANCELED"] * 3


def test_a_whole_export_fails_on_request(workspace: MockWorkspace) -> None:
    assert control(workspace, "POST", message="No disk today", times=2).json()["rule"]["times"] == 2
    for _ in range(2):
        task = run_export(workspace)
        assert (task["status"], task["result"]) == ("FAILED", None)
        assert requests.get(task["errors"], timeout=60).json() == {"message": "No disk today"}
        assert rest(workspace, task["id"], "export-errors").json() == {"message": "No disk today"}
    assert run_export(workspace)["status"] == "COMPLETE"


@pytest.mark.known("inferred")
def test_single_rows_fail_and_the_others_are_exported(workspace: MockWorkspace) -> None:
    rows = workspace.expected_rows("image")
    by_id, by_key = rows[2]["data_row"], rows[7]["data_row"]
    control(workspace, "POST", message="Unreadable", data_rows=[by_id["id"], by_key["global_key"]])
    task = run_export(workspace)
    assert task["status"] == "COMPLETE"
    lines = requests.get(task["result"], timeout=60).text.splitlines()
    assert len(lines) == 10
    assert not any(failed["id"] in line for line in lines for failed in (by_id, by_key))
    errors = [line for line in requests.get(task["errors"], timeout=60).iter_lines() if line]
    assert [json.loads(error) for error in errors] == [
        {"data_row": {"id": row["id"], "global_key": row["global_key"]}, "message": "Unreadable"}
        for row in (by_id, by_key)
    ]


def test_rows_that_are_not_in_an_export_do_not_fail_it(workspace: MockWorkspace) -> None:
    control(workspace, "POST", data_rows=["nobody"])
    task = run_export(workspace)
    assert (task["status"], task["errors"]) == ("COMPLETE", None)


def test_requested_failures_can_be_taken_back(workspace: MockWorkspace) -> None:
    control(workspace, "POST", message="no")
    assert len(control(workspace, "GET").json()["faults"]) == 1
    assert control(workspace, "DELETE").status_code == 204
    assert control(workspace, "GET").json() == {"faults": []}
    assert run_export(workspace)["status"] == "COMPLETE"


@pytest.mark.parametrize("body", [{"times": 0}, {"message": ""}, {"rows": []}, {"data_rows": "x"}])
def test_a_failure_that_makes_no_sense_is_refused(workspace: MockWorkspace, body: dict[str, object]) -> None:
    assert control(workspace, "POST", **body).status_code == 400
    assert control(workspace, "GET").json() == {"faults": []}


# One too many


@pytest.mark.known("documented")
def test_the_eleventh_running_export_of_a_project_is_refused(workspace: MockWorkspace) -> None:
    workspace.progression.exports = {"seconds": 60}
    project = workspace.project("image")
    tasks = [answer_in(workspace, EXPORT, id=project)["data"]["exportDataRowsInProject"]["taskId"] for _ in range(10)]
    [error] = answer_in(workspace, EXPORT, id=project)["errors"]
    assert error["extensions"]["code"] == "RESOURCE_CONFLICT"
    assert "10 exports of project" in error["message"]
    answer_in(workspace, "mutation($id: ID!) {cancelBulkOperationJob(id: $id) {success}}", id=tasks[3])
    assert "errors" not in answer_in(workspace, EXPORT, id=project)


@pytest.mark.known("documented")
def test_the_twenty_first_of_the_organization_is_refused_until_time_has_passed(workspace: MockWorkspace) -> None:
    workspace.progression.exports = {"seconds": 60}
    for _ in range(20):
        assert "errors" not in answer_in(workspace, CATALOG)
    assert "20 exports of this organization run" in answer_in(workspace, CATALOG)["errors"][0]["message"]
    workspace.clock.advance(61)
    assert "errors" not in answer_in(workspace, CATALOG)


@pytest.mark.known("documented")
def test_in_2023_a_project_has_one_export_at_a_time(server: ServedWorld) -> None:
    workspace = MockServer.from_url(server.url).workspace(payload_date="2023-06-30", progression={"seconds": 60.0})
    project = workspace.project("image")
    assert "errors" not in answer_in(workspace, EXPORT, id=project)
    assert "errors" not in answer_in(workspace, EXPORT, id=workspace.project("text"))
    assert "at most 1 may run at the same time" in answer_in(workspace, EXPORT, id=project)["errors"][0]["message"]
    workspace.delete()
