"""Start-up: the time from spawning a server to its first answer, and its memory when idle. Peer: moto_server."""

import http.client
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import report, worlds
from benchmarks.documents import GET_USER
from benchmarks.environments import install_mockserver, install_moto
from benchmarks.processes import find_free_port, read_memory, read_processor_seconds, start_process

READY_WITHIN_SECONDS = 30.0
POLL_SECONDS = 0.001
SETTLE = 0.3
ROUNDS = 7

Command = Callable[[int], list[str]]
Probe = tuple[str, str, str | None, dict[str, str]]

GRAPHQL: Probe = ("POST", "/graphql", GET_USER, {"Authorization": "Bearer mock-api-key"})
MOTO_PAGE: Probe = ("GET", "/moto-api/", None, {})


def measure(quick: bool) -> None:
    report.print_title("Start-up: until the first answer (GraphQL; moto: its page)")
    worlds.prepare("default")
    server_starts, moto_starts = [], []
    for _ in range(2 if quick else ROUNDS + 1):
        server_starts.append(time_start(serve_command, GRAPHQL))
        moto_starts.append(time_start(moto_command, MOTO_PAGE))
    # The first round fills the page cache.
    seconds, processor, idle = compute_medians(server_starts[1:])
    seconds_of_moto, processor_of_moto, idle_of_moto = compute_medians(moto_starts[1:])
    report.print_figure(
        "spawn to first answer", seconds * 1000, "ms ", goal="ratio <= 0.75", peers={"moto": seconds_of_moto * 1000}
    )
    report.print_figure(
        "processor time of that",
        processor * 1000,
        "ms ",
        goal="ratio <= 0.75",
        peers={"moto": processor_of_moto * 1000},
    )
    report.print_figure("memory when idle", idle, "MiB", goal="<= 44", peers={"moto": idle_of_moto})


def serve_command(port: int) -> list[str]:
    return [str(install_mockserver()), "-m", "mockserver", "serve", "--port", str(port)]


def moto_command(port: int) -> list[str]:
    return [str(install_moto()), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]


def time_start(command: Command, request: Probe) -> tuple[float, float, float]:
    """(seconds until the first 200, those of the processor, MiB a little later)."""
    port = find_free_port()
    with tempfile.TemporaryDirectory(prefix="startup-") as folder:
        started = time.monotonic()
        with start_process(command(port), Path(folder)) as process:
            wait_until_answered(process, port, request)
            seconds = time.monotonic() - started
            processor = read_processor_seconds(process.pid)
            time.sleep(SETTLE)
            return seconds, processor, read_memory(process.pid, "VmRSS")


def wait_until_answered(process: subprocess.Popen[bytes], port: int, request: Probe) -> None:
    """Waits until the server answers with 200."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while not is_answered(port, request):
        assert process.poll() is None, f"{process.args!r} ended with status {process.returncode}"
        assert time.monotonic() < deadline, f"{process.args!r} gave no answer"
        time.sleep(POLL_SECONDS)


def is_answered(port: int, request: Probe) -> bool:
    method, path, body, headers = request
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_WITHIN_SECONDS)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status == 200
    except ConnectionError:
        return False
    finally:
        connection.close()


def compute_medians(starts: list[tuple[float, float, float]]) -> tuple[float, ...]:
    return tuple(map(statistics.median, zip(*starts, strict=True)))
