"""Start-up: from spawning a server to its first answer; and what it holds in memory when idle. Peer: moto_server."""

import http.client
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import report, worlds
from benchmarks.documents import GET_USER
from benchmarks.environments import mockserver_python, moto_python
from benchmarks.processes import free_port, memory, running

READY_WITHIN_SECONDS = 30.0
LOOK_EVERY = 0.001
SETTLE = 0.3
ROUNDS = 7

Command = Callable[[int], list[str]]
Question = tuple[str, str, str | None, dict[str, str]]

GRAPHQL: Question = ("POST", "/graphql", GET_USER, {"Authorization": "Bearer mock-api-key"})
MOTO_PAGE: Question = ("GET", "/moto-api/", None, {})


def measure(quick: bool) -> None:
    report.title("Start-up: until the first answer (GraphQL; moto: its page)")
    worlds.prepare("default")
    ours, theirs = [], []
    for _ in range(2 if quick else ROUNDS + 1):
        ours.append(start(serve_command, GRAPHQL))
        theirs.append(start(moto_command, MOTO_PAGE))
    # The first round warms the page cache.
    seconds, held = medians(ours[1:])
    seconds_of_moto, held_by_moto = medians(theirs[1:])
    report.figure(
        "spawn to first answer", seconds * 1000, "ms ", goal="ratio <= 0.75", peers={"moto": seconds_of_moto * 1000}
    )
    report.figure("memory when idle", held, "MiB", goal="<= 60", peers={"moto": held_by_moto})


def serve_command(port: int) -> list[str]:
    return [str(mockserver_python()), "-m", "mockserver", "serve", "--port", str(port)]


def moto_command(port: int) -> list[str]:
    return [str(moto_python()), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]


def start(command: Command, question: Question) -> tuple[float, float]:
    """(seconds until the first 200, MiB held a little later)."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="startup-") as folder:
        started = time.monotonic()
        with running(command(port), Path(folder)) as process:
            wait_for(process, port, question)
            seconds = time.monotonic() - started
            time.sleep(SETTLE)
            return seconds, memory(process.pid, "VmRSS")


def wait_for(process: subprocess.Popen[bytes], port: int, question: Question) -> None:
    """Until the server answers."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while not answers(port, question):
        assert process.poll() is None, f"{process.args!r} ended with status {process.returncode}"
        assert time.monotonic() < deadline, f"{process.args!r} gave no answer"
        time.sleep(LOOK_EVERY)


def answers(port: int, question: Question) -> bool:
    method, path, body, headers = question
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_WITHIN_SECONDS)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status == 200
    except ConnectionError:
        return False
    finally:
        connection.close()


def medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)
