"""An export end to end, from the mutation to the last byte.

Peers: the same bytes written and served as plain files by `python -m http.server`, which is about as fast as Python
can be; and `json.dumps` of the same rows one by one, which is the simplest way to write a mock.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import report, worlds
from benchmarks.processes import find_free_port, read_findings, read_memory, reset_peak, start_child, start_process
from benchmarks.startup import wait_until_answered
from contract_tests.serving import ServedWorld

ROWS, QUICK_ROWS = 100_000, 2_000
ROWS_WITH_EMBEDDINGS = 10_000
ROUNDS = 3
DUMPED_ROWS = 2_000
GOALS = {False: ">= 80,000", True: ">= 40,000"}


def measure(quick: bool) -> None:
    rows = QUICK_ROWS if quick else ROWS
    with worlds.serve_street(rows) as server:
        for sections in (False, True):
            report.print_title(
                f"Export of {rows:,} image rows, {'every section but embeddings' if sections else 'no section'}"
            )
            measure_export(server, 1 if quick else ROUNDS, sections=sections)
    with worlds.serve_street(QUICK_ROWS if quick else ROWS_WITH_EMBEDDINGS, embeddings=True) as server:
        report.print_title("The same with embeddings (512 numbers per row), for information")
        result = export_once(server, sections=True, embeddings=True)
        report.print_figure("rows", compute_rows_per_second(result), "rows/s")
        report.print_figure("bytes", result["bytes"] / compute_seconds(result) / 1e6, "MB/s")


def measure_export(server: ServedWorld, rounds: int, *, sections: bool) -> None:
    pid = int(server.ready["pid"])
    idle = read_memory(pid, "VmRSS")
    reset_peak(pid)
    results = [export_once(server, sections=sections) for _ in range(rounds)]
    peak = read_memory(pid, "VmHWM")
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        export_once(server, sections=sections, copy_to=folder)
        files = sorted(Path(folder).iterdir())
        peers = {
            "the same bytes as plain files": measure_file_server(files),
            "json.dumps per row": measure_json_dumps(files),
        }
    print_results(results, peers, GOALS[sections])
    report.print_figure("memory at its peak, over idle", peak - idle, "MiB", goal="<= 40")


def print_results(results: list[dict[str, Any]], peers: dict[str, float], goal: str) -> None:
    rate = statistics.median(compute_rows_per_second(result) for result in results)
    per_row = results[0]["bytes"] / results[0]["rows"]
    report.print_figure("rows from the mutation to the last byte", rate, "rows/s", goal=goal, peers=peers)
    report.print_figure("that is", rate * per_row / 1e6, f"MB/s of {per_row:,.0f} bytes a row")
    writing = statistics.median(one["rows"] / (one["completed"] - one["started"]) for one in results)
    downloading = statistics.median(one["rows"] / (one["ended"] - one["completed"]) for one in results)
    report.print_figure("until the task is COMPLETE", writing, "rows/s")
    report.print_figure("from then on (downloading)", downloading, "rows/s")


def export_once(server: ServedWorld, **options: object) -> dict[str, Any]:
    project = server.projects[worlds.PROJECT]
    started = start_child(
        "benchmarks.export_client", url=server.url, api_key=server.api_key, project=project, **options
    )
    result: dict[str, Any] = read_findings(started)
    return result


def compute_seconds(result: dict[str, Any]) -> float:
    return float(result["ended"] - result["started"])


def compute_rows_per_second(result: dict[str, Any]) -> float:
    return float(result["rows"] / compute_seconds(result))


def measure_file_server(files: list[Path]) -> float:
    """Rows per second of writing these files anew and fetching them from http.server."""
    with tempfile.TemporaryDirectory(prefix="files-") as name:
        folder, writing = Path(name), 0.0
        for file in files:
            content = file.read_bytes()
            started = time.monotonic()
            (folder / file.name).write_bytes(content)
            writing += time.monotonic() - started
        port = find_free_port()
        command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
        with start_process(command, folder) as process:
            wait_until_answered(process, port, ("GET", "/", None, {}))
            names = [file.name for file in files]
            result = read_findings(start_child("benchmarks.files_client", url=f"http://127.0.0.1:{port}", names=names))
    return float(result["lines"] / (writing + result["seconds"]))


def measure_json_dumps(files: list[Path]) -> float:
    """Rows per second of only encoding and writing dictionaries that already exist."""
    lines = files[0].read_bytes().splitlines()[:DUMPED_ROWS]
    rows = [json.loads(line) for line in lines]
    with tempfile.TemporaryFile("w") as target:
        started = time.monotonic()
        for row in rows:
            target.write(json.dumps(row) + "\n")
        return len(rows) / (time.monotonic() - started)
