"""A project of a million pictures: the whole export with the server's peak memory, and searches.

Runs only if it is named: the world and its exports take 10 GB of disk and some minutes.
"""

import time
from typing import Any

from benchmarks import report, worlds
from benchmarks.documents import export_input
from benchmarks.export import GOALS, QUICK_ROWS, compute_rows_per_second, export_once
from benchmarks.export_client import download, wait_until_complete
from benchmarks.processes import read_memory, reset_peak
from benchmarks.raw_client import RawClient
from contract_tests.clients import documents
from contract_tests.serving import ServedWorld

MILLION = 1_000_000
IDS_LIMIT = 2_000
"""Ids in one search term."""
RESULTS_LIMIT = "12000"
"""MB: an export with every section is 5 GB."""
POLL_SECONDS = 0.002
ROUNDS = 3
PAGE = (
    "query($id: ID!, $from: ID, $first: Int){datasetDataRows(id: $id, from: $from, first: $first){nodes{id globalKey}}}"
)
HOUR = ["2024-12-12T05:00:00Z", "2024-12-12T06:00:00Z"]
"""One of the 600 hours in which rows were labelled."""


def measure(quick: bool) -> None:
    rows = QUICK_ROWS if quick else MILLION
    with worlds.serve_street(rows, options=("--results-limit", RESULTS_LIMIT)) as server:
        for sections in (False, True):
            title = "every section but embeddings" if sections else "no section"
            report.print_title(f"Export of {rows:,} image rows, {title}")
            measure_export(server, sections=sections)
        report.print_title(f"Searches in these {rows:,} rows, from the mutation to the last byte")
        measure_searches(server)


def measure_export(server: ServedWorld, *, sections: bool) -> None:
    """Measures one export: a million rows give a stable figure. The client downloads after the task is COMPLETE."""
    pid = int(server.ready["pid"])
    reset_peak(pid)
    result = export_once(server, sections=sections)
    report.print_figure(
        "rows from the mutation to the last byte", compute_rows_per_second(result), "rows/s", goal=GOALS[sections]
    )
    report.print_figure("bytes", result["bytes"] / 1e9, "GB")
    report.print_figure("memory of the server at its peak", read_memory(pid, "VmHWM"), "MiB", goal="<= 120")


def measure_searches(server: ServedWorld) -> None:
    client = RawClient(server.url, server.api_key)
    project, dataset = server.projects[worlds.PROJECT], server.ready["datasets"][worlds.PROJECT]
    page = client.ask(PAGE, {"id": dataset, "first": IDS_LIMIT})["datasetDataRows"]["nodes"]
    searches = {
        f"{len(page):,} data row ids": build_term("data_row_ids", [row["id"] for row in page]),
        f"{len(page):,} global keys": build_term("global_keys", [row["globalKey"] for row in page]),
        "an hour's activity": build_term("last_activity_at", HOUR),
        "an hour's labels": build_term("label_created_at", HOUR),
        "a batch that has none": build_term("batch_ids", [project]),
        "rows without a label": {"type": "task_queue_not_exist"},
        "two of them": [
            build_term("last_activity_at", HOUR),
            build_term("global_keys", [row["globalKey"] for row in page]),
        ],
    }
    for what, query in searches.items():
        terms = query if isinstance(query, list) else [query]
        took, rows = min(time_search(client, project, terms) for _ in range(ROUNDS))
        report.print_figure(f"{what}: {rows:,} rows", took * 1000, "ms", goal="< 1,000")


def build_term(name: str, values: list[str]) -> dict[str, object]:
    return documents.search_term(name, values)


def time_search(client: RawClient, project: str, terms: list[Any]) -> tuple[float, int]:
    """Exports the rows that match the terms; returns seconds and rows."""
    export = export_input(project, sections=False)
    export["filters"]["searchQuery"]["query"] = terms
    started = time.monotonic()
    answer = client.ask(documents.EXPORT_PROJECT, {"input": export})
    task = answer["exportDataRowsInProject"]["taskId"]
    wait_until_complete(client, task, poll_seconds=POLL_SECONDS)
    rows = download(client, task, None)[1] if has_rows(client, task) else 0
    return time.monotonic() - started, rows


def has_rows(client: RawClient, task: str) -> bool:
    stream = {"where": {"id": task}, "streamType": "RESULT"}
    return bool(client.ask(documents.GET_STREAM_HEADER, stream)["task"]["exportMetadataHeader"])
