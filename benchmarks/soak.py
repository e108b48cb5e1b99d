"""A long run of mixed requests with workspaces, exports and webhooks, in which memory and disk must stay flat.

`SOAK_REQUESTS` is their number (default 1,000,000; some 15 minutes), `SOAK_KINDS` their kinds, separated by commas.
"""

import os
import tempfile
import time
from pathlib import Path

from benchmarks import report
from benchmarks.processes import read_findings, read_memory, start_child
from benchmarks.soak_client import KINDS
from benchmarks.webhooks import start_receiver
from contract_tests.serving import ServedWorld

REQUESTS, QUICK_REQUESTS = 1_000_000, 20_000
CLIENTS = 4
ROUNDS = 10
GROWTH = 20
"""MiB by which memory may grow after the first round."""


def measure(quick: bool) -> None:
    requests = int(os.environ.get("SOAK_REQUESTS", QUICK_REQUESTS if quick else REQUESTS))
    kinds = os.environ.get("SOAK_KINDS", ",".join(KINDS)).split(",")
    report.print_title(f"{requests:,} requests of {CLIENTS} clients: {', '.join(kinds)}")
    with (
        tempfile.TemporaryDirectory() as folder,
        ServedWorld("--state", f"{folder}/state") as server,
        start_receiver() as (hook, _),
    ):
        soak(server, requests, kinds, Path(folder) / "state", hook)


def soak(server: ServedWorld, requests: int, kinds: list[str], state: Path, hook: str) -> None:
    pid, first = int(server.ready["pid"]), 0.0
    for number in range(ROUNDS):
        started = time.monotonic()
        clients = [
            start_child(
                "benchmarks.soak_client", url=server.url, name=f"client-{number}-{client}", kinds=kinds,
                receiver=hook, requests=requests // ROUNDS // CLIENTS,
            )
            for client in range(CLIENTS)
        ]  # fmt: skip
        wrong = sum(read_findings(client) for client in clients)
        resident = read_memory(pid, "VmRSS")
        first = first or resident
        done, rate = requests // ROUNDS * (number + 1), requests / ROUNDS / (time.monotonic() - started)
        print(f"  {done:>9,} requests: {resident:6.1f} MiB, {count_megabytes(state):7.1f} MB on the disk", end="")
        print(f", {rate:5.0f} requests/s, {wrong} answers 5xx")
    growth = read_memory(pid, "VmRSS") - first
    report.print_figure("memory growth since the first tenth", growth, "MiB", goal=f"<= {GROWTH}")
    per_request = growth * 1024 / (requests * (ROUNDS - 1) / ROUNDS)
    report.print_figure("that is, per request", per_request, "kB ")


def count_megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
