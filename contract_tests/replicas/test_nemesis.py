"""Replicas that are killed, stopped and cut off from their database while clients work lose nothing acknowledged."""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from contract_tests.crash.killing import SCENARIO
from contract_tests.postgres import PrivateCluster
from contract_tests.receiving import Received, Receiver
from contract_tests.replicas import checking, observing
from contract_tests.replicas.clients import POLLS, Client, Workspace, create_workspace
from contract_tests.replicas.counting import list_errors
from contract_tests.replicas.journal import Journal
from contract_tests.replicas.nemesis import Nemesis, Surroundings
from contract_tests.replicas.replicas import Replicas
from contract_tests.replicas.requesting import Connection
from contract_tests.replicas.splitter import Splitter
from contract_tests.s3 import BUCKET, S3Server

SEED = os.environ.get("NEMESIS_SEED", "0")
SECONDS = float(os.environ.get("NEMESIS_SECONDS", "25"))
REPLICAS = int(os.environ.get("NEMESIS_REPLICAS", "3"))
CLIENTS = 3
LEAST_ACTS = 30
"""Acknowledged changes; the clients go on until there are so many."""
LONGEST = 300.0
"""Seconds until the clients must have had as many answers."""


@pytest.mark.skipif(
    "NEMESIS_SECONDS" not in os.environ,
    reason="NEMESIS_SECONDS is not set: beside other tests, three servers get too little of the processor",
)
@pytest.mark.timeout(SECONDS + 900)
def test_nothing_acknowledged_is_lost_and_nothing_uncommitted_is_sent(tmp_path: Path) -> None:
    journal = Journal()
    with Receiver() as receiver, serve_disturbed(tmp_path, journal) as world:
        connection = Connection(world.replicas.url, journal)
        clients = create_clients(connection, journal, receiver.url.rpartition("/")[0])
        moved = {client.own.key: measure_offset(connection, client.own.key) for client in clients}
        disturb(world, clients, journal)
        world.replicas.wait_until_healthy()
        patient = observing.PatientConnection(world.replicas.url, journal)
        violations = check(patient, journal, clients, receiver.received)
        for key, before in moved.items():
            violations += checking.check_clock(journal, key, measure_offset(patient, key) - before)
        violations += journal.faults + list_errors([counted for client in clients for counted in client.counts])
        violations += world.replicas.list_crashes()
        assert violations == [], describe(violations, world, journal)


@contextmanager
def serve_disturbed(folder: Path, journal: Journal) -> Iterator[Surroundings]:
    """Replicas on a database and a store of their own; the ways to both can be cut."""
    with ExitStack() as stack:
        cluster = stack.enter_context(PrivateCluster(durable=True))
        ways = [stack.enter_context(Splitter([cluster.socket])) for _ in range(REPLICAS)]
        states = [f"postgresql://postgres@127.0.0.1:{way.port}/postgres" for way in ways]
        store = stack.enter_context(S3Server())
        store_way = stack.enter_context(Splitter([("127.0.0.1", urlsplit(store.url).port or 0)]))
        options = ("--scenario", str(SCENARIO), "--workspaces-limit", "10000", "--results", f"s3://{BUCKET}/nemesis")
        variables = store.environment | {"AWS_ENDPOINT_URL": store_way.url}
        replicas = Replicas(folder, states, *options, environment=variables)
        yield Surroundings(stack.enter_context(replicas), cluster, ways, store_way, journal.count)


def create_clients(connection: Connection, journal: Journal, receiver: str) -> list[Client]:
    shared, stop = create_workspace(connection, "shared", receiver), threading.Event()
    clients = []
    for number in range(CLIENTS):
        name = f"c{number}"
        own = create_workspace(connection, f"own-{name}", receiver, ordered=True)
        slow = create_workspace(connection, f"slow-{name}", receiver)
        connection.control("POST", "progression", {"exports": {"looks": POLLS}}, key=slow.key)
        chance = random.Random(f"{SEED}/{name}")
        clients.append(Client(name, connection, journal, own, slow, shared, chance, stop))
    for key in connection.control("GET", "workspaces")["api_keys"]:
        journal.acknowledge(journal.begin("create", key, key))
    return clients


def measure_offset(connection: Connection, key: str) -> float:
    """Seconds by which a workspace's clock is ahead of the machine's."""
    return observing.read_clock(connection, key) - time.time()


def disturb(world: Surroundings, clients: list[Client], journal: Journal) -> None:
    """Lets the clients work, and disturbs the service for SECONDS, or until enough was acknowledged."""
    threads = [threading.Thread(target=client.work, daemon=True) for client in clients]
    nemesis = Nemesis(world, SEED)
    for thread in threads:
        thread.start()
    nemesis.start()
    began = time.monotonic()
    while time.monotonic() < began + SECONDS or (journal.count() < LEAST_ACTS and time.monotonic() < began + LONGEST):
        time.sleep(0.1)
    nemesis.stop()
    clients[0].stop.set()
    for thread in threads:
        thread.join()


def check(connection: Connection, journal: Journal, clients: list[Client], received: list[Received]) -> list[str]:
    violations: list[str] = []
    for workspace in all_workspaces(clients):
        final = observing.observe(connection, journal, workspace)
        violations += checking.check_final(journal, final)
        violations += checking.check_messages(journal, final, received, ordered=workspace.ordered)
    for client in clients:
        recorded = observing.list_requests(connection, client.own.key)
        violations += checking.check_requests(client.own.key, client.read, recorded)
    keys = set(connection.control("GET", "workspaces")["api_keys"])
    violations += checking.check_workspaces(journal, keys)
    for fork in [act for act in journal.acts if act.kind == "create" and act.name != act.key and act.acknowledged]:
        if fork.key in keys:
            violations += checking.check_fork(journal, fork, observing.list_projects(connection, fork.key))
    violations += checking.check_readings(journal)
    for export in journal.exports:
        violations += checking.check_export(journal, export)
        violations += checking.check_same(export, observing.observe_export(connection, export))
    return violations


def all_workspaces(clients: list[Client]) -> list[Workspace]:
    return [clients[0].shared, *(workspace for client in clients for workspace in (client.own, client.slow))]


def describe(violations: list[str], world: Surroundings, journal: Journal) -> str:
    counts = f"{len(journal.acts)} acts, {journal.count()} acknowledged, {len(journal.exports)} exports"
    counts += f", {len(journal.readings)} readings"
    return "\n".join([f"seed {SEED}: {len(violations)} violations; {counts}", *violations[:40], *world.history])
