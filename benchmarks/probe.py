"""Program: sends a small query, or with a project makes a small export of it, again and again until its stdin ends.

Prints a line when it begins. Findings: [timestamp of sending, seconds] of each query or export.
"""

import json
import select
import sys
import time

from benchmarks.documents import GET_USER, export_input
from benchmarks.export_client import wait_until_complete
from benchmarks.raw_client import RawClient
from contract_tests.clients.documents import EXPORT_PROJECT

PAUSE = 0.002
POLL_SECONDS = 0.005
"""Between two looks at an export: the client's own pauses should not be most of its time."""
READY = "ready\n"
"""The line that says that queries are being sent."""


def probe(*, url: str, api_key: str, project: str = "") -> list[tuple[float, float]]:
    client = RawClient(url, api_key)
    export = {"input": export_input(project, sections=False)}

    def call() -> None:
        if project:
            task = client.ask(EXPORT_PROJECT, export)["exportDataRowsInProject"]["taskId"]
            wait_until_complete(client, task, poll_seconds=POLL_SECONDS)
        else:
            client.post(GET_USER)

    call()
    print(READY, end="", flush=True)
    latencies = []
    while not is_stopped():
        sent = time.monotonic()
        call()
        latencies.append((sent, time.monotonic() - sent))
        time.sleep(PAUSE)
    return latencies


def is_stopped() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


if __name__ == "__main__":
    print(json.dumps(probe(**json.loads(sys.argv[1]))))
