"""Program: exports from many workspaces concurrently. Findings: the start, and the findings of each export."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.export_client import export


def export_all(*, url: str, keys: list[tuple[str, str]]) -> dict[str, Any]:
    started = time.monotonic()
    with ThreadPoolExecutor(len(keys)) as threads:
        exports = list(threads.map(lambda key: export(url=url, api_key=key[0], project=key[1], sections=False), keys))
    return {"started": started, "exports": exports}


if __name__ == "__main__":
    print(json.dumps(export_all(**json.loads(sys.argv[1]))))
