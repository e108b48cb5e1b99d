"""The harness: creating, forking and resetting workspaces; concurrent clients; the plugin's cost for a pytest session.

Peers: for workspaces a copy of a file as large as the world; for the plugin the same pytest without it.
"""

import http.client
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from benchmarks import report, worlds
from benchmarks.environments import create_environment, install_packages
from benchmarks.processes import read_memory, read_processor_seconds
from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer, MockWorkspace

T = TypeVar("T")

ROUNDS = 30
CLIENTS = 16
REQUESTS = 10_000
TRIVIAL = "def test_nothing():\n    pass\n"
FIRST = "def test_first(labelbox_mock):\n    assert labelbox_mock.projects\n"


def measure(quick: bool) -> None:
    report.print_title("Workspaces of a world of 100 rows (medians)")
    with worlds.serve_street(100) as server:
        harness = MockServer.from_url(server.url)
        measure_workspaces(harness, int(server.ready["pid"]), 5 if quick else ROUNDS)
    report.print_title(f"{CLIENTS} clients, each in a workspace of its own")
    with worlds.serve_default() as server:
        measure_crowd(server, 800 if quick else REQUESTS)
    report.print_title("A pytest session")
    measure_plugin(3 if quick else 9)


def measure_workspaces(harness: MockServer, pid: int, rounds: int) -> None:
    """Measures calls of the harness over HTTP, as a test waits for them, and the server's processor time in them."""
    harness.workspace().delete()
    created = measure_calls(pid, [harness.workspace] * rounds)
    forked = measure_calls(pid, [workspace.fork for workspace in created.results])
    reset = measure_calls(pid, [fork.reset for fork in forked.results])
    for workspace in (*created.results, *forked.results):
        workspace.delete()
    peer = {"copy of as large a file": statistics.median(time_copy() for _ in range(rounds)) * 1000}
    measured = (("created from the scenario", created), ("forked", forked), ("reset", reset))
    for what, calls in measured:
        report.print_figure(what, calls.seconds * 1000, "ms ", goal="<= 20", peers=peer)
        report.print_figure(f"{what}: processor time", calls.processor * 1000, "ms ", peers=peer)


class Calls(NamedTuple, Generic[T]):
    """Calls of one kind: the median of their time, and the server's processor time of one."""

    results: list[T]
    seconds: float
    processor: float


def measure_calls(pid: int, calls: Sequence[Callable[[], T]]) -> Calls[T]:
    before = read_processor_seconds(pid)
    timed = [measure_seconds(call) for call in calls]
    processor = (read_processor_seconds(pid) - before) / len(calls)
    return Calls([result for _, result in timed], statistics.median(seconds for seconds, _ in timed), processor)


def measure_seconds(call: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def time_copy() -> float:
    """Seconds for a copy of a file as large as a world."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "world"
        source.write_bytes(bytes(600_000))
        return measure_seconds(lambda: shutil.copyfile(source, Path(folder) / "copy"))[0]


def measure_crowd(server: ServedWorld, requests: int) -> None:
    """Checks every answer: no client may see another's workspace."""
    harness = MockServer.from_url(server.url)
    workspaces = [harness.workspace(seed=number) for number in range(CLIENTS)]
    pid = int(server.ready["pid"])
    query_all(workspaces, requests // 10)
    before = read_memory(pid, "VmRSS")
    seconds, wrong = measure_seconds(lambda: query_all(workspaces, requests))
    report.print_figure("answers a second", requests / seconds, "/s ")
    report.print_figure("answers of another workspace", wrong, "   ", goal="0")
    grown = read_memory(pid, "VmRSS") - before
    report.print_figure(
        "memory growth during this, for the journal", grown, "MiB", goal=f"<= {requests * 1.2 / 1024:.0f}"
    )


def query_all(workspaces: list[MockWorkspace], requests: int) -> int:
    """Sends requests from all workspaces; returns how many answers were those of another workspace."""
    with ThreadPoolExecutor(CLIENTS) as threads:
        return sum(threads.map(lambda workspace: query_repeatedly(workspace, requests // CLIENTS), workspaces))


def query_repeatedly(workspace: MockWorkspace, times: int) -> int:
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
    python = create_environment("pytest")
    install_packages(python, "pytest", "--reinstall-package", "labelbox-mockserver", str(Path(__file__).parents[1]))
    loaded, without, first = [], [], []
    for _ in range(rounds):  # in turns, and the minimum of each: the difference is smaller than the machine's drift
        loaded.append(time_session(python, TRIVIAL))
        without.append(time_session(python, TRIVIAL, "-p", "no:labelbox_mockserver"))
        first.append(time_session(python, FIRST))
    peer = {"the same without the plugin": min(without) * 1000}
    report.print_figure("a session that does not use it", min(loaded) * 1000, "ms ", goal="at most 15 more", peers=peer)
    start = min(first) - min(loaded)
    report.print_figure("more until the first test has passed", start * 1000, "ms ", goal="<= 600")


def time_session(python: Path, test: str, *flags: str) -> float:
    """Seconds of a pytest session with one test."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_it.py").write_text(test)
        command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *flags, folder]
        return measure_seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder))[0]
