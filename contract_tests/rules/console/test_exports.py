"""The view of an export and the list of tasks, as a script sees them: the calls it shows are right and can be sent."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from contract_tests.clients.environments import NEWEST, python_of
from contract_tests.rules.console.browsing import fetch, find_texts
from contract_tests.serving import ServedWorld


def paths_of(server: ServedWorld) -> dict[str, str]:
    return {
        "project": f"/console/projects/{server.projects['image']}/export",
        "dataset": f"/console/datasets/{server.ready['datasets']['image rows']}/export",
        "slice": f"/console/slices/{next(iter(server.ready['slices'].values()))}/export",
        "model_run": f"/console/model-runs/{next(iter(server.ready['model_runs'].values()))}/export",
        "catalog": "/console/catalog/export",
    }


def send(server: ServedWorld, content: str) -> Any:
    """Sends the call that a view shows, as its script does; the answer's data."""
    [request] = find_texts(content, r'data-request="([^"]*)"')
    headers = {"Authorization": f"Bearer {server.api_key}"}
    answer = requests.post(server.graphql_url, json=json.loads(request), headers=headers, timeout=30).json()
    assert "errors" not in answer, answer
    [data] = answer["data"].values()
    return data


@pytest.mark.parametrize("kind", ["project", "dataset", "slice", "model_run", "catalog"])
def test_the_call_of_every_kind_exports_the_counted_rows(server: ServedWorld, kind: str) -> None:
    content = fetch(server, paths_of(server)[kind], version="v2", param=["data_row_details", "attachments"])
    [count] = find_texts(content, r"<p><b>(\d+)</b> data rows? will be exported")
    task = send(server, content)["taskId"]
    listed = fetch(server, "/console/tasks", part="list", id=task)
    assert f"{count} rows" in listed
    [download] = find_texts(listed, r'href="([^"]*)" download="export-v2')
    rows = requests.get(server.url + download, timeout=30).text.splitlines()
    assert len(rows) == int(count)
    assert {"details"} <= json.loads(rows[0])["data_row"].keys()
    assert "attachments" in json.loads(rows[0])


@pytest.mark.parametrize("kind", ["project", "dataset", "model_run"])
def test_export_v1_gives_one_file_that_is_listed(server: ServedWorld, kind: str) -> None:
    content = fetch(server, paths_of(server)[kind], version="v1")
    assert "30 minutes" in content
    url = send(server, content)["downloadUrl"]
    assert requests.get(url, timeout=30).status_code == 200
    listed = fetch(server, "/console/tasks", part="list", id="v1")
    [download] = find_texts(listed, r'href="([^"]*)" download="export-v1')
    assert server.url + download == url


LATER: tuple[dict[str, Any], ...] = ({}, {"label_created_from": "2024-12-15"}, {"label_created_from": "2030-01-01"})


def test_dates_of_labels_narrow_an_export_v1(server: ServedWorld) -> None:
    path = paths_of(server)["project"]
    every, few, none = (
        requests.get(send(server, fetch(server, path, version="v1", **dates))["downloadUrl"], timeout=30).json()
        for dates in LATER
    )
    assert len(every) > len(few) > len(none) == 0


def test_the_sdk_line_and_the_line_for_curl_make_the_same_export(server: ServedWorld, tmp_path: Path) -> None:
    query: dict[str, Any] = {"version": "v2", "param": ["project_details"], "workflow_status": "Done"}
    content = fetch(server, paths_of(server)["project"], **query)
    [program] = find_texts(content, r'<code id="call-sdk">(.*?)</code>')
    (tmp_path / "call.py").write_text(program)
    sdk = subprocess.run(
        [str(python_of(NEWEST)), str(tmp_path / "call.py")], capture_output=True, text=True, check=True
    )
    [line] = find_texts(content, r'<code id="call-curl">(.*?)</code>')
    curl = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    task = json.loads(curl.stdout)["data"]["exportDataRowsInProject"]["taskId"]
    assert f"{len(sdk.stdout.splitlines())} rows" in fetch(server, "/console/tasks", part="list", id=task)


def test_a_task_of_a_client_is_listed_with_the_call_that_makes_it_again(server: ServedWorld) -> None:
    query: dict[str, Any] = {
        "version": "v2",
        "param": ["embeddings"],
        "workflow_status": "InReview",
        "active_from": "2024-12-01",
    }
    content = fetch(server, paths_of(server)["project"], **query)
    task = send(server, content)["taskId"]
    [sdk_call] = find_texts(content, r'<code id="call-sdk">(.*?)</code>')
    [listed] = find_texts(fetch(server, "/console/tasks", part="list", id=task), r'<code id="sdk-[^"]*">(.*?)</code>')
    assert listed == sdk_call


def test_looking_at_tasks_is_no_poll_of_a_client() -> None:
    with ServedWorld() as server:
        requests.post(f"{server.url}/_mock/progression", json={"exports": {"looks": 1}}, timeout=60)
        task = send(server, fetch(server, paths_of(server)["project"]))["taskId"]
        for _ in range(3):
            listed = fetch(server, "/console/tasks", part="list", id=task)
            assert "IN_PROGRESS" in listed
            assert "Cancel" in listed
            assert "Download" not in listed
        assert "1 running" in fetch(server, "/console/tasks", part="bell")
        statuses = [
            server.ask("query($id: ID!) { task(where: {id: $id}) { status } }", id=task)["task"]["status"]
            for _ in range(2)
        ]
        assert statuses == ["IN_PROGRESS", "COMPLETE"]
        assert "Download" in fetch(server, "/console/tasks", part="list", id=task)


def test_a_failed_export_says_why() -> None:
    with ServedWorld() as server:
        requests.post(
            f"{server.url}/_mock/faults", json={"fault": "export_fails", "message": "<b>no</b> disk"}, timeout=60
        )
        task = send(server, fetch(server, paths_of(server)["project"]))["taskId"]
        listed = fetch(server, "/console/tasks", part="list", id=task)
        assert "FAILED" in listed
        assert "&lt;b&gt;no&lt;/b&gt; disk" in listed


def test_other_machines_need_the_token_for_lists_and_tasks() -> None:
    with ServedWorld("--host", "0.0.0.0", "--control-token", "opens-it") as world:
        headers = {"X-Forwarded-For": "10.0.0.1", "Accept": "text/html"}
        for path in [*paths_of(world).values(), "/console/tasks", "/console/catalog"]:
            answer = requests.get(world.url + path, headers=headers, timeout=60)
            assert answer.status_code == 401
            assert "Control token" in answer.text
            assert "image" not in answer.text
