"""Program: a small query again and again until its stdin ends. Findings: [moment it was sent, seconds] of each."""

import json
import select
import sys
import time

from benchmarks.documents import GET_USER
from benchmarks.raw_client import RawClient

PAUSE = 0.002


def probe(*, url: str, api_key: str) -> list[tuple[float, float]]:
    client = RawClient(url, api_key)
    client.post(GET_USER)
    found = []
    while not stopped():
        sent = time.monotonic()
        client.post(GET_USER)
        found.append((sent, time.monotonic() - sent))
        time.sleep(PAUSE)
    return found


def stopped() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


if __name__ == "__main__":
    print(json.dumps(probe(**json.loads(sys.argv[1]))))
