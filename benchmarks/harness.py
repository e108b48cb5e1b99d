"""The harness: workspaces made, forked and reset; many clients at once; what the plugin costs a pytest session.

Peers: for workspaces a copy of a file as large as the world; for the plugin the same pytest without it.
"""

import http.client
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from benchmarks import report, worlds
from benchmarks.environments import environment, install
from benchmarks.processes import memory
from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer, MockWorkspace

T = TypeVar("T")

ROUNDS = 30
CLIENTS = 16
REQUESTS = 10_000
TRIVIAL = "def test_nothing():\n    pass\n"
FIRST = "def test_first(labelbox_mock):\n    assert labelbox_mock.projects\n"


def measure(quick: bool) -> None:
    report.title("Workspaces of a world of 100 rows (medians)")
    with worlds.street(100) as server:
        harness = MockServer.from_url(server.url)
        measure_lives(harness, 5 if quick else ROUNDS)
    report.title(f"{CLIENTS} clients, each in a workspace of its own")
    with worlds.default() as server:
        measure_crowd(server, 800 if quick else REQUESTS)
    report.title("A pytest session")
    measure_plugin(3 if quick else 9)


def measure_lives(harness: MockServer, rounds: int) -> None:
    """Through HTTP and the harness, as a test waits for them."""
    made, forked, reset = [], [], []
    for _ in range(rounds):
        seconds, workspace = timed(harness.workspace)
        made.append(seconds)
        seconds, fork = timed(workspace.fork)
        forked.append(seconds)
        reset.append(timed(fork.reset)[0])
        fork.delete()
        workspace.delete()
    peer = {"copy of as large a file": statistics.median(copied() for _ in range(rounds)) * 1000}
    for what, seconds_of in {"made from the scenario": made, "forked": forked, "reset": reset}.items():
        report.figure(what, statistics.median(seconds_of) * 1000, "ms ", goal="<= 20", peers=peer)


def timed(call: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def copied() -> float:
    """Seconds for a copy of a file of a world's size."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "world"
        source.write_bytes(bytes(600_000))
        return timed(lambda: shutil.copyfile(source, Path(folder) / "copy"))[0]


def measure_crowd(server: ServedWorld, requests: int) -> None:
    """Every answer is checked: no client may see another's workspace."""
    harness = MockServer.from_url(server.url)
    workspaces = [harness.workspace(seed=number) for number in range(CLIENTS)]
    pid = int(server.ready["pid"])
    ask_all(workspaces, requests // 10)
    before = memory(pid, "VmRSS")
    seconds, wrong = timed(lambda: ask_all(workspaces, requests))
    report.figure("answers a second", requests / seconds, "/s ")
    report.figure("answers of another workspace", wrong, "   ", goal="0")
    report.figure("memory grown meanwhile", memory(pid, "VmRSS") - before, "MiB", goal="about 0")


def ask_all(workspaces: list[MockWorkspace], requests: int) -> int:
    """How many answers were not the asker's own."""
    with ThreadPoolExecutor(CLIENTS) as threads:
        return sum(threads.map(lambda workspace: ask_many(workspace, requests // CLIENTS), workspaces))


def ask_many(workspace: MockWorkspace, times: int) -> int:
    host = workspace.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    body = json.dumps({"query": "{ organization { id } }"})
    wrong = 0
    for _ in range(times):
        connection.request("POST", "/graphql", body, headers)
        answer = json.loads(connection.getresponse().read())
        wrong += answer["data"]["organization"]["id"] != workspace.organization_id
    connection.close()
    return wrong


def measure_plugin(rounds: int) -> None:
    python = environment("pytest")
    install(python, "pytest", "--reinstall-package", "labelbox-mockserver", str(Path(__file__).parents[1]))
    with_it, without, first = [], [], []
    for _ in range(rounds):  # in turns, and the least of each: the difference is smaller than what machines drift by
        with_it.append(session(python, TRIVIAL))
        without.append(session(python, TRIVIAL, "-p", "no:mockserver"))
        first.append(session(python, FIRST))
    loaded = min(with_it)
    peer = {"the same without the plugin": min(without) * 1000}
    report.figure("a session that does not use it", loaded * 1000, "ms ", goal="at most 15 more", peers=peer)
    started = min(first) - loaded
    report.figure("more until the first test is through", started * 1000, "ms ", goal="<= 600")


def session(python: Path, test: str, *flags: str) -> float:
    """Seconds of a pytest session with one test."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_it.py").write_text(test)
        command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *flags, folder]
        return timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder))[0]
