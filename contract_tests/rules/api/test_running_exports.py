"""Exports that take a while: cancelled, left alone, made beside others."""

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer

EXPORT = "mutation($id: ID!) {exportDataRowsInProject(input: {filters: {projectId: $id}}) {taskId}}"
TASK = "query($id: ID!) {task(where: {id: $id}) {status completionPercentage result}}"
SCENARIO = """
description = "Pictures whose export takes longer than its mutation waits, and some whose export takes two files."

[ontologies.boxes]
media = "image"
tools = [{ name = "Box", tool = "rectangle", questions = [{ name = "Note", type = "text", required = true }] }]

[[projects]]
name = "large"
media = "image"
ontology = "boxes"
labelled = 30000
skipped = 0
unlabelled = 0
variants = 64

[[projects]]
name = "medium"
media = "image"
ontology = "boxes"
labelled = 2000
skipped = 0
unlabelled = 0
variants = 64
"""
CANCEL = "mutation($id: ID!) {cancelBulkOperationJob(id: $id) {success}}"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    file: Path = tmp_path_factory.mktemp("large") / "large.toml"
    file.write_text(SCENARIO)
    with ServedWorld("--scenario", str(file)) as world:
        yield world


def start_export(world: ServedWorld, project: str = "large") -> str:
    return str(world.ask(EXPORT, id=world.projects[project])["exportDataRowsInProject"]["taskId"])


def task(world: ServedWorld, task_id: str) -> dict[str, Any]:
    return dict(world.ask(TASK, id=task_id)["task"])


def finish_export(world: ServedWorld, task_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (current := task(world, task_id))["status"] == "IN_PROGRESS" and time.monotonic() < deadline:
        time.sleep(0.02)
    return current


def test_a_large_export_is_in_progress_and_grows_until_it_is_complete(large: ServedWorld) -> None:
    task_id = start_export(large)
    first = task(large, task_id)
    assert (first["status"], first["result"]) == ("IN_PROGRESS", None)
    assert finish_export(large, task_id)["completionPercentage"] == 100


def test_a_cancelled_export_stays_cancelled_and_has_no_result(large: ServedWorld) -> None:
    task_id = start_export(large)
    assert large.ask(CANCEL, id=task_id)["cancelBulkOperationJob"]["success"] is True
    assert task(large, task_id) == {"status": "CANCELED", "completionPercentage": 0, "result": None}
    headers = {"Authorization": f"Bearer {large.api_key}"}
    rest = requests.get(
        f"{large.rest_url}/export-results/{task_id}/{large.organization_id}", headers=headers, timeout=60
    )
    assert (rest.status_code, rest.json()["code"]) == (409, "RESOURCE_CONFLICT")


def test_what_has_ended_cannot_be_cancelled(large: ServedWorld) -> None:
    task_id = start_export(large, "medium")
    finish_export(large, task_id)
    body = {"query": CANCEL, "variables": {"id": task_id}}
    headers = {"Authorization": f"Bearer {large.api_key}"}
    answer = requests.post(large.graphql_url, json=body, headers=headers, timeout=60).json()
    assert answer["errors"][0]["extensions"]["code"] == "RESOURCE_CONFLICT"


def test_many_exports_at_the_same_time_all_end_and_health_answers_during_them(large: ServedWorld) -> None:
    with ThreadPoolExecutor(6) as threads:
        tasks = list(threads.map(lambda _: start_export(large, "medium"), range(6)))
        assert requests.get(f"{large.url}/_mock/health", timeout=60).ok
        ends = list(threads.map(lambda task_id: finish_export(large, task_id), tasks))
    assert [end["status"] for end in ends] == ["COMPLETE"] * 6


def test_a_client_that_leaves_in_the_middle_of_a_download_troubles_nobody(large: ServedWorld) -> None:
    result = str(finish_export(large, start_export(large, "medium"))["result"])
    connection = http.client.HTTPConnection(large.url.removeprefix("http://"), timeout=60)
    connection.request("GET", result.removeprefix(large.url))
    assert connection.getresponse().read(1000)
    connection.close()
    assert len(requests.get(result, timeout=60).content.splitlines()) == 2_000
    assert "Traceback" not in large.output


def test_a_workspace_may_be_reset_while_it_exports(large: ServedWorld) -> None:
    workspace = MockServer.from_url(large.url).workspace()
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    body = {"query": EXPORT, "variables": {"id": workspace.project("large")}}
    requests.post(workspace.graphql_url, json=body, headers=headers, timeout=30)
    workspace.reset()
    assert len(workspace.expected_rows("medium")) == 2_000
    workspace.delete()
    assert "Traceback" not in large.output
