"""A project of a million pictures: streamed whole, with the server's memory at its peak, and searched.

Not among the subjects that run without being named: the world and its exports take 10 GB of disk and some minutes.
"""

import time
from typing import Any

from benchmarks import report, worlds
from benchmarks.documents import export_input
from benchmarks.export import GOALS, QUICK_ROWS, export_once, rows_per_second
from benchmarks.export_client import download, wait_until_made
from benchmarks.processes import forget_peak, memory
from benchmarks.raw_client import RawClient
from contract_tests.clients import documents
from contract_tests.serving import ServedWorld

MILLION = 1_000_000
MOST_IDS = 2_000
"""In one term."""
RESULTS_LIMIT = "12000"
"""MB: an export with every section is 5 GB."""
LOOK_EVERY = 0.002
ROUNDS = 3
PAGE = (
    "query($id: ID!, $from: ID, $first: Int){datasetDataRows(id: $id, from: $from, first: $first){nodes{id globalKey}}}"
)
HOUR = ["2024-12-12T05:00:00Z", "2024-12-12T06:00:00Z"]
"""One of the 600 in which rows were labelled."""


def measure(quick: bool) -> None:
    rows = QUICK_ROWS if quick else MILLION
    with worlds.street(rows, options=("--results-limit", RESULTS_LIMIT)) as server:
        for sections in (False, True):
            title = "every section but embeddings" if sections else "no section"
            report.title(f"Export of {rows:,} image rows, {title}")
            measure_export(server, sections=sections)
        report.title(f"Searches in these {rows:,} rows, from the mutation to the last byte")
        measure_searches(server)


def measure_export(server: ServedWorld, *, sections: bool) -> None:
    """Once: a million rows are enough to be sure of. Written first, read afterwards, as a client must."""
    pid = int(server.ready["pid"])
    forget_peak(pid)
    found = export_once(server, sections=sections)
    report.figure("rows from the mutation to the last byte", rows_per_second(found), "rows/s", goal=GOALS[sections])
    report.figure("bytes", found["bytes"] / 1e9, "GB")
    report.figure("memory of the server at its peak", memory(pid, "VmHWM"), "MiB", goal="<= 120")


def measure_searches(server: ServedWorld) -> None:
    client = RawClient(server.url, server.api_key)
    project, dataset = server.projects[worlds.PROJECT], server.ready["datasets"][worlds.PROJECT]
    page = client.ask(PAGE, {"id": dataset, "first": MOST_IDS})["datasetDataRows"]["nodes"]
    searches = {
        f"{len(page):,} data row ids": term("data_row_ids", [row["id"] for row in page]),
        f"{len(page):,} global keys": term("global_keys", [row["globalKey"] for row in page]),
        "an hour's activity": term("last_activity_at", HOUR),
        "an hour's labels": term("label_created_at", HOUR),
        "a batch that has none": term("batch_ids", [project]),
        "rows without a label": {"type": "task_queue_not_exist"},
        "two of them": [term("last_activity_at", HOUR), term("global_keys", [row["globalKey"] for row in page])],
    }
    for what, asked in searches.items():
        terms = asked if isinstance(asked, list) else [asked]
        took, rows = min(timed(client, project, terms) for _ in range(ROUNDS))
        report.figure(f"{what}: {rows:,} rows", took * 1000, "ms", goal="< 1,000")


def term(name: str, values: list[str]) -> dict[str, object]:
    return documents.search_term(name, values)


def timed(client: RawClient, project: str, terms: list[Any]) -> tuple[float, int]:
    """Seconds and rows of an export of what the terms find."""
    asked = export_input(project, sections=False)
    asked["filters"]["searchQuery"]["query"] = terms
    started = time.monotonic()
    made = client.ask(documents.EXPORT_PROJECT, {"input": asked})
    task = made["exportDataRowsInProject"]["taskId"]
    wait_until_made(client, task, look_every=LOOK_EVERY)
    rows = download(client, task, None)[1] if has_rows(client, task) else 0
    return time.monotonic() - started, rows


def has_rows(client: RawClient, task: str) -> bool:
    stream = {"where": {"id": task}, "streamType": "RESULT"}
    return bool(client.ask(documents.GET_STREAM_HEADER, stream)["task"]["exportMetadataHeader"])
