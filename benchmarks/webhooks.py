"""Webhooks from the outbox to a fast local receiver: deliveries a second, memory while many wait, time until arrival.

Peer: requests sessions in 16 threads that sign and post a body of the same size to the same receiver.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import report, worlds
from benchmarks.latency import find_quantile
from benchmarks.processes import read_findings, read_memory, reset_peak, start_child
from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer, MockWorkspace

ROWS, QUICK_ROWS = 100_000, 2_000
EVENTS = 200
TOPICS = [
    "LABEL_CREATED", "LABEL_UPDATED", "REVIEW_CREATED", "REVIEW_UPDATED", "REVIEW_DELETED", "WORKFLOW_ACTION",
    "LABEL_DELETED",
]  # fmt: skip
OTHER_EVENTS = ["ISSUE_CREATED", "ISSUE_UPDATED", "ISSUE_DELETED", "METADATA_UPDATED"]
"""Events without a topic: only their answer is waited for."""
SECRET = "CHANGE-ME"
THREADS = 16


@contextmanager
def start_receiver() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Runs a receiver; yields its URL and process."""
    process = start_child("benchmarks.receiver", secret=SECRET)
    assert process.stdout is not None, "children write to a pipe"
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/hook", process
    finally:
        process.kill()
        process.wait()


def measure(quick: bool) -> None:
    rows = QUICK_ROWS if quick else ROWS
    report.print_title(f"Webhooks: {rows:,} deliveries that wait, then go to a receiver that checks each signature")
    # Half of the labels are deleted for the deliveries; the other half is left for the events.
    with worlds.serve_street(2 * rows) as server:
        workspace = MockServer.from_url(server.url).own
        measure_waiting(server, workspace, rows)
        size = measure_sending(workspace, rows)
        measure_peer(size, 50 if quick else 300)
        measure_events(workspace, rows, 10 if quick else EVENTS)


def measure_waiting(server: ServedWorld, workspace: MockWorkspace, rows: int) -> None:
    """Creates a delivery for each label while no receiver listens, and measures the memory."""
    pid = int(server.ready["pid"])
    labels = list_labels(server, rows)
    idle = read_memory(pid, "VmRSS")
    reset_peak(pid)
    # No receiver listens on port 1. Ordered deliveries: all wait for the first one, which is retried.
    workspace.webhook("http://127.0.0.1:1/hook", secret=SECRET, ordered=True, retries=[86_400])
    started = time.perf_counter()
    for start in range(0, len(labels), 1000):
        batch = labels[start : start + 1000]
        server.ask("mutation($ids: [ID!]!) { deleteLabels(labelIds: $ids) { id } }", ids=batch)
    took = time.perf_counter() - started
    report.print_figure("labels deleted, with a delivery each", rows / took, "a second")
    report.print_figure("peak memory over idle", read_memory(pid, "VmHWM") - idle, "MiB", goal="<= 40")


def list_labels(server: ServedWorld, rows: int) -> list[str]:
    query = "query($id: ID!, $skip: Int) { project(where: {id: $id}) { labels(skip: $skip, first: 5000) { id } } }"
    project = server.projects[worlds.PROJECT]
    labels: list[str] = []
    for skip in range(0, rows, 5000):
        labels += [label["id"] for label in server.ask(query, id=project, skip=skip)["project"]["labels"]]
    return labels[:rows]


def measure_sending(workspace: MockWorkspace, rows: int) -> int:
    """Measures how fast the waiting deliveries are sent; returns the bytes of a body."""
    with start_receiver() as (url, process):
        update_webhook(workspace, url=url, ordered=False)
        workspace.clock.advance(days=2)
        while not is_settled(workspace):
            time.sleep(0.05)
        messages = read_findings(process)
    assert (messages["received"], messages["wrong"]) == (rows, 0), (
        f"{messages['received']} of {rows} were received, {messages['wrong']} with a wrong signature"
    )
    sent = rows / (messages["last"] - messages["first"])
    report.print_figure("sent, signed and recorded", sent, "a second", goal=">= 5,000")
    return len(get_deliveries(workspace, first="1")["deliveries"][0]["body"])


def measure_peer(size: int, each: int) -> None:
    with start_receiver() as (url, process):
        peer = read_findings(
            start_child(
                "benchmarks.webhook_client", url=url, secret=SECRET, body="x" * size, threads=THREADS, each=each
            )
        )
        read_findings(process)
    report.print_figure(f"requests in {THREADS} threads, {size:,} bytes each", peer, "a second")


def measure_events(workspace: MockWorkspace, rows: int, each: int) -> None:
    """Measures events with the labels that are left and all attempts on record."""
    report.print_title(
        f"From the call that creates an event until its message has arrived, {rows:,} attempts on record"
    )
    update_webhook(workspace, status="INACTIVE")
    with start_receiver() as (url, process):
        subscription = workspace.webhook(url, secret=SECRET, retries="none")
        calls_by_event = {event: [create_event(workspace, event) for _ in range(each)] for event in TOPICS}
        delivery_ids = {item["event_no"]: item["id"] for item in list_deliveries(workspace, subscription)}
        arrivals = read_findings(process)["arrivals"]
    for event, calls in calls_by_event.items():
        print_times(event, [arrivals[delivery_ids[number]] - began for number, began, _ in calls])
    report.print_title("From the call that creates an event without a topic until its answer")
    for event in OTHER_EVENTS:
        print_times(event, [took for _, _, took in (create_event(workspace, event) for _ in range(each))])


def create_event(workspace: MockWorkspace, event: str) -> tuple[int, float, float]:
    """Creates an event; returns its number, the time of the call, and the seconds until the answer."""
    time.sleep(0.01)
    began = time.time()
    answer = workspace.event(event, worlds.PROJECT)
    return answer["event_nos"][0], began, time.time() - began


def print_times(event: str, times: list[float]) -> None:
    figures = {name: find_quantile(times, share) * 1000 for name, share in (("p50", 0.5), ("p99", 0.99))}
    report.print_figure(f"{event} p50 of {len(times)}", figures["p50"], "ms")
    report.print_figure(f"{event} p99", figures["p99"], "ms", goal="< 50")


def list_deliveries(workspace: MockWorkspace, subscription: str) -> Iterator[dict[str, Any]]:
    after: int | None = 0
    while after is not None:
        page = get_deliveries(workspace, webhook=subscription, wait="30", after=str(after))
        yield from page["deliveries"]
        after = page["next_after"]


def update_webhook(workspace: MockWorkspace, **fields: Any) -> None:
    workspace._control.call("PATCH", "webhooks/last", fields, api_key=workspace.api_key)


def get_deliveries(workspace: MockWorkspace, **query: str) -> dict[str, Any]:
    answer: dict[str, Any] = workspace._control.call("GET", "deliveries", api_key=workspace.api_key, **query)
    return answer


def is_settled(workspace: MockWorkspace) -> bool:
    return bool(get_deliveries(workspace, first="1", wait="60")["settled"])
