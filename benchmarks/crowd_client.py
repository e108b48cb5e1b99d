"""Program: one export of each of many workspaces, all at once. Findings: when it began, and of each rows and end."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.export_client import export


def crowd(*, url: str, asked: list[tuple[str, str]]) -> dict[str, Any]:
    started = time.monotonic()
    with ThreadPoolExecutor(len(asked)) as threads:
        exports = list(threads.map(lambda one: export(url=url, api_key=one[0], project=one[1], sections=False), asked))
    return {"started": started, "exports": exports}


if __name__ == "__main__":
    print(json.dumps(crowd(**json.loads(sys.argv[1]))))
