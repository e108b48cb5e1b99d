"""How long a small query takes while a large export is made and streamed. Peer: the same without an export."""

import subprocess
import time
from typing import Any

from benchmarks import report, worlds
from benchmarks.export import QUICK_ROWS, ROWS, export_once
from benchmarks.processes import child, findings
from contract_tests.serving import ServedWorld

QUIET_SECONDS = 4.0

Times = list[float]


def measure(quick: bool) -> None:
    report.title("Latency of a small query beside an export with every section")
    with worlds.street(QUICK_ROWS if quick else ROWS) as server:
        probing = probe(server)
        time.sleep(0.5 if quick else QUIET_SECONDS)
        quiet = [took for _, took in findings(probing)]
        making, streaming = beside_an_export(server)
    show("while it is made", making, quiet)
    show("while it is streamed", streaming, quiet)


def probe(server: ServedWorld) -> subprocess.Popen[str]:
    """Sends small queries until its findings are asked for."""
    return child("benchmarks.probe", url=server.url, api_key=server.api_key)


def beside_an_export(server: ServedWorld) -> tuple[Times, Times]:
    """Latencies while the export was made, and while it was streamed."""
    probing = probe(server)
    export = export_once(server, sections=True)
    sent: list[tuple[float, float]] = findings(probing)
    return within(sent, export, "started", "made"), within(sent, export, "made", "ended")


def within(sent: list[tuple[float, float]], export: dict[str, Any], start: str, end: str) -> Times:
    return [took for moment, took in sent if export[start] <= moment < export[end]]


def show(when: str, times: Times, quiet: Times) -> None:
    for name, share, goal in (("p50", 0.5, ""), ("p99", 0.99, "< 20"), ("max", 1.0, "")):
        peers = {"without an export": at(quiet, share) * 1000}
        report.figure(f"{name} {when} ({len(times)} queries)", at(times, share) * 1000, "ms", goal=goal, peers=peers)


def at(times: Times, share: float) -> float:
    """The time that so large a share did not exceed."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]
