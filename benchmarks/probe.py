"""Program: sends a small query again and again until its stdin ends.

Prints a line when it begins. Findings: [timestamp of sending, seconds] of each query.
"""

import json
import select
import sys
import time

from benchmarks.documents import GET_USER
from benchmarks.raw_client import RawClient

PAUSE = 0.002
READY = "ready\n"
"""The line that says that queries are being sent."""


def probe(*, url: str, api_key: str) -> list[tuple[float, float]]:
    client = RawClient(url, api_key)
    client.post(GET_USER)
    print(READY, end="", flush=True)
    latencies = []
    while not is_stopped():
        sent = time.monotonic()
        client.post(GET_USER)
        latencies.append((sent, time.monotonic() - sent))
        time.sleep(PAUSE)
    return latencies


def is_stopped() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


if __name__ == "__main__":
    print(json.dumps(probe(**json.loads(sys.argv[1]))))
