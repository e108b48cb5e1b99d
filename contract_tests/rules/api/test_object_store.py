"""A server that keeps its results in an object store: an S3 server in a process of its own."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from contract_tests.clients.test_large_export import SCENARIO
from contract_tests.rules.api.asking import ask
from contract_tests.rules.api.test_uploads import FORM, write_body, write_map, write_operations, write_part
from contract_tests.s3 import BUCKET, S3Server, s3_in_environment
from contract_tests.serving import ServedWorld
from contract_tests.waiting import eventually, wait_for
from mockserver.results.object_store import ObjectStore
from mockserver.testing import MockWorkspace

EXPORT = "mutation($id: ID!) {exportDataRowsInProject(input: {filters: {projectId: $id}}) {taskId}}"
TASK = "query($id: ID!) {task(where: {id: $id}) {id status result errors metadata}}"
FILE = "query($id: ID!) {task(where: {id: $id}) {exportFileFromOffset(streamType: RESULT, offset: 0) {file}}}"
LEGACY = "mutation($id: ID!) {exportLabels(data: {projectId: $id}) {downloadUrl shouldPoll}}"
PATIENCE = 60.0
ROWS = 12_000
"""Rows of an export of several parts."""


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_in_environment() as server:
        yield server


@pytest.fixture(scope="module")
def store(s3: S3Server) -> ObjectStore:
    """The bucket, seen from outside of the server."""
    return ObjectStore(f"s3://{BUCKET}")


@pytest.fixture(scope="module")
def own(s3: S3Server) -> Iterator[ServedWorld]:
    with ServedWorld("--results", f"s3://{BUCKET}/own", "--results-redirect") as world:
        yield world


def control(workspace: MockWorkspace | ServedWorld, query: str, **variables: object) -> Any:
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    body = {"query": query, "variables": variables}
    answer = requests.post(workspace.graphql_url, json=body, headers=headers, timeout=PATIENCE).json()
    assert "errors" not in answer, answer
    return answer["data"]


def export(workspace: MockWorkspace | ServedWorld, project_id: str) -> dict[str, Any]:
    """A task that has ended."""
    task_id = control(workspace, EXPORT, id=project_id)["exportDataRowsInProject"]["taskId"]
    return wait_for_task(workspace, task_id)


def wait_for_task(workspace: MockWorkspace | ServedWorld, task_id: str) -> dict[str, Any]:
    return dict(
        wait_for(lambda: control(workspace, TASK, id=task_id)["task"], lambda task: task["status"] != "IN_PROGRESS")
    )


def find_file(workspace: MockWorkspace | ServedWorld, task_id: str) -> str:
    """The URL of the first file of a result, which is one object."""
    return str(control(workspace, FILE, id=task_id)["task"]["exportFileFromOffset"]["file"])


def names(store: ObjectStore, below: str) -> list[str]:
    return [file.name for file in store.list(below)]


def test_a_result_is_the_objects_of_its_task(own: ServedWorld, store: ObjectStore, workspace: MockWorkspace) -> None:
    mine = own.workspace()
    task = export(mine, mine.project("image"))
    [name] = [name for name in names(store, "own") if task["id"] in name]
    prefix, life, *rest = name.split("/")
    assert (prefix, life[:5], rest) == ("own", "life-", ["results", task["id"], "RESULT", "0.ndjson"])
    rows = [json.loads(line) for line in requests.get(task["result"], timeout=PATIENCE).text.splitlines()]
    folder = export(workspace, workspace.project("image"))
    same = [json.loads(line) for line in requests.get(folder["result"], timeout=PATIENCE).text.splitlines()]
    assert [row["data_row"]["global_key"] for row in rows] == [row["data_row"]["global_key"] for row in same]
    assert [list(row) for row in rows] == [list(row) for row in same]


def test_a_client_that_fetches_a_file_is_sent_to_the_store(own: ServedWorld, s3: S3Server) -> None:
    mine = own.workspace()
    url = find_file(mine, export(mine, mine.project("text"))["id"])
    way = requests.get(url, allow_redirects=False, timeout=PATIENCE)
    assert (way.status_code, way.headers["location"].startswith(f"{s3.url}/{BUCKET}/own/life-")) == (302, True)
    sent = requests.get(url, timeout=PATIENCE)
    streamed = requests.get(url, headers={"Authorization": "Bearer other"}, allow_redirects=False, timeout=PATIENCE)
    assert (sent.status_code, streamed.status_code) == (200, 200)
    assert sent.content == streamed.content
    assert sent.headers["content-type"] == "application/x-ndjson"
    part = requests.get(url, headers={"Range": "bytes=10-19"}, timeout=PATIENCE)
    assert (part.status_code, part.content) == (206, sent.content[10:20])
    head = requests.head(url, timeout=PATIENCE)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(sent.content)))


def test_a_file_of_v1_is_in_the_store_too(own: ServedWorld, s3: S3Server) -> None:
    mine = own.workspace()
    answer = control(mine, LEGACY, id=mine.project("image"))["exportLabels"]
    while answer["shouldPoll"]:
        answer = control(mine, LEGACY, id=mine.project("image"))["exportLabels"]
    sent = requests.get(answer["downloadUrl"], timeout=PATIENCE)
    assert sent.url.startswith(s3.url)
    assert sent.json()[0]["ID"]


def test_a_fault_hits_the_bytes_although_clients_are_redirected(own: ServedWorld) -> None:
    mine = own.workspace()
    url = find_file(mine, export(mine, mine.project("image"))["id"])
    mine.fault("truncated", path="/_files/*", bytes=10)
    cut, whole = (requests.get(url, timeout=PATIENCE).content for _ in range(2))
    assert cut == whole[:-10]


def test_an_upload_is_kept_in_the_store_and_its_url_answers(own: ServedWorld, store: ObjectStore) -> None:
    body = write_body(write_operations(), write_map(["variables.file"]), write_part("1", b"x" * 300_000, "a.txt"))
    headers = {"Authorization": f"Bearer {own.api_key}", "Content-Type": FORM}
    answer = requests.post(own.graphql_url, data=body, headers=headers, timeout=PATIENCE).json()
    url = answer["data"]["uploadFile"]["url"]
    assert requests.get(url, timeout=PATIENCE).content == b"x" * 300_000
    assert requests.get(url, headers={"Range": "bytes=-3"}, timeout=PATIENCE).content == b"xxx"
    assert [name for name in names(store, "own") if "/uploads/" in name]


def test_nothing_of_a_workspace_is_left_when_it_is_reset_or_deleted(own: ServedWorld, store: ObjectStore) -> None:
    mine = own.workspace()
    for end in (mine.reset, mine.delete):
        task = export(mine, mine.project("image"))
        assert [name for name in names(store, "own") if task["id"] in name]
        end()
        assert [name for name in names(store, "own") if task["id"] in name] == []


def test_a_result_that_has_expired_is_deleted_in_the_store(own: ServedWorld, store: ObjectStore) -> None:
    mine = own.workspace()
    task = export(mine, mine.project("image"))
    mine.clock.advance(days=16)
    assert [name for name in names(store, "own") if task["id"] in name] == []


def test_a_server_without_a_kept_state_leaves_nothing_behind(s3: S3Server, store: ObjectStore) -> None:
    if ServedWorld.state_kind != "folder":
        pytest.skip("the session's states are in PostgreSQL, where they are kept")
    with ServedWorld("--results", f"s3://{BUCKET}/short") as world:
        export(world, world.projects["image"])
        assert names(store, "short")
    assert names(store, "short") == []


def test_results_of_a_kept_state_are_there_after_a_restart(s3: S3Server, tmp_path: Path) -> None:
    flags = ("--results", f"s3://{BUCKET}/kept", "--state", str(tmp_path / "state"))
    with ServedWorld(*flags) as world:
        task = export(world, world.projects["image"])
        before = requests.get(task["result"], timeout=PATIENCE).content
        port = world.url.rpartition(":")[2]
    with ServedWorld(*flags, "--port", port):
        assert requests.get(task["result"], timeout=PATIENCE).content == before


def test_a_server_that_is_killed_leaves_no_half_result_that_anyone_sees(
    s3: S3Server, store: ObjectStore, tmp_path: Path
) -> None:
    scenario = tmp_path / "large.toml"
    scenario.write_text(SCENARIO.replace("labelled = 2500", f"labelled = {ROWS}"))
    flags = ("--results", f"s3://{BUCKET}/killed", "--state", str(tmp_path / "state"), "--scenario", str(scenario))
    with ServedWorld(*flags, popen=subprocess.Popen) as world:
        task_id = control(world, EXPORT, id=world.projects["large"])["exportDataRowsInProject"]["taskId"]
        assert eventually(lambda: bool(names(store, "killed")), within=PATIENCE), "no part was written"
        os.kill(int(world.ready["pid"]), signal.SIGKILL)
    with ServedWorld(*flags) as world:
        task = control(world, TASK, id=task_id)["task"]
        if task["status"] == "FAILED":  # it was killed between two parts, or before the record
            assert (task["result"], names(store, "killed")) == (None, [])
            task = export(world, world.projects["large"])
        assert count_rows(world, task["id"]) == ROWS
        assert len(names(store, "killed")) > 2


def count_rows(world: ServedWorld, task_id: str) -> int:
    """The rows of a result, by the REST address, which is no signed link: those have the port of an earlier run."""
    headers = {"Authorization": f"Bearer {world.api_key}"}
    url = f"{world.rest_url}/export-results/{task_id}/{world.organization_id}"
    return len(requests.get(url, headers=headers, timeout=PATIENCE).content.splitlines())


def test_the_loss_of_the_store_is_reported_and_passes_by_itself() -> None:
    with s3_in_environment() as s3, ServedWorld("--results", f"s3://{BUCKET}/lost") as world:
        task = export(world, world.projects["image"])
        s3.stop()
        failed = export(world, world.projects["image"])
        assert failed["status"] == "FAILED"
        assert "The object store s3://results/lost failed: " in failed["metadata"]["failure"]
        refused = requests.get(task["result"], timeout=PATIENCE)
        assert (refused.status_code, refused.json()["code"]) == (409, "MOCKSERVER_RESOURCE_FAILED")
        assert ask(world, "{projects {id}}").data["projects"], "what needs no store is answered"
        assert eventually(lambda: ask_health(world).status_code == 503, within=PATIENCE)
        health = ask_health(world).json()
        assert (health["code"], "s3://results/lost" in health["message"]) == ("MOCKSERVER_NOT_READY", True)
        s3.start()
        assert eventually(lambda: ask_health(world).status_code == 200, within=PATIENCE)
        assert export(world, world.projects["image"])["status"] == "COMPLETE"
        gone = requests.get(task["result"], timeout=PATIENCE)
        assert gone.status_code == 404, "the store came back empty"


def ask_health(world: ServedWorld) -> requests.Response:
    return requests.get(f"{world.url}/_mock/health", timeout=PATIENCE)
