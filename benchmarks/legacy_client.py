"""Program: one file of Export V1, or the frames of one label. Findings: seconds, bytes, labels or lines, and of frames
the seconds until the first byte."""

import http.client
import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.raw_client import BUFFER, RawClient

LOOK_EVERY = 0.02
EXPORT_LABELS = "mutation($id: ID!){exportLabels(data:{projectId: $id}) {downloadUrl createdAt shouldPoll}}"


def labels(*, url: str, api_key: str, project: str) -> dict[str, Any]:
    client = RawClient(url, api_key)
    started = time.monotonic()
    size, lines = client.download(url_of_labels(client, project))
    # Elements stand on lines of their own, the last one without an end.
    return {"seconds": time.monotonic() - started, "bytes": size, "labels": lines + 1}


def url_of_labels(client: RawClient, project: str) -> str:
    """Asked for again until there is one."""
    while (answer := client.ask(EXPORT_LABELS, {"id": project})["exportLabels"])["shouldPoll"]:
        time.sleep(LOOK_EVERY)
    return str(answer["downloadUrl"])


def frames(*, url: str, api_key: str, label: str, copy_to: str = "") -> dict[str, Any]:
    """From the endpoint over its redirect to the last byte."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    started = time.monotonic()
    connection.request("GET", f"/v1/frames/{label}", headers={"Authorization": f"Bearer {api_key}"})
    response = connection.getresponse()
    response.read()
    target = urlsplit(response.headers["Location"])
    connection.request("GET", f"{target.path}?{target.query}")
    response = connection.getresponse()
    pieces = [response.read1(BUFFER)]
    first = time.monotonic() - started
    size = lines = 0
    with Path(copy_to or "/dev/null").open("wb") as kept:
        while piece := pieces.pop() if pieces else response.read1(BUFFER):
            size, lines = size + len(piece), lines + piece.count(b"\n")
            kept.write(piece)
    return {"seconds": time.monotonic() - started, "bytes": size, "lines": lines, "first": first}


if __name__ == "__main__":
    arguments = json.loads(sys.argv[1])
    measured = labels if arguments.pop("what") == "labels" else frames
    print(json.dumps(measured(**arguments)))
