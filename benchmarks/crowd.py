"""Concurrent exports: 50 workspaces that export 1,000 rows each, and health while four large exports are streamed.

Peers: one workspace that exports as many rows alone; health without an export.
"""

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from benchmarks import report, worlds
from benchmarks.export import QUICK_ROWS, ROWS, compute_rows_per_second, export_once
from benchmarks.latency import Times, find_quantile
from benchmarks.processes import read_findings, start_child
from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer

WORKSPACES, QUICK_WORKSPACES = 50, 5
ROWS_EACH = 1000
STREAMS = 4
PAUSE = 0.002


def measure(quick: bool) -> None:
    number = QUICK_WORKSPACES if quick else WORKSPACES
    report.print_title(f"{number} workspaces export {ROWS_EACH:,} image rows each, concurrently")
    with worlds.serve_street(number * ROWS_EACH) as server:
        alone = compute_rows_per_second(export_once(server, sections=False))
    with worlds.serve_street(ROWS_EACH) as server:
        measure_crowd(server, number, alone)
    report.print_title(f"/_mock/health while {STREAMS} exports with every section are written and streamed")
    with worlds.serve_street(QUICK_ROWS if quick else ROWS) as server:
        measure_health(server)


def measure_crowd(server: ServedWorld, number: int, alone: float) -> None:
    harness = MockServer.from_url(server.url)
    workspaces = [harness.workspace() for _ in range(number)]
    keys = [(item.api_key, item.project(worlds.PROJECT)) for item in workspaces]
    crowd = read_findings(start_child("benchmarks.crowd_client", url=server.url, keys=keys))
    ends = [one["ended"] - crowd["started"] for one in crowd["exports"]]
    rows = sum(one["rows"] for one in crowd["exports"])
    report.print_figure("rows of all of them", rows / max(ends), "rows/s", peers={"one export of as many rows": alone})
    report.print_figure("the first has all its rows after", min(ends), "s")
    report.print_figure("the last", max(ends), "s")
    report.print_figure("exports that failed", sum(one["rows"] != ROWS_EACH for one in crowd["exports"]), "", goal="0")


def measure_health(server: ServedWorld) -> None:
    quiet = [took for _, took in poll_health(server.url, time.monotonic() + 2)]
    latencies, exports = export_concurrently(server)
    print_p99("while they are written", select_times(latencies, exports, "started", "completed"), quiet)
    latencies, exports = export_concurrently(server, task=exports[0]["task"])
    print_p99("while they are streamed", select_times(latencies, exports, "completed", "ended"), quiet)


def export_concurrently(server: ServedWorld, **options: object) -> tuple[list[tuple[float, float]], list[Any]]:
    """Polls health while several clients export or download the task; returns latencies and the clients' findings."""
    project = server.projects[worlds.PROJECT]
    arguments = {"url": server.url, "api_key": server.api_key, "project": project, "sections": True}
    exports = [start_child("benchmarks.export_client", **arguments, **options) for _ in range(STREAMS)]
    with ThreadPoolExecutor(1) as prober:
        ends: list[float] = []
        probing = prober.submit(poll_health_until_ended, server.url, ends)
        results = [read_findings(export) for export in exports]
        ends.append(time.monotonic())
        return probing.result(), results


def select_times(sent: list[tuple[float, float]], exports: list[Any], start: str, end: str) -> Times:
    """Latencies while all exports were in this phase."""
    first, last = max(one[start] for one in exports), min(one[end] for one in exports)
    return [took for timestamp, took in sent if first <= timestamp < last]


def print_p99(when: str, times: Times, quiet: Times) -> None:
    if times:
        peers = {"without an export": find_quantile(quiet, 0.99) * 1000}
        report.print_figure(
            f"p99 {when} ({len(times)} polls)", find_quantile(times, 0.99) * 1000, "ms", goal="<= 10", peers=peers
        )


def poll_health_until_ended(url: str, ends: list[float]) -> list[tuple[float, float]]:
    latencies: list[tuple[float, float]] = []
    while not ends:
        latencies += poll_health(url, time.monotonic() + 0.2)
    return latencies


def poll_health(url: str, until: float) -> list[tuple[float, float]]:
    """Polls health on a kept connection; returns [timestamp of sending, seconds] of each poll."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    latencies = []
    while time.monotonic() < until:
        sent = time.monotonic()
        connection.request("GET", "/_mock/health")
        connection.getresponse().read()
        latencies.append((sent, time.monotonic() - sent))
        time.sleep(PAUSE)
    connection.close()
    return latencies
