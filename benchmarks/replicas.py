"""Three servers on one database behind a balancer against one, and a thousand workspaces of one server."""

import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg

from benchmarks import report
from benchmarks.documents import GET_USER
from benchmarks.load import CONNECTIONS, measure_rate
from benchmarks.processes import read_memory, read_processor_seconds
from contract_tests.databases import create_database
from contract_tests.replicas.splitter import Splitter
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.testing import MockServerError

SERVERS = 3
WORKSPACES, QUICK_WORKSPACES = 1000, 30
SWEPT_WITHIN = 1200.0
CONNECTIONS_OF_SERVERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"


class Load(NamedTuple):
    """Answers a second, and the processor time of all servers for one of them, in microseconds."""

    rate: float
    processor: float


def measure_replicas(rounds: int, seconds: float) -> None:
    report.print_title(f"PostgreSQL: the user, {SERVERS} workspaces, {CONNECTIONS} connections for each")
    with ServedWorld("--state", create_database()) as one, serve_several() as several:
        balanced = [server.url for server in several]
        of_one = [(one.url, one.workspace().api_key) for _ in range(SERVERS)]
        keys = [server.workspace().api_key for server in several]
        direct = list(zip(balanced, keys, strict=True))
        forwarded = list(zip(balanced, [*keys[1:], keys[0]], strict=True))
        with Splitter([("127.0.0.1", urlsplit(url).port or 0) for url in balanced]) as balancer:
            through = [(balancer.url, key) for key in keys]
            ways = ((one,), of_one), (several, direct), (several, forwarded), (several, through)
            loads = [[put_load(servers, targets, seconds) for servers, targets in ways] for _ in range(rounds)]
    alone, owners, others, balanced_load = (take_medians(way) for way in zip(*loads, strict=True))
    print_load(f"{SERVERS} servers, each asked about its own", owners, "one server", alone, goal="")
    print_load("each asked about those of another", others, "asked about its own", owners, goal="")
    print_load(
        f"{SERVERS} servers behind a balancer", balanced_load, "one server", alone, goal=">= 2 where cores allow"
    )


@contextmanager
def serve_several() -> Iterator[list[ServedWorld]]:
    database = create_database()
    with ExitStack() as stack:
        yield [stack.enter_context(ServedWorld("--state", database)) for _ in range(SERVERS)]


def put_load(servers: Sequence[ServedWorld], targets: Sequence[tuple[str, str]], seconds: float) -> Load:
    """Asks all targets (URL and API key) at the same time."""
    pids = [int(server.ready["pid"]) for server in servers]
    before = sum(map(read_processor_seconds, pids))
    with ThreadPoolExecutor(len(targets)) as threads:
        measured = [
            threads.submit(measure_rate, f"{url}/graphql", seconds, body=GET_USER, api_key=key) for url, key in targets
        ]
        rate = sum(future.result() for future in measured)
    used = sum(map(read_processor_seconds, pids)) - before
    return Load(rate, used / (rate * seconds) * 1e6)


def take_medians(loads: Sequence[Load]) -> Load:
    return Load(*(statistics.median(values) for values in zip(*loads, strict=True)))


def print_load(name: str, load: Load, peer: str, of_peer: Load, *, goal: str) -> None:
    report.print_figure(name, load.rate, "/s", goal=goal, peers={peer: of_peer.rate})
    report.print_figure("processor time of servers", load.processor, "us", peers={peer: of_peer.processor})


def measure_many(number: int) -> None:
    """Creates workspaces until the limit, asks each, and lets another server sweep them."""
    report.print_title(f"PostgreSQL: {number:,} workspaces of the default world")
    database = create_database()
    with ServedWorld("--state", database, "--workspaces-limit", str(number + 1)) as server:
        pid = int(server.ready["pid"])
        server.workspace().delete()  # the first one sends the world to the database
        idle = read_memory(pid, "VmRSS")
        keys, seconds = create_workspaces(server, number)
        tenth = max(number // 10, 1)
        first, last = statistics.median(seconds[:tenth]) * 1000, statistics.median(seconds[-tenth:]) * 1000
        report.print_figure(
            "created, median of the last tenth", last, "ms", goal="<= 150", peers={"the first tenth": first}
        )
        growth = (read_memory(pid, "VmRSS") - idle) / number * 1024
        report.print_figure("memory of the server for each that is open", growth, "KiB")
        report.print_figure("connections to the database", count_connections(database), "", goal="<= 31")
        print(f"  one more is refused: {try_one_more(server)}")
    with ServedWorld("--state", database) as server:
        pid = int(server.ready["pid"])
        report.print_figure("memory of a server that has opened none", read_memory(pid, "VmRSS"), "MiB")
        opened = [measure_opening(server, key) for key in keys[: max(number // 10, 1)]]
        report.print_figure("the first query of a workspace, median", statistics.median(opened) * 1000, "ms")
    measure_sweep(database, number)


def create_workspaces(server: ServedWorld, number: int) -> tuple[list[str], list[float]]:
    keys, seconds = [], []
    for _ in range(number):
        started = time.perf_counter()
        keys.append(server.workspace().api_key)
        seconds.append(time.perf_counter() - started)
    return keys, seconds


def count_connections(database: str) -> int:
    with psycopg.connect(database) as raw:
        row = raw.execute(CONNECTIONS_OF_SERVERS, [raw.info.backend_pid]).fetchone()
    assert row is not None, "count(*) has a row"
    return int(row[0])


def try_one_more(server: ServedWorld) -> str:
    try:
        server.workspace()
    except MockServerError as refusal:
        return str(refusal)
    raise AssertionError("there must be a limit")


def measure_opening(server: ServedWorld, key: str) -> float:
    """Seconds of the first query of a workspace, which opens it."""
    started = time.perf_counter()
    server.control.call("GET", "clock", api_key=key)
    return time.perf_counter() - started


def measure_sweep(database: str, number: int) -> None:
    with ServedWorld("--state", database, "--sweep-after", "1") as server:
        started = time.perf_counter()
        wait_for(
            lambda: server.control.call("GET", "workspaces")["api_keys"],
            lambda keys: len(keys) == 1,
            within=SWEPT_WITHIN,
        )
        report.print_figure("swept", number / (time.perf_counter() - started), "a second")
