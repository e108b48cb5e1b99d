"""Export V1 of labels, from the first request to the last byte, and the frames of one long video.

Peers: `json.dumps` of the same elements one by one, which is the simplest way to write a mock; and the same bytes of
frames, served as a plain file by `python -m http.server`.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import report, worlds
from benchmarks.export import measure_file_server
from benchmarks.legacy_client import request_labels
from benchmarks.processes import read_findings, read_memory, reset_peak, start_child
from benchmarks.raw_client import RawClient
from contract_tests.rules.api.clips import LONG, serve_clips
from contract_tests.serving import ServedWorld

LABELS, QUICK_LABELS = 100_000, 2_000
FRAMES, QUICK_FRAMES = 100_000, 5_000
ROUNDS = 3
DUMPED = 2_000


def measure(quick: bool) -> None:
    labels = QUICK_LABELS if quick else LABELS
    with worlds.serve_street(labels) as server:
        report.print_title(f"Export V1 of {labels:,} labels of images")
        measure_labels(server, quick)
    frames = QUICK_FRAMES if quick else FRAMES
    with (
        tempfile.TemporaryDirectory(prefix="frames-") as folder,
        serve_clips(Path(folder), long=frames) as (server, clips),
    ):
        report.print_title(f"Frames of one video, {frames:,} of them with one box each")
        measure_frames(server, clips, quick=quick, folder=Path(folder))


def measure_labels(server: ServedWorld, quick: bool) -> None:
    pid = int(server.ready["pid"])
    idle = read_memory(pid, "VmRSS")
    reset_peak(pid)
    project = server.projects[worlds.PROJECT]
    results = []
    for _ in range(1 if quick else ROUNDS):
        results.append(run_client(server, "labels", project=project))
        server.own.clock.advance(minutes=31)  # otherwise the next request gets the same file
    peak = read_memory(pid, "VmHWM")
    rate = statistics.median(measured["labels"] / measured["seconds"] for measured in results)
    peers = {"json.dumps per element": measure_json_dumps(server, project)}
    report.print_figure("labels from the request to the last byte", rate, "labels/s", goal=">= 15,000", peers=peers)
    report.print_figure("that is", rate * results[0]["bytes"] / results[0]["labels"] / 1e6, "MB/s")
    report.print_figure("memory at its peak, over idle", peak - idle, "MiB", goal="<= 40")


def measure_frames(server: ServedWorld, labels: list[str], *, quick: bool, folder: Path) -> None:
    pid = int(server.ready["pid"])
    idle = read_memory(pid, "VmRSS")
    reset_peak(pid)
    results = [run_client(server, "frames", label=labels[LONG]) for _ in range(1 if quick else ROUNDS)]
    peak = read_memory(pid, "VmHWM")
    copy = folder / "frames.ndjson"
    run_client(server, "frames", label=labels[LONG], copy_to=str(copy))
    rate = statistics.median(measured["lines"] / measured["seconds"] for measured in results)
    peers = {"the same bytes as a plain file": measure_file_server([copy])}
    report.print_figure("frames from the request to the last byte", rate, "frames/s", goal=">= 100,000", peers=peers)
    first = statistics.median(measured["first"] for measured in results)
    report.print_figure("time to the first byte", first * 1000, "ms", goal="< 20")
    report.print_figure("memory at its peak, over idle", peak - idle, "MiB", goal="<= 40")


def run_client(server: ServedWorld, what: str, **options: object) -> dict[str, Any]:
    started = start_child("benchmarks.legacy_client", what=what, url=server.url, api_key=server.api_key, **options)
    result: dict[str, Any] = read_findings(started)
    return result


def measure_json_dumps(server: ServedWorld, project: str) -> float:
    """Elements per second of only encoding and writing dictionaries that already exist."""
    elements = load_elements(server, project)
    with tempfile.TemporaryFile("w") as target:
        started = time.monotonic()
        for element in elements:
            target.write(json.dumps(element) + ",\n")
        return len(elements) / (time.monotonic() - started)


def load_elements(server: ServedWorld, project: str) -> list[Any]:
    client = RawClient(server.url, server.api_key)
    with tempfile.TemporaryDirectory(prefix="elements-") as folder:
        copy = Path(folder) / "labels.json"
        client.download(request_labels(client, project), copy)
        elements: list[Any] = json.loads(copy.read_bytes())
    return elements[:DUMPED]
