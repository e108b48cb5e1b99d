"""The page: first paint in a browser, the cost of a live list of requests, and the size of its files."""

import http.client
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from urllib.parse import urlsplit

from benchmarks import report, worlds
from benchmarks.documents import GET_USER
from benchmarks.processes import read_processor_seconds
from contract_tests.rules.console.browser import PATIENCE, open_browser
from contract_tests.serving import ServedWorld

SMALL, LARGE = 10_000, 1_000_000
GOALS = {SMALL: "<= 100", LARGE: "<= 300"}
ROUNDS = 9
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
RATE = 1_000
"""Requests of clients in a second."""


def measure(quick: bool) -> None:
    report.print_title("The page: first contentful paint of a list of data rows, in Debian's chromium")
    for rows in (SMALL,) if quick else (SMALL, LARGE):
        with worlds.serve_street(rows) as server:
            measure_paint(server, rows)
    report.print_title("A live list of requests, at 1,000 requests a second")
    with worlds.serve_default() as server:
        measure_live_list(server, 3.0 if quick else 20.0)
    report.print_title("All files of the page")
    files = resources.files("mockserver.console").joinpath("static").iterdir()
    report.print_figure("together", sum(len(file.read_bytes()) for file in files) / 1000, "kB", goal="<= 200")


def measure_paint(server: ServedWorld, rows: int) -> None:
    """Measures from the beginning of the navigation; the least of all rounds, the first of which fills caches."""
    path = f"/console/projects/{server.projects[worlds.PROJECT]}"
    with open_browser() as browser, browser.new_context(base_url=server.url) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        paints, answers = [], []
        for _ in range(ROUNDS):
            page.goto(path, wait_until="commit")
            page.wait_for_function(PAINT)
            paints.append(float(page.evaluate(PAINT)))
            answers.append(float(page.evaluate("() => performance.getEntriesByType('navigation')[0].responseEnd")))
    report.print_figure(f"{rows:,} rows, painted", min(paints), "ms", goal=GOALS[rows])
    report.print_figure(f"{rows:,} rows, answered", min(answers), "ms")


def measure_live_list(server: ServedWorld, seconds: float) -> None:
    """Measures the processor time of the server that an open view of requests adds."""
    without = send_at_rate(server, seconds)
    with follow(server):
        with_view = send_at_rate(server, seconds)
    report.print_figure("more processor time of the server", 100 * (with_view - without), "% of a core", goal="<= 5")
    report.print_figure("the requests alone", 100 * without, "% of a core")


def send_at_rate(server: ServedWorld, seconds: float) -> float:
    """Sends small queries at RATE; returns the server's processor seconds for each second."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    headers = {"Authorization": f"Bearer {server.api_key}", "Content-Type": "application/json"}
    pid = int(server.ready["pid"])
    before, started = read_processor_seconds(pid), time.perf_counter()
    for number in range(int(seconds * RATE)):
        time.sleep(max(0.0, started + number / RATE - time.perf_counter()))
        connection.request("POST", "/graphql", GET_USER, headers)
        connection.getresponse().read()
    elapsed = time.perf_counter() - started
    connection.close()
    report.print_figure("requests", seconds * RATE / elapsed, "/s", goal=f"{RATE}")
    return (read_processor_seconds(pid) - before) / elapsed


@contextmanager
def follow(server: ServedWorld) -> Iterator[None]:
    """Requests the list as an open view does: whenever its stream says that it has changed."""
    stream = urllib.request.urlopen(f"{server.url}/console/stream")
    ended = threading.Event()

    def refresh() -> None:
        for line in stream:
            if ended.is_set():
                return
            if line.startswith(b"data: ") and b"requests" in line:
                with urllib.request.urlopen(f"{server.url}/console/requests?part=list") as answer:
                    answer.read()

    thread = threading.Thread(target=refresh, daemon=True)
    thread.start()
    yield
    ended.set()
