"""Many at once: 50 workspaces that export 1,000 rows each, and health while four large exports are streamed.

Peers: one workspace that exports as many rows alone; health without an export.
"""

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from benchmarks import report, worlds
from benchmarks.export import QUICK_ROWS, ROWS, export_once, rows_per_second
from benchmarks.latency import Times, at
from benchmarks.processes import child, findings
from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer

WORKSPACES, QUICK_WORKSPACES = 50, 5
ROWS_EACH = 1000
STREAMS = 4
PAUSE = 0.002


def measure(quick: bool) -> None:
    number = QUICK_WORKSPACES if quick else WORKSPACES
    report.title(f"{number} workspaces export {ROWS_EACH:,} image rows each, at once")
    with worlds.street(number * ROWS_EACH) as server:
        alone = rows_per_second(export_once(server, sections=False))
    with worlds.street(ROWS_EACH) as server:
        measure_crowd(server, number, alone)
    report.title(f"/_mock/health while {STREAMS} exports with every section are made and streamed")
    with worlds.street(QUICK_ROWS if quick else ROWS) as server:
        measure_health(server)


def measure_crowd(server: ServedWorld, number: int, alone: float) -> None:
    harness = MockServer.from_url(server.url)
    workspaces = [harness.workspace() for _ in range(number)]
    asked = [(item.api_key, item.project(worlds.PROJECT)) for item in workspaces]
    found = findings(child("benchmarks.crowd_client", url=server.url, asked=asked))
    ends = [one["ended"] - found["started"] for one in found["exports"]]
    rows = sum(one["rows"] for one in found["exports"])
    report.figure("rows of all of them", rows / max(ends), "rows/s", peers={"one export of as many rows": alone})
    report.figure("the first has all its rows after", min(ends), "s")
    report.figure("the last", max(ends), "s")
    report.figure("exports that failed", sum(one["rows"] != ROWS_EACH for one in found["exports"]), "", goal="0")


def measure_health(server: ServedWorld) -> None:
    quiet = [took for _, took in probed(server.url, time.monotonic() + 2)]
    making, made = beside(server)
    show("p99 while they are made", within(making, made, "started", "made"), quiet)
    streaming, streamed = beside(server, task=made[0]["task"])
    show("p99 while they are streamed", within(streaming, streamed, "made", "ended"), quiet)


def beside(server: ServedWorld, **how: object) -> tuple[list[tuple[float, float]], list[Any]]:
    """Looks at health beside so many exports, or downloads of one that is there; and what these found."""
    project = server.projects[worlds.PROJECT]
    asked = {"url": server.url, "api_key": server.api_key, "project": project, "sections": True}
    exports = [child("benchmarks.export_client", **asked, **how) for _ in range(STREAMS)]
    with ThreadPoolExecutor(1) as prober:
        ends: list[float] = []
        probing = prober.submit(probed_until, server.url, ends)
        made = [findings(export) for export in exports]
        ends.append(time.monotonic())
        return probing.result(), made


def within(sent: list[tuple[float, float]], made: list[Any], start: str, end: str) -> Times:
    """While all of them were at it."""
    first, last = max(one[start] for one in made), min(one[end] for one in made)
    return [took for moment, took in sent if first <= moment < last]


def show(what: str, times: Times, quiet: Times) -> None:
    if times:
        peers = {"without an export": at(quiet, 0.99) * 1000}
        report.figure(f"{what} ({len(times)} looks)", at(times, 0.99) * 1000, "ms", goal="<= 10", peers=peers)


def probed_until(url: str, ends: list[float]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    while not ends:
        found += probed(url, time.monotonic() + 0.2)
    return found


def probed(url: str, until: float) -> list[tuple[float, float]]:
    """[moment it was sent, seconds] of looks at health on a kept connection."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    found = []
    while time.monotonic() < until:
        sent = time.monotonic()
        connection.request("GET", "/_mock/health")
        connection.getresponse().read()
        found.append((sent, time.monotonic() - sent))
        time.sleep(PAUSE)
    connection.close()
    return found
