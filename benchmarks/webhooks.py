"""Webhooks from the outbox to a fast local receiver: how many a second, how many can wait, how soon one arrives.

Peer: requests sessions in 16 threads that sign and post a body of the same size to the same receiver.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import report, worlds
from benchmarks.latency import at
from benchmarks.processes import child, findings, forget_peak, memory
from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer, MockWorkspace

ROWS, QUICK_ROWS = 100_000, 2_000
EVENTS = 200
TOLD = [
    "LABEL_CREATED", "LABEL_UPDATED", "REVIEW_CREATED", "REVIEW_UPDATED", "REVIEW_DELETED", "WORKFLOW_ACTION",
    "LABEL_DELETED",
]  # fmt: skip
UNTOLD = ["ISSUE_CREATED", "ISSUE_UPDATED", "ISSUE_DELETED", "METADATA_UPDATED"]
"""Events that are no topics: their answer is what there is to wait for."""
SECRET = "CHANGE-ME"
THREADS = 16


@contextmanager
def receiver() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A receiver's URL and process."""
    process = child("benchmarks.receiver", secret=SECRET)
    assert process.stdout is not None, "children are asked for their output"
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/hook", process
    finally:
        process.kill()
        process.wait()


def measure(quick: bool) -> None:
    rows = QUICK_ROWS if quick else ROWS
    report.title(f"Webhooks: {rows:,} deliveries that wait, then go to a receiver that checks each signature")
    # The half of the labels is deleted for the deliveries; the other is left for what happens then.
    with worlds.street(2 * rows) as server:
        workspace = MockServer.from_url(server.url).own
        measure_waiting(server, workspace, rows)
        size = measure_sending(workspace, rows)
        measure_peer(size, 50 if quick else 300)
        measure_events(workspace, rows, 10 if quick else EVENTS)


def measure_waiting(server: ServedWorld, workspace: MockWorkspace, rows: int) -> None:
    """All rows of one project are told of while nobody listens."""
    pid = int(server.ready["pid"])
    labels = every_label(server, rows)
    idle = memory(pid, "VmRSS")
    forget_peak(pid)
    # Nobody listens on port 1; tried one after the other, so that all but the first wait.
    workspace.webhook("http://127.0.0.1:1/hook", secret=SECRET, ordered=True, retries=[86_400])
    started = time.perf_counter()
    for start in range(0, len(labels), 1000):
        some = labels[start : start + 1000]
        server.ask("mutation($ids: [ID!]!) { deleteLabels(labelIds: $ids) { id } }", ids=some)
    took = time.perf_counter() - started
    report.figure("labels deleted, each told of", rows / took, "a second")
    report.figure("peak memory over idle", memory(pid, "VmHWM") - idle, "MiB", goal="<= 40")


def every_label(server: ServedWorld, rows: int) -> list[str]:
    asked = "query($id: ID!, $skip: Int) { project(where: {id: $id}) { labels(skip: $skip, first: 5000) { id } } }"
    project = server.projects[worlds.PROJECT]
    found: list[str] = []
    for skip in range(0, rows, 5000):
        found += [label["id"] for label in server.ask(asked, id=project, skip=skip)["project"]["labels"]]
    return found[:rows]


def measure_sending(workspace: MockWorkspace, rows: int) -> int:
    """They are let go; the size of a body."""
    with receiver() as (url, process):
        change(workspace, url=url, ordered=False)
        workspace.clock.advance(days=2)
        while not settled(workspace):
            time.sleep(0.05)
        found = findings(process)
    assert (found["came"], found["wrong"]) == (rows, 0), (
        f"{found['came']} of {rows} came, {found['wrong']} of them wrong"
    )
    sent = rows / (found["last"] - found["first"])
    report.figure("sent, signed and recorded", sent, "a second", goal=">= 5,000")
    return len(page(workspace, first="1")["deliveries"][0]["body"])


def measure_peer(size: int, each: int) -> None:
    with receiver() as (url, process):
        peer = findings(
            child("benchmarks.webhook_client", url=url, secret=SECRET, body="x" * size, threads=THREADS, each=each)
        )
        findings(process)
    report.figure(f"requests in {THREADS} threads, {size:,} bytes each", peer, "a second")


def measure_events(workspace: MockWorkspace, rows: int, each: int) -> None:
    """With all the labels that are left and all the attempts that were made."""
    report.title(f"From the call that makes an event until its message has arrived, {rows:,} attempts on record")
    change(workspace, status="INACTIVE")
    with receiver() as (url, process):
        subscription = workspace.webhook(url, secret=SECRET, retries="none")
        called = {event: [call(workspace, event) for _ in range(each)] for event in TOLD}
        made = {item["event_no"]: item["id"] for item in all_deliveries(workspace, subscription)}
        moments = findings(process)["moments"]
    for event, calls in called.items():
        show(event, [moments[made[number]] - began for number, began, _ in calls])
    report.title("From the call that makes an event of which webhooks are not told until its answer")
    for event in UNTOLD:
        show(event, [took for _, _, took in (call(workspace, event) for _ in range(each))])


def call(workspace: MockWorkspace, event: str) -> tuple[int, float, float]:
    """The event's number, when it was called for, and how long the answer took."""
    time.sleep(0.01)
    began = time.time()
    made = workspace.event(event, worlds.PROJECT)
    return made["event_nos"][0], began, time.time() - began


def show(event: str, times: list[float]) -> None:
    figures = {name: at(times, share) * 1000 for name, share in (("p50", 0.5), ("p99", 0.99))}
    report.figure(f"{event} p50 of {len(times)}", figures["p50"], "ms")
    report.figure(f"{event} p99", figures["p99"], "ms", goal="< 50")


def all_deliveries(workspace: MockWorkspace, subscription: str) -> Iterator[dict[str, Any]]:
    after: int | None = 0
    while after is not None:
        found = page(workspace, webhook=subscription, wait="30", after=str(after))
        yield from found["deliveries"]
        after = found["next_after"]


def change(workspace: MockWorkspace, **given: Any) -> None:
    workspace._control.call("PATCH", "webhooks/last", given, api_key=workspace.api_key)


def page(workspace: MockWorkspace, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = workspace._control.call("GET", "deliveries", api_key=workspace.api_key, **query)
    return found


def settled(workspace: MockWorkspace) -> bool:
    return bool(page(workspace, first="1", wait="60")["settled"])
