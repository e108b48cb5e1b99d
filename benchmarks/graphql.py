"""Small GraphQL queries per second. Peers: a route of the same server that does nothing, and moto's page."""

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import report, worlds
from benchmarks.documents import GET_USER, LIST_PROJECTS, get_project
from benchmarks.load import CONNECTIONS, measure_rate, name_generator
from benchmarks.processes import find_free_port, start_process
from benchmarks.startup import MOTO_PAGE, moto_command, wait_until_answered
from contract_tests.serving import ServedWorld

ROUNDS = 3
SECONDS = 3.0
GOAL = ">= 3,000"


def measure(quick: bool) -> None:
    report.print_title(f"GraphQL: answers per second, {CONNECTIONS} connections, load by {name_generator()}")
    rounds, seconds = (1, 1.0) if quick else (ROUNDS, SECONDS)
    with worlds.serve_default() as server, serve_moto() as moto_url:
        rounds_of_rates = [measure_round(server, moto_url, seconds) for _ in range(rounds)]
    user, project, projects, health, page = (statistics.median(rates) for rates in zip(*rounds_of_rates, strict=True))
    peers = {"the same server's /_mock/health": health, "moto's /moto-api/": page}
    report.print_figure("the user, as SDKs ask", user, "/s", goal=GOAL, peers=peers)
    report.print_figure("a project by id, as SDKs ask", project, "/s", goal=GOAL, peers=peers)
    report.print_figure(
        "the eleven projects of the default world", projects, "/s", goal="ratio to health >= 0.2", peers=peers
    )


def measure_round(server: ServedWorld, moto_url: str, seconds: float) -> tuple[float, float, float, float, float]:
    key, project = server.api_key, get_project(server.projects["image"])
    return (
        measure_rate(server.graphql_url, seconds, body=GET_USER, api_key=key),
        measure_rate(server.graphql_url, seconds, body=project, api_key=key),
        measure_rate(server.graphql_url, seconds, body=LIST_PROJECTS, api_key=key),
        measure_rate(f"{server.url}/_mock/health", seconds),
        measure_rate(moto_url, min(seconds, 2.0)),
    )


@contextmanager
def serve_moto() -> Iterator[str]:
    """Runs moto_server; yields the URL of its page."""
    port = find_free_port()
    with (
        tempfile.TemporaryDirectory(prefix="moto-") as folder,
        start_process(moto_command(port), Path(folder)) as process,
    ):
        wait_until_answered(process, port, MOTO_PAGE)
        yield f"http://127.0.0.1:{port}/moto-api/"
