"""Export V1 of labels, from the first question to the last byte, and the frames of one long video.

Peers: `json.dumps` of the same elements one by one, which is how a mock is written first; and the same bytes of frames
served as a plain file by `python -m http.server`.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import report, worlds
from benchmarks.export import served_rate
from benchmarks.legacy_client import url_of_labels
from benchmarks.processes import child, findings, forget_peak, memory
from benchmarks.raw_client import RawClient
from contract_tests.rules.api.clips import LONG, served_clips
from contract_tests.serving import ServedWorld

LABELS, QUICK_LABELS = 100_000, 2_000
FRAMES, QUICK_FRAMES = 100_000, 5_000
ROUNDS = 3
DUMPED = 2_000


def measure(quick: bool) -> None:
    labels = QUICK_LABELS if quick else LABELS
    with worlds.street(labels) as server:
        report.title(f"Export V1 of {labels:,} labels of images")
        measure_labels(server, quick)
    frames = QUICK_FRAMES if quick else FRAMES
    with tempfile.TemporaryDirectory(prefix="frames-") as folder, served_clips(Path(folder), long=frames) as found:
        report.title(f"Frames of one video, {frames:,} of them with one box each")
        measure_frames(*found, quick=quick, folder=Path(folder))


def measure_labels(server: ServedWorld, quick: bool) -> None:
    pid = int(server.ready["pid"])
    idle = memory(pid, "VmRSS")
    forget_peak(pid)
    project = server.projects[worlds.PROJECT]
    found = []
    for _ in range(1 if quick else ROUNDS):
        found.append(one(server, "labels", project=project))
        server.own.clock.advance(minutes=31)  # or the next would be given the same file
    peak = memory(pid, "VmHWM")
    rate = statistics.median(measured["labels"] / measured["seconds"] for measured in found)
    peers = {"json.dumps per element": dumped_rate(server, project)}
    report.figure("labels from the question to the last byte", rate, "labels/s", goal=">= 15,000", peers=peers)
    report.figure("that is", rate * found[0]["bytes"] / found[0]["labels"] / 1e6, "MB/s")
    report.figure("memory at its peak, over idle", peak - idle, "MiB", goal="<= 40")


def measure_frames(server: ServedWorld, labels: list[str], *, quick: bool, folder: Path) -> None:
    pid = int(server.ready["pid"])
    idle = memory(pid, "VmRSS")
    forget_peak(pid)
    found = [one(server, "frames", label=labels[LONG]) for _ in range(1 if quick else ROUNDS)]
    peak = memory(pid, "VmHWM")
    copy = folder / "frames.ndjson"
    one(server, "frames", label=labels[LONG], copy_to=str(copy))
    rate = statistics.median(measured["lines"] / measured["seconds"] for measured in found)
    peers = {"the same bytes as a plain file": served_rate([copy])}
    report.figure("frames from the request to the last byte", rate, "frames/s", goal=">= 100,000", peers=peers)
    first = statistics.median(measured["first"] for measured in found)
    report.figure("time to the first byte", first * 1000, "ms", goal="< 20")
    report.figure("memory at its peak, over idle", peak - idle, "MiB", goal="<= 40")


def one(server: ServedWorld, what: str, **how: object) -> dict[str, Any]:
    started = child("benchmarks.legacy_client", what=what, url=server.url, api_key=server.api_key, **how)
    found: dict[str, Any] = findings(started)
    return found


def dumped_rate(server: ServedWorld, project: str) -> float:
    """Elements per second of only encoding dictionaries that already are there, and writing them."""
    elements = first_elements(server, project)
    with tempfile.TemporaryFile("w") as target:
        started = time.monotonic()
        for element in elements:
            target.write(json.dumps(element) + ",\n")
        return len(elements) / (time.monotonic() - started)


def first_elements(server: ServedWorld, project: str) -> list[Any]:
    client = RawClient(server.url, server.api_key)
    with tempfile.TemporaryDirectory(prefix="elements-") as folder:
        copy = Path(folder) / "labels.json"
        client.download(url_of_labels(client, project), copy)
        found: list[Any] = json.loads(copy.read_bytes())
    return found[:DUMPED]
