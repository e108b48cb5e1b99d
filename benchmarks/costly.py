"""How long a small query takes beside one client that sends the costliest documents that are answered or refused.

Peer: the same without that client.
"""

import http.client
import itertools
import json
import time
from urllib.parse import urlsplit

from benchmarks import report, worlds
from benchmarks.documents import COSTLY
from benchmarks.latency import Times, at, probe
from benchmarks.processes import findings
from contract_tests.serving import ServedWorld

SECONDS, QUICK_SECONDS = 4.0, 0.5
GOAL = "<= 60"


def measure(quick: bool) -> None:
    report.title("Latency of a small query beside the costliest documents")
    seconds = QUICK_SECONDS if quick else SECONDS
    with worlds.default() as server:
        quiet = times_beside(server, "", seconds)
        for name, document in COSTLY.items():
            show(name, times_beside(server, document, seconds), quiet)


def times_beside(server: ServedWorld, document: str, seconds: float) -> Times:
    """Latencies of the small query while one client sends the document again and again; without one, of it alone."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {server.api_key}"}
    probing = probe(server)
    end = time.monotonic() + seconds
    for number in itertools.count():
        if time.monotonic() >= end:
            break
        if document:
            query = f"{document} # {number}"  # never one that is kept
            connection.request("POST", "/graphql", json.dumps({"query": query}), headers)
            connection.getresponse().read()
        else:
            time.sleep(0.1)
    connection.close()
    return [took for _, took in findings(probing)]


def show(name: str, times: Times, quiet: Times) -> None:
    peers = {"without them": at(quiet, 0.99) * 1000}
    report.figure(f"p99 beside {name}", at(times, 0.99) * 1000, "ms", goal=GOAL, peers=peers)
    report.figure(f"max beside {name}", max(times) * 1000, "ms")
