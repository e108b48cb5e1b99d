"""Imports of 100,000 data rows and of 20,000 labels, and the latency of a small query beside them. Peer of the import's
time: json.dumps and json.loads of the same items."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from benchmarks import report, worlds
from benchmarks.latency import find_quantile, start_probe
from benchmarks.processes import read_findings, read_memory, read_processor_seconds, reset_peak
from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.importing import encode_lines, send_file
from contract_tests.rules.api.uploading import create_dataset, upsert, wait_for_task, write_item
from contract_tests.serving import ServedWorld

ROWS, QUICK_ROWS = 100_000, 1_000
LABELS, QUICK_LABELS = 20_000, 200
ROWS_OF_CHUNK = 5_000
POLL = 0.05
CREATE_BATCH = (
    "mutation($projectId: ID!, $input: CreateEmptyBatchInput!) {project(where: {id: $projectId})"
    " {createEmptyBatch(input: $input) {id}}}"
)
FILL_BATCH = (
    "mutation($projectId: ID!, $input: AddDataRowsToBatchInput!) {project(where: {id: $projectId})"
    " {addDataRowsToBatchAsync(input: $input) {taskId}}}"
)
GET_IMPORT = "query($where: AnnotationImportWhere!) {labelImport(where: $where) {state errorFileUrl}}"


def measure(quick: bool) -> None:
    rows, labels = (QUICK_ROWS, QUICK_LABELS) if quick else (ROWS, LABELS)
    with worlds.serve_default() as server:
        project = server.projects["image"]
        items = write_rows(create_dataset(server), rows)
        report.print_title(f"{rows:,} data rows by a manifest, from the first upload to the end of the task")
        print_import(server, items, lambda: import_rows(server, items), goal="< 20")
        add_to_project(server, project, labels)
        lines = [write_line(number) for number in range(labels)]
        report.print_title(f"{labels:,} labels by a file, until the import is FINISHED")
        print_import(server, lines, lambda: import_labels(server, project, lines), goal="< 10", memory_goal="<= 60")


def print_import(
    server: ServedWorld, items: list[Any], run: Callable[[], None], *, goal: str, memory_goal: str = ""
) -> None:
    """Prints time, processor time and memory of an import, and how long small queries took beside it."""
    pid = int(server.ready["pid"])
    reset_peak(pid)
    memory, processor = read_memory(pid, "VmRSS"), read_processor_seconds(pid)
    probing = start_probe(server)
    started = time.monotonic()
    run()
    ended = time.monotonic()
    processor = read_processor_seconds(pid) - processor
    beside = [took for sent, took in read_findings(probing) if started <= sent < ended]
    report.print_figure("time", ended - started, "s ", goal=goal, peers={"as JSON, to and fro": time_json(items)})
    report.print_figure("the server's processor time, with the queries'", processor, "s ")
    report.print_figure("peak memory over that before", read_memory(pid, "VmHWM") - memory, "MiB", goal=memory_goal)
    for name, share, aim in (("p50", 0.5, ""), ("p99", 0.99, "< 20"), ("max", 1.0, "")):
        what = f"{name} of {len(beside)} small queries beside it"
        report.print_figure(what, find_quantile(beside, share) * 1000, "ms", goal=aim)


def time_json(items: list[Any]) -> float:
    started = time.perf_counter()
    json.loads(json.dumps(items))
    return time.perf_counter() - started


def write_rows(dataset: str, count: int) -> list[dict[str, Any]]:
    """The items of a manifest, as SDKs write them."""
    return [
        write_item(
            dataset, row_data=f"https://files.example/{number}.jpg", global_key=f"row-{number}", external_id=str(number)
        )
        for number in range(count)
    ]


def import_rows(server: ServedWorld, items: list[dict[str, Any]]) -> None:
    chunks = [items[first : first + ROWS_OF_CHUNK] for first in range(0, len(items), ROWS_OF_CHUNK)]
    task = wait_for_task(server, upsert(server, *chunks)["id"])
    assert task["status"] == "COMPLETE", task


def add_to_project(server: ServedWorld, project: str, count: int) -> None:
    """Adds the first of the imported data rows to the project, which can be labelled then."""
    batch = ask_in(server, CREATE_BATCH, projectId=project, input={"name": "imported"})["project"]["createEmptyBatch"]
    keys = [f"row-{number}" for number in range(count)]
    settings = {"batchId": batch["id"], "globalKeys": keys, "priority": 5}
    task = ask_in(server, FILL_BATCH, projectId=project, input=settings)["project"]["addDataRowsToBatchAsync"]
    ended = wait_for_task(server, task["taskId"])
    assert ended["status"] == "COMPLETE", ended


def write_line(number: int) -> dict[str, Any]:
    """One box, as a line of a label import."""
    box = {"top": number % 100, "left": 5, "height": 20.5, "width": 30}
    return {"uuid": str(uuid.UUID(int=number)), "name": "Car", "dataRow": {"globalKey": f"row-{number}"}, "bbox": box}


def import_labels(server: ServedWorld, project: str, lines: list[dict[str, Any]]) -> None:
    answer = send_file(server, "labels", project, "labels", encode_lines(lines))
    assert "errors" not in answer, answer
    where = {"projectId": project, "name": "labels"}
    while (record := ask_in(server, GET_IMPORT, where=where)["labelImport"])["state"] == "RUNNING":
        time.sleep(POLL)
    assert record["state"] == "FINISHED", record
