"""The latency of a small query while another client sends the costliest documents that are answered or refused.

Peer: the same without that client.
"""

import http.client
import itertools
import json
import time
from urllib.parse import urlsplit

from benchmarks import report, worlds
from benchmarks.documents import COSTLY
from benchmarks.latency import Times, find_quantile, start_probe
from benchmarks.processes import read_findings
from contract_tests.serving import ServedWorld

SECONDS, QUICK_SECONDS = 4.0, 0.5
GOAL = "<= 60"


def measure(quick: bool) -> None:
    report.print_title("Latency of a small query while a client sends the costliest documents")
    seconds = QUICK_SECONDS if quick else SECONDS
    with worlds.serve_default() as server:
        quiet = measure_times(server, "", seconds)
        for name, document in COSTLY.items():
            print_times(name, measure_times(server, document, seconds), quiet)


def measure_times(server: ServedWorld, document: str, seconds: float) -> Times:
    """Latencies of the small query while one client sends the document again and again; without a document, alone."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {server.api_key}"}
    probing = start_probe(server)
    end = time.monotonic() + seconds
    for number in itertools.count():
        if time.monotonic() >= end:
            break
        if document:
            query = f"{document} # {number}"  # a new document each time: parsed ones are kept
            connection.request("POST", "/graphql", json.dumps({"query": query}), headers)
            connection.getresponse().read()
        else:
            time.sleep(0.1)
    connection.close()
    return [took for _, took in read_findings(probing)]


def print_times(name: str, times: Times, quiet: Times) -> None:
    peers = {"without them": find_quantile(quiet, 0.99) * 1000}
    report.print_figure(f"p99 beside {name}", find_quantile(times, 0.99) * 1000, "ms", goal=GOAL, peers=peers)
    report.print_figure(f"max beside {name}", max(times) * 1000, "ms")
