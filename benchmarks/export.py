"""An export end to end, from the mutation to the last byte.

Peers: the same bytes written and served as plain files by `python -m http.server`, which is about as fast as Python
moves them; and `json.dumps` of the same rows one by one, which is how a mock is written first.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import report, worlds
from benchmarks.processes import child, findings, forget_peak, free_port, memory, running
from benchmarks.startup import wait_for
from contract_tests.serving import ServedWorld

ROWS, QUICK_ROWS = 100_000, 2_000
ROWS_WITH_EMBEDDINGS = 10_000
ROUNDS = 3
DUMPED_ROWS = 2_000
GOALS = {False: ">= 80,000", True: ">= 40,000"}


def measure(quick: bool) -> None:
    rows = QUICK_ROWS if quick else ROWS
    with worlds.street(rows) as server:
        for sections in (False, True):
            report.title(
                f"Export of {rows:,} image rows, {'every section but embeddings' if sections else 'no section'}"
            )
            measure_export(server, 1 if quick else ROUNDS, sections=sections)
    with worlds.street(QUICK_ROWS if quick else ROWS_WITH_EMBEDDINGS, embeddings=True) as server:
        report.title("The same with embeddings (512 numbers a row), for information")
        found = export_once(server, sections=True, embeddings=True)
        report.figure("rows", rows_per_second(found), "rows/s")
        report.figure("bytes", found["bytes"] / seconds_of(found) / 1e6, "MB/s")


def measure_export(server: ServedWorld, rounds: int, *, sections: bool) -> None:
    pid = int(server.ready["pid"])
    idle = memory(pid, "VmRSS")
    forget_peak(pid)
    found = [export_once(server, sections=sections) for _ in range(rounds)]
    peak = memory(pid, "VmHWM")
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        export_once(server, sections=sections, copy_to=folder)
        files = sorted(Path(folder).iterdir())
        peers = {"the same bytes as plain files": served_rate(files), "json.dumps per row": dumped_rate(files)}
    show(found, peers, GOALS[sections])
    report.figure("memory at its peak, over idle", peak - idle, "MiB", goal="<= 40")


def show(found: list[dict[str, Any]], peers: dict[str, float], goal: str) -> None:
    rate = statistics.median(rows_per_second(one) for one in found)
    per_row = found[0]["bytes"] / found[0]["rows"]
    report.figure("rows from the mutation to the last byte", rate, "rows/s", goal=goal, peers=peers)
    report.figure("that is", rate * per_row / 1e6, f"MB/s of {per_row:,.0f} bytes a row")
    making = statistics.median(one["rows"] / (one["made"] - one["started"]) for one in found)
    loading = statistics.median(one["rows"] / (one["ended"] - one["made"]) for one in found)
    report.figure("of which making", making, "rows/s")
    report.figure("of which downloading", loading, "rows/s")


def export_once(server: ServedWorld, **how: object) -> dict[str, Any]:
    project = server.projects[worlds.PROJECT]
    started = child("benchmarks.export_client", url=server.url, api_key=server.api_key, project=project, **how)
    found: dict[str, Any] = findings(started)
    return found


def seconds_of(found: dict[str, Any]) -> float:
    return float(found["ended"] - found["started"])


def rows_per_second(found: dict[str, Any]) -> float:
    return float(found["rows"] / seconds_of(found))


def served_rate(files: list[Path]) -> float:
    """Rows per second of writing these files anew and fetching them from http.server."""
    with tempfile.TemporaryDirectory(prefix="files-") as name:
        folder, writing = Path(name), 0.0
        for file in files:
            content = file.read_bytes()
            started = time.monotonic()
            (folder / file.name).write_bytes(content)
            writing += time.monotonic() - started
        port = free_port()
        command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
        with running(command, folder) as process:
            wait_for(process, port, ("GET", "/", None, {}))
            names = [file.name for file in files]
            found = findings(child("benchmarks.files_client", url=f"http://127.0.0.1:{port}", names=names))
    return float(found["lines"] / (writing + found["seconds"]))


def dumped_rate(files: list[Path]) -> float:
    """Rows per second of only encoding dictionaries that already are there, and writing them."""
    lines = files[0].read_bytes().splitlines()[:DUMPED_ROWS]
    rows = [json.loads(line) for line in lines]
    with tempfile.TemporaryFile("w") as target:
        started = time.monotonic()
        for row in rows:
            target.write(json.dumps(row) + "\n")
        return len(rows) / (time.monotonic() - started)
