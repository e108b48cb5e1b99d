"""How long the official SDK waits for the server, and how much processor time the server uses.

Ten rows: how long it waits. Peer: as many calls that the server answers without work. Many rows: the server's processor
time. Peer: the SDK's own, as both run on the machine of a user's tests.
"""

import json
import statistics
import subprocess
from pathlib import Path
from typing import Any

from benchmarks import report, worlds
from benchmarks.processes import read_processor_seconds
from contract_tests.clients.environments import NEWEST, python_of
from contract_tests.serving import ServedWorld

ROWS = 10
MANY_ROWS, QUICK_ROWS = 100_000, 2_000
DETAILS = {"data_row_details": True, "label_details": True}
EVERY_SECTION = dict.fromkeys(
    ("attachments", "metadata_fields", "data_row_details", "project_details", "label_details", "performance_details"),
    True,
)
ROUNDS = 9
MANY_ROUNDS = 4
PROGRAM = Path(__file__).with_name("sdk_client.py")


def measure(quick: bool) -> None:
    report.print_title(f"labelbox {NEWEST} exports {ROWS} rows")
    with worlds.serve_street(ROWS) as server:
        measure_waiting(export(server, DETAILS, rounds=2 if quick else ROUNDS))
    rows = QUICK_ROWS if quick else MANY_ROWS
    with worlds.serve_street(rows) as server:
        for sections, params in (("every section but embeddings", EVERY_SECTION), ("labels alone", {})):
            report.print_title(f"labelbox {NEWEST} exports {rows:,} rows with {sections}")
            measure_processor(server, params, rows, rounds=1 if quick else MANY_ROUNDS)


def measure_processor(server: ServedWorld, params: dict[str, bool], rows: int, *, rounds: int) -> None:
    """Measures several exports, because the machine's speed drifts while server and SDK work in turns."""
    pid = int(server.ready["pid"])
    before = read_processor_seconds(pid)
    results = export(server, params, rounds=rounds)
    server_time, sdk_time = (
        (read_processor_seconds(pid) - before) / rounds,
        sum(float(one["busy"]) for one in results) / rounds,
    )
    assert {one["rows"] for one in results} == {rows}, "every row must be received"
    report.print_figure(
        "processor time of the server", server_time, "s", goal="<= 0.6 of the SDK's", peers={"of the SDK": sdk_time}
    )
    report.print_figure("the whole export", compute_median(results, "seconds"), "s")


def export(server: ServedWorld, params: dict[str, bool], *, rounds: int) -> list[dict[str, Any]]:
    urls = {"url": server.url, "graphql_url": server.graphql_url, "rest_url": server.rest_url}
    project = server.projects[worlds.PROJECT]
    return run_sdk(**urls, api_key=server.api_key, project=project, params=params, rounds=rounds)


def measure_waiting(results: list[dict[str, Any]]) -> None:
    first, later = results[0], results[1:]
    assert all(one["rows"] == ROWS for one in results), "every row must be received"
    calls = first["calls"]
    waited, floor = compute_median(later, "waited") * 1000, compute_median(later, "floor") * 1000
    report.print_figure(
        f"waiting for the server ({calls} calls)", waited, "ms", goal="< 60", peers={"empty calls": floor}
    )
    report.print_figure(
        "the same in the first export of a server", first["waited"] * 1000, "ms", peers={"later": waited}
    )
    report.print_figure("the whole export, with the SDK's own work", compute_median(later, "seconds") * 1000, "ms")
    report.print_figure("asleep between polls of the task", compute_median(later, "slept") * 1000, "ms")


def run_sdk(**arguments: object) -> list[dict[str, Any]]:
    command = [str(python_of(NEWEST)), str(PROGRAM), json.dumps(arguments)]
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    results: list[dict[str, Any]] = json.loads(finished.stdout.splitlines()[-1])
    return results


def compute_median(results: list[dict[str, Any]], name: str) -> float:
    return statistics.median(float(one[name]) for one in results)
