"""Imports of 100,000 data rows and of 20,000 labels, with small queries and small exports beside them; data rows
created one by one; a project that an SDK builds.

Peer of an import's time: json.dumps and json.loads of the same items.
"""

import json
import subprocess
import time
import uuid
from collections.abc import Callable
from typing import Any

from benchmarks import report, worlds
from benchmarks.documents import CREATE_DATA_ROW, GET_USER
from benchmarks.environments import REPOSITORY
from benchmarks.latency import find_quantile, start_probe
from benchmarks.processes import read_findings, read_memory, read_processor_seconds, reset_peak
from benchmarks.raw_client import RawClient
from contract_tests.clients.environments import NEWEST, python_of
from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.importing import encode_lines, send_file
from contract_tests.rules.api.uploading import create_dataset, upsert, wait_for_task, write_item
from contract_tests.serving import ServedWorld

ROWS, QUICK_ROWS = 100_000, 1_000
LABELS, QUICK_LABELS = 20_000, 200
ROWS_OF_CHUNK = 5_000
POLL = 0.05
SDK_ROWS = 100
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
    measure_imports(quick)
    report.print_title("Data rows created one by one, with the SDK's document, by one client that keeps its connection")
    with worlds.serve_default() as server:
        rows, users, processor = measure_changes(server, 100 if quick else 2_000)
    report.print_figure("rows", rows, "/s", goal=">= 500", peers={"the user, by the same client": users})
    report.print_figure("the server's processor time of one", processor * 1000, "ms ")
    measure_building(1 if quick else 3)


def measure_building(times: int) -> None:
    report.print_title(f"labelbox {NEWEST} builds an ontology, {SDK_ROWS} data rows, a project, its batch and labels")
    with worlds.serve_default() as server:
        findings = [build_by_sdk(server, f"built-{number}") for number in range(times)]
    seconds = [one["seconds"] - one["slept"] for one in findings]
    report.print_figure("beyond the SDK's own sleeps", min(seconds), "s ", goal="<= 1.5")
    report.print_figure("the same in a server's first project", seconds[0], "s ")
    report.print_figure("asleep", findings[-1]["slept"], "s ")
    report.print_figure("waiting for the server", findings[-1]["waited"], "s ")


def measure_imports(quick: bool) -> None:
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
    probes = {"queries": start_probe(server), "exports": start_probe(server, server.projects["text"])}
    started = time.monotonic()
    run()
    ended = time.monotonic()
    processor = read_processor_seconds(pid) - processor
    beside = {
        what: [took for sent, took in read_findings(probe) if started <= sent < ended] for what, probe in probes.items()
    }
    report.print_figure("time", ended - started, "s ", goal=goal, peers={"as JSON, to and fro": time_json(items)})
    report.print_figure("the server's processor time, with those beside it", processor, "s ")
    report.print_figure("peak memory over that before", read_memory(pid, "VmHWM") - memory, "MiB", goal=memory_goal)
    for what, times in beside.items():
        for name, share, aim in (("p50", 0.5, ""), ("p99", 0.99, "< 20"), ("max", 1.0, "")):
            label = f"{name} of {len(times)} small {what} beside it"
            report.print_figure(label, find_quantile(times, share) * 1000, "ms", goal=aim)


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


def measure_changes(server: ServedWorld, times: int) -> tuple[float, float, float]:
    """(rows a second, answers about the user a second, seconds of the server's processor for one row)."""
    client, pid = RawClient(server.url, server.api_key), int(server.ready["pid"])
    dataset = next(iter(server.ready["datasets"].values()))
    for number in range(20):
        create_row(client, dataset, f"first-{number}")
    before = read_processor_seconds(pid)
    started = time.perf_counter()
    for number in range(times):
        create_row(client, dataset, f"row-{number}")
    seconds, processor = time.perf_counter() - started, read_processor_seconds(pid) - before
    started = time.perf_counter()
    for _ in range(times):
        client.post(GET_USER)
    return times / seconds, times / (time.perf_counter() - started), processor / times


def create_row(client: RawClient, dataset: str, name: str) -> None:
    row = {"row_data": f"https://files.example/{name}.jpg", "external_id": name, "global_key": name, "dataset": dataset}
    client.ask(CREATE_DATA_ROW, row)


def build_by_sdk(server: ServedWorld, name: str) -> dict[str, float]:
    """Seconds in total, asleep and waiting for answers, of a project that the SDK builds."""
    arguments = {"graphql_url": server.graphql_url, "rest_url": server.rest_url, "api_key": server.api_key}
    program = ["-m", "benchmarks.sdk_builder", json.dumps({**arguments, "name": name, "rows": SDK_ROWS})]
    command = [str(python_of(NEWEST)), *program]
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    findings: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    return findings
