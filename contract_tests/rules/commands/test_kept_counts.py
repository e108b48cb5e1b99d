"""A server that is killed and started again goes on counting polls and faults where the last one ended."""

import os
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import requests

from contract_tests.databases import create_database
from contract_tests.serving import ServedWorld
from mockserver.world.postgres.tables import DATA

EXPORT = "mutation ($id: ID!) { exportDataRowsInProject(input: {filters: {projectId: $id}}) { taskId } }"
TASK = "query ($id: ID) { task(where: {id: $id}) { status metadata } }"
LEGACY = "mutation ($id: ID!) { exportLabels(data: {projectId: $id}) { downloadUrl shouldPoll } }"
TIMES = 12
"""Calls that the fault of the load hits."""
KILLED_AFTER = 5
"""Of these calls; then the server is killed while a further one is answered."""


@pytest.fixture(params=["folder", "postgres"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A state that is kept."""
    return str(tmp_path / "state") if request.param == "folder" else create_database()


UNFINISHED = (
    "SELECT (SELECT count(*) FROM {0}task WHERE status = 'IN_PROGRESS' AND NOT hangs)"
    " + (SELECT count(*) FROM {0}legacy_file WHERE status = 'IN_PROGRESS')"
)


POLLS = "SELECT sum(polls) FROM {0}legacy_file"


def read_number(state: str, query: str) -> int:
    """The answer of the state's database to a query, in which `{0}` precedes the names of tables."""
    if state.startswith("postgresql:"):
        with psycopg.connect(state) as raw:
            row = raw.execute(query.format(f"{DATA}.").encode()).fetchone()
            assert row is not None
            return int(row[0])
    [world] = Path(state).glob("workspaces/*/life-*/world.sqlite")
    with closing(sqlite3.connect(world)) as file:
        return int(file.execute(query.format("")).fetchone()[0])


def wait_for_exports(state: str) -> None:
    deadline = time.monotonic() + 60
    while read_number(state, UNFINISHED):
        assert time.monotonic() < deadline, "an export does not end"
        time.sleep(0.05)


def kill(world: ServedWorld) -> None:
    os.kill(world.ready["pid"], signal.SIGKILL)
    world.stop()


def start_export(world: ServedWorld) -> str:
    return str(world.ask(EXPORT, id=world.projects["image"])["exportDataRowsInProject"]["taskId"])


def poll(world: ServedWorld, task: str) -> str:
    return str(world.ask(TASK, id=task)["task"]["status"])


def poll_legacy(world: ServedWorld) -> bool:
    """Whether to poll again. The host is the same before and after a restart, because each has files of its own."""
    body = {"query": LEGACY, "variables": {"id": world.projects["image"]}}
    headers = {"Authorization": f"Bearer {world.api_key}", "Host": "localhost"}
    answer = requests.post(world.graphql_url, json=body, headers=headers, timeout=60).json()
    return bool(answer["data"]["exportLabels"]["shouldPoll"])


def test_polls_requested_failures_and_hanging_exports_are_those_of_the_server_that_was_killed(state: str) -> None:
    arguments = ("--state", state)
    with ServedWorld(*arguments, popen=subprocess.Popen) as world:
        own = world.own
        own.progression.set(exports={"looks": 3}, processing={"looks": 2})
        own.fault("export_fails", first=2, message="as a test wants it")
        own.fault("export_hangs", first=2)
        completes, fails, hangs = (start_export(world) for _ in range(3))
        wait_for_exports(state)
        assert [poll(world, completes), poll(world, completes), poll(world, fails)] == ["IN_PROGRESS"] * 3
        for _ in range(2):  # the first one polls a file that may not be written yet
            assert poll_legacy(world)
            wait_for_exports(state)
        remaining = 3 - read_number(state, POLLS)
        kill(world)
    with ServedWorld(*arguments) as world:
        assert [poll(world, completes) for _ in range(2)] == ["IN_PROGRESS", "COMPLETE"]
        assert [poll(world, fails) for _ in range(3)] == ["IN_PROGRESS", "IN_PROGRESS", "FAILED"]
        assert world.ask(TASK, id=fails)["task"]["metadata"] == {"failure": "as a test wants it"}
        legacy = [poll_legacy(world) for _ in range(4)]
        assert legacy == [True] * remaining + [False] * (4 - remaining)
        assert poll(world, hangs) == "IN_PROGRESS"
        assert world.ask("mutation ($id: ID!) { cancelBulkOperationJob(id: $id) { success } }", id=hangs)
        assert poll(world, hangs) == "CANCELED"
        assert [(fault["calls"], fault["hits"]) for fault in world.own.faults] == [(3, 1), (2, 1)]


class Load(threading.Thread):
    """A client that sends one call after another until the server has gone."""

    def __init__(self, world: ServedWorld) -> None:
        super().__init__()
        self._url, self._key = world.graphql_url, world.api_key
        self.hits = 0
        self.reached = threading.Event()

    def run(self) -> None:
        while True:
            try:
                status = call(self._url, self._key)
            except requests.RequestException:
                return
            self.hits += status == 503
            if self.hits >= KILLED_AFTER:
                self.reached.set()


def call(url: str, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return requests.post(url, json={"query": "{ user { id } }"}, headers=headers, timeout=60).status_code


def test_a_fault_hits_exactly_as_many_calls_as_were_requested_although_the_server_is_killed(state: str) -> None:
    arguments = ("--state", state)
    with ServedWorld(*arguments, scenario="empty", popen=subprocess.Popen) as world:
        world.own.fault("server_error", status=503, times=TIMES)
        load = Load(world)
        load.start()
        assert load.reached.wait(60)
        kill(world)
        load.join()
    with ServedWorld(*arguments, scenario="empty") as world:
        [fault] = world.own.faults
        assert fault["calls"] >= fault["hits"]
        assert load.hits <= fault["hits"] <= load.hits + 1, "the answer to the last call may have been lost"
        statuses = [call(world.graphql_url, world.api_key) for _ in range(TIMES)]
        assert statuses.count(503) == TIMES - fault["hits"]
        assert statuses == sorted(statuses, reverse=True), "first those that are hit"


def test_the_faults_of_a_scenario_are_there_once_and_those_that_were_removed_stay_so(
    state: str, tmp_path: Path
) -> None:
    scenario = tmp_path / "faulty.toml"
    scenario.write_text(
        'description = "Fails."\n[[faults]]\nfault = "server_error"\ntimes = 2\n[[faults]]\nfault = "slow"\n'
    )
    arguments = ("--state", state, "--scenario", str(scenario))
    for remaining in (["fault-1", "fault-2"], ["fault-2"], []):
        with ServedWorld(*arguments, popen=subprocess.Popen) as world:
            assert [fault["id"] for fault in world.own.faults] == remaining
            if remaining:
                requests.delete(f"{world.url}/_mock/faults/fault-{3 - len(remaining)}", timeout=60)
            kill(world)
    with ServedWorld(*arguments) as world:
        world.own.reset()
        assert [fault["id"] for fault in world.own.faults] == ["fault-1", "fault-2"]
