"""A state in PostgreSQL against one in a folder: two servers of the same world, measured in turns. Then what several
servers, and many workspaces, take."""

import statistics
import time
from collections.abc import Callable

from benchmarks import replicas, report, worlds
from benchmarks.documents import GET_USER, LIST_PROJECTS, get_project
from benchmarks.export import compute_seconds, export_once
from benchmarks.latency import find_quantile
from benchmarks.load import CONNECTIONS, measure_rate
from benchmarks.processes import read_findings
from benchmarks.webhooks import (
    create_event,
    list_deliveries,
    list_labels,
    measure_sending,
    start_receiver,
    update_webhook,
)
from contract_tests.databases import create_database
from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer

ROUNDS, ROWS = 5, 20_000
QUICK_ROUNDS, QUICK_ROWS = 2, 2_000
EVENTS, QUICK_EVENTS = 200, 10
CREATED = 10
"""Workspaces that are created, forked and deleted."""

Measure = Callable[[ServedWorld], float]


def measure(quick: bool) -> None:
    rounds, rows = (QUICK_ROUNDS, QUICK_ROWS) if quick else (ROUNDS, ROWS)
    street = str(worlds.write_scenario(rows, embeddings=False))
    with ServedWorld(scenario=street) as folder, ServedWorld("--state", create_database(), scenario=street) as database:
        measure_queries(folder, database, rounds, 1.0 if quick else 3.0)
        report.print_title(f"PostgreSQL: an export of {rows:,} image rows with every section")
        measure_export(folder, database, rounds, rows)
        report.print_title(f"PostgreSQL: {rows // 2:,} deliveries that wait, then go to a receiver")
        measure_deliveries(database, rows // 2)
        measure_arrivals(database, QUICK_EVENTS if quick else EVENTS)
    with ServedWorld("--state", create_database()) as database:
        measure_workspaces(database)
    replicas.measure_replicas(rounds, 1.0 if quick else 3.0)
    replicas.measure_many(replicas.QUICK_WORKSPACES if quick else replicas.WORKSPACES)


def measure_queries(folder: ServedWorld, database: ServedWorld, rounds: int, seconds: float) -> None:
    report.print_title(f"PostgreSQL: answers per second, {CONNECTIONS} connections")
    queries = {
        "the user, as SDKs ask": lambda _: GET_USER,
        "a project by id, as SDKs ask": lambda server: get_project(next(iter(server.projects.values()))),
        "the projects": lambda _: LIST_PROJECTS,
    }
    for name, build in queries.items():

        def rate(server: ServedWorld, build: Callable[[ServedWorld], str] = build) -> float:
            return measure_rate(server.graphql_url, seconds, body=build(server), api_key=server.api_key)

        compare(name, rate, folder, database, rounds, "/s", goal="ratio >= 0.4")


def measure_export(folder: ServedWorld, database: ServedWorld, rounds: int, rows: int) -> None:
    def rate(server: ServedWorld) -> float:
        return rows / compute_seconds(export_once(server, sections=True))

    compare("rows", rate, folder, database, rounds, "rows/s", goal="ratio >= 0.5")


def compare(
    name: str, rate: Measure, folder: ServedWorld, database: ServedWorld, rounds: int, unit: str, *, goal: str
) -> None:
    """Measures both servers in turns, and prints the medians."""
    pairs = [(rate(folder), rate(database)) for _ in range(rounds)]
    in_folder, in_database = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    report.print_figure(name, in_database, unit, goal=goal, peers={"SQLite": in_folder})


def measure_deliveries(database: ServedWorld, rows: int) -> None:
    workspace = MockServer.from_url(database.url).own
    workspace.webhook("http://127.0.0.1:1/hook", secret="CHANGE-ME", ordered=True, retries=[86_400])
    labels = list_labels(database, rows)
    for start in range(0, len(labels), 1000):
        batch = labels[start : start + 1000]
        database.ask("mutation($ids: [ID!]!) { deleteLabels(labelIds: $ids) { id } }", ids=batch)
    measure_sending(workspace, rows)


def measure_arrivals(database: ServedWorld, events: int) -> None:
    """Measures from the call that creates an event until its message has arrived, with all deliveries on record."""
    workspace = MockServer.from_url(database.url).own
    update_webhook(workspace, status="INACTIVE")
    with start_receiver() as (url, process):
        subscription = workspace.webhook(url, secret="CHANGE-ME", retries="none")
        calls = [create_event(workspace, "LABEL_CREATED") for _ in range(events)]
        ids = {item["event_no"]: item["id"] for item in list_deliveries(workspace, subscription)}
        arrivals = read_findings(process)["arrivals"]
    times = [(arrivals[ids[number]] - began) * 1000 for number, began, _ in calls]
    for name, share, goal in (("p50", 0.5, ""), ("p99", 0.99, "<= 100")):
        report.print_figure(f"an event's message arrives, {name}", find_quantile(times, share), "ms", goal=goal)


def measure_workspaces(database: ServedWorld) -> None:
    report.print_title("PostgreSQL: workspaces of the default world, one after the other")
    database.workspace().delete()  # the first one sends the world to the database
    seconds: dict[str, list[float]] = {"created": [], "forked": [], "deleted": []}
    for _ in range(CREATED):
        started = time.perf_counter()
        workspace = database.workspace()
        created = time.perf_counter()
        fork = workspace.fork()
        forked = time.perf_counter()
        fork.delete()
        deleted = time.perf_counter()
        for name, value in zip(seconds, (created - started, forked - created, deleted - forked), strict=True):
            seconds[name].append(value)
    for name, goal in (("created", "<= 150"), ("forked", "<= 100"), ("deleted", "")):
        report.print_figure(f"{name}, median", statistics.median(seconds[name]) * 1000, "ms", goal=goal)
