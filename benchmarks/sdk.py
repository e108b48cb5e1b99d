"""What the official SDK has of us, and what we cost beside it.

Ten rows: how long it waits. Peer: as many calls that the server answers at once. Many rows: the server's processor time
beside the SDK's own, as both run on the machine of whoever tests.
"""

import json
import statistics
import subprocess
from pathlib import Path
from typing import Any

from benchmarks import report, worlds
from benchmarks.processes import processor_seconds
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
    report.title(f"labelbox {NEWEST} exports {ROWS} rows")
    with worlds.street(ROWS) as server:
        measure_waiting(exported(server, DETAILS, rounds=2 if quick else ROUNDS))
    rows = QUICK_ROWS if quick else MANY_ROWS
    with worlds.street(rows) as server:
        for sections, params in (("every section but embeddings", EVERY_SECTION), ("labels alone", {})):
            report.title(f"labelbox {NEWEST} exports {rows:,} rows with {sections}")
            measure_processor(server, params, rows, rounds=1 if quick else MANY_ROUNDS)


def measure_processor(server: ServedWorld, params: dict[str, bool], rows: int, *, rounds: int) -> None:
    """Over several exports, as a machine may be twice as fast while the one works as while the other does."""
    pid = int(server.ready["pid"])
    before = processor_seconds(pid)
    found = exported(server, params, rounds=rounds)
    ours, theirs = (processor_seconds(pid) - before) / rounds, sum(float(one["busy"]) for one in found) / rounds
    assert {one["rows"] for one in found} == {rows}, "every row must come"
    report.figure("processor time of the server", ours, "s", goal="<= 0.6 of the SDK's", peers={"of the SDK": theirs})
    report.figure("the whole export", median(found, "seconds"), "s")


def exported(server: ServedWorld, params: dict[str, bool], *, rounds: int) -> list[dict[str, Any]]:
    urls = {"url": server.url, "graphql_url": server.graphql_url, "rest_url": server.rest_url}
    project = server.projects[worlds.PROJECT]
    return run_sdk(**urls, api_key=server.api_key, project=project, params=params, rounds=rounds)


def measure_waiting(found: list[dict[str, Any]]) -> None:
    first, later = found[0], found[1:]
    assert all(one["rows"] == ROWS for one in found), "every row must come"
    calls = first["calls"]
    waited, floor = median(later, "waited") * 1000, median(later, "floor") * 1000
    report.figure(f"waiting for us ({calls} calls)", waited, "ms", goal="< 60", peers={"empty calls": floor})
    report.figure("the same in the first export of a server", first["waited"] * 1000, "ms", peers={"later": waited})
    report.figure("the whole export, the SDK's own work with it", median(later, "seconds") * 1000, "ms")
    report.figure("asleep between looks at the task", median(later, "slept") * 1000, "ms")


def run_sdk(**arguments: object) -> list[dict[str, Any]]:
    command = [str(python_of(NEWEST)), str(PROGRAM), json.dumps(arguments)]
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: list[dict[str, Any]] = json.loads(finished.stdout.splitlines()[-1])
    return found


def median(found: list[dict[str, Any]], name: str) -> float:
    return statistics.median(float(one[name]) for one in found)
