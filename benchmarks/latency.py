"""The latency of a small query while a large export is written and streamed. Peer: the same without an export."""

import subprocess
import time
from typing import Any

from benchmarks import report, worlds
from benchmarks.export import QUICK_ROWS, ROWS, export_once
from benchmarks.probe import READY
from benchmarks.processes import read_findings, start_child
from contract_tests.serving import ServedWorld

QUIET_SECONDS = 4.0

Times = list[float]


def measure(quick: bool) -> None:
    report.print_title("Latency of a small query during an export with every section")
    with worlds.serve_street(QUICK_ROWS if quick else ROWS) as server:
        probing = start_probe(server)
        time.sleep(0.5 if quick else QUIET_SECONDS)
        quiet = [took for _, took in read_findings(probing)]
        writing, streaming = export_under_probe(server)
    print_times("while it is written", writing, quiet)
    print_times("while it is streamed", streaming, quiet)


def start_probe(server: ServedWorld, project: str = "") -> subprocess.Popen[str]:
    """Starts a process that sends small queries, or exports a small project, until its findings are read; returns when
    it does so."""
    process = start_child("benchmarks.probe", url=server.url, api_key=server.api_key, project=project)
    assert process.stdout is not None, "children write to a pipe"
    assert process.stdout.readline() == READY
    return process


def export_under_probe(server: ServedWorld) -> tuple[Times, Times]:
    """Latencies while the export was written, and while it was streamed."""
    probing = start_probe(server)
    export = export_once(server, sections=True)
    sent: list[tuple[float, float]] = read_findings(probing)
    return select_times(sent, export, "started", "completed"), select_times(sent, export, "completed", "ended")


def select_times(sent: list[tuple[float, float]], export: dict[str, Any], start: str, end: str) -> Times:
    return [took for timestamp, took in sent if export[start] <= timestamp < export[end]]


def print_times(when: str, times: Times, quiet: Times) -> None:
    if not times:
        print(f"  no query was sent {when}: it was too short")
        return
    for name, share, goal in (("p50", 0.5, ""), ("p99", 0.99, "< 20"), ("max", 1.0, "")):
        peers = {"without an export": find_quantile(quiet, share) * 1000}
        report.print_figure(
            f"{name} {when} ({len(times)} queries)", find_quantile(times, share) * 1000, "ms", goal=goal, peers=peers
        )


def find_quantile(times: Times, share: float) -> float:
    """The time that this share of the queries did not exceed."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]
