"""The official SDK exports ten rows: how long it waits for us. Peer: as many calls that the server answers at once."""

import json
import statistics
import subprocess
from pathlib import Path
from typing import Any

from benchmarks import report, worlds
from contract_tests.clients.environments import python_of

SDK_VERSION = "7.17.0"
ROWS = 10
ROUNDS = 9
PROGRAM = Path(__file__).with_name("sdk_client.py")


def measure(quick: bool) -> None:
    report.title(f"labelbox {SDK_VERSION} exports {ROWS} rows")
    with worlds.street(ROWS) as server:
        rounds = ROUNDS if not quick else 2
        project = server.projects[worlds.PROJECT]
        urls = {"url": server.url, "graphql_url": server.graphql_url, "rest_url": server.rest_url}
        found = run_sdk(**urls, api_key=server.api_key, project=project, rounds=rounds)
    first, later = found[0], found[1:]
    assert all(one["rows"] == ROWS for one in found), "every row must come"
    calls = first["calls"]
    waited, floor = median(later, "waited") * 1000, median(later, "floor") * 1000
    report.figure(f"waiting for us ({calls} calls)", waited, "ms", goal="< 60", peers={"empty calls": floor})
    report.figure("the same in the first export of a server", first["waited"] * 1000, "ms", peers={"later": waited})
    report.figure("the whole export, the SDK's own work with it", median(later, "seconds") * 1000, "ms")
    report.figure("asleep between looks at the task", median(later, "slept") * 1000, "ms")


def run_sdk(**arguments: object) -> list[dict[str, Any]]:
    command = [str(python_of(SDK_VERSION)), str(PROGRAM), json.dumps(arguments)]
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: list[dict[str, Any]] = json.loads(finished.stdout.splitlines()[-1])
    return found


def median(found: list[dict[str, Any]], name: str) -> float:
    return statistics.median(float(one[name]) for one in found)
