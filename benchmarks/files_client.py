"""Program: downloads files from `python -m http.server`, one after the other. Findings: seconds, lines."""

import json
import sys
import time
from typing import Any

from benchmarks.raw_client import RawClient


def fetch(*, url: str, names: list[str]) -> dict[str, Any]:
    started = time.monotonic()
    # http.server ends each connection with its file.
    lines = sum(RawClient(url).download(f"{url}/{name}")[1] for name in names)
    return {"seconds": time.monotonic() - started, "lines": lines}


if __name__ == "__main__":
    print(json.dumps(fetch(**json.loads(sys.argv[1]))))
