"""Many workspaces that export at the same time: none fails, and none waits until the long exports of others end."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from contract_tests.clients.test_large_export import SCENARIO
from contract_tests.rules.api.asking import ask_in
from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer, MockWorkspace

WORKSPACES = 50
ROWS = 1000
PATIENCE = 120
EXPORT = "mutation($id: ID!) {exportDataRowsInProject(input: {filters: {projectId: $id}}) {taskId}}"
TASK = "query($id: ID!) {task(where: {id: $id}) {status result}}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    file: Path = tmp_path_factory.mktemp("crowd") / "crowd.toml"
    file.write_text(SCENARIO.replace("labelled = 2500", f"labelled = {ROWS}"))
    with ServedWorld("--scenario", str(file)) as served:
        yield served


@pytest.fixture(scope="module")
def workspaces(world: ServedWorld) -> list[MockWorkspace]:
    harness = MockServer.from_url(world.url)
    return [harness.workspace() for _ in range(WORKSPACES)]


def start(workspace: MockWorkspace) -> str:
    answer = ask_in(workspace, EXPORT, id=workspace.project("large"))
    return str(answer["exportDataRowsInProject"]["taskId"])


def finish(workspace: MockWorkspace, task_id: str) -> tuple[float, str]:
    """(the moment it ended, the result's URL)."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        task = ask_in(workspace, TASK, id=task_id)["task"]
        if task["status"] != "IN_PROGRESS":
            assert task["status"] == "COMPLETE"
            return time.monotonic(), str(task["result"])
        time.sleep(0.05)
    raise AssertionError(f"the export {task_id} did not end")


def test_fifty_workspaces_export_at_the_same_time_and_all_get_their_rows(workspaces: list[MockWorkspace]) -> None:
    def count_rows(workspace: MockWorkspace) -> int:
        _, result = finish(workspace, start(workspace))
        return len(requests.get(result, timeout=PATIENCE).content.splitlines())

    with ThreadPoolExecutor(WORKSPACES) as clients:
        assert list(clients.map(count_rows, workspaces)) == [ROWS] * WORKSPACES


def test_a_workspace_with_a_heap_of_exports_does_not_keep_the_others_waiting(workspaces: list[MockWorkspace]) -> None:
    greedy, *modest = workspaces[:11]
    heap = [start(greedy) for _ in range(10)]
    with ThreadPoolExecutor(10) as clients:
        ends = list(clients.map(lambda workspace: finish(workspace, start(workspace))[0], modest))
    last_of_heap = max(finish(greedy, task)[0] for task in heap)
    assert all(ends)
    assert min(ends) < last_of_heap
