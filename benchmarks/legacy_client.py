"""Program: downloads one file of Export V1, or the frames of one label.

Findings: seconds, bytes, labels or lines, and for frames the seconds until the first byte.
"""

import http.client
import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.raw_client import BUFFER, RawClient

POLL_SECONDS = 0.02
EXPORT_LABELS = "mutation($id: ID!){exportLabels(data:{projectId: $id}) {downloadUrl createdAt shouldPoll}}"


def download_labels(*, url: str, api_key: str, project: str) -> dict[str, Any]:
    client = RawClient(url, api_key)
    started = time.monotonic()
    size, lines = client.download(request_labels(client, project))
    # Each element has a line of its own; the last one has no newline.
    return {"seconds": time.monotonic() - started, "bytes": size, "labels": lines + 1}


def request_labels(client: RawClient, project: str) -> str:
    """Requests an export until its file is ready; returns the file's URL."""
    while (answer := client.ask(EXPORT_LABELS, {"id": project})["exportLabels"])["shouldPoll"]:
        time.sleep(POLL_SECONDS)
    return str(answer["downloadUrl"])


def download_frames(*, url: str, api_key: str, label: str, copy_to: str = "") -> dict[str, Any]:
    """Downloads the frames of a label, from the endpoint over its redirect to the last byte."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    started = time.monotonic()
    connection.request("GET", f"/v1/frames/{label}", headers={"Authorization": f"Bearer {api_key}"})
    response = connection.getresponse()
    response.read()
    target = urlsplit(response.headers["Location"])
    connection.request("GET", f"{target.path}?{target.query}")
    response = connection.getresponse()
    chunks = [response.read1(BUFFER)]
    first = time.monotonic() - started
    size = lines = 0
    with Path(copy_to or "/dev/null").open("wb") as target_file:
        while chunk := chunks.pop() if chunks else response.read1(BUFFER):
            size, lines = size + len(chunk), lines + chunk.count(b"\n")
            target_file.write(chunk)
    return {"seconds": time.monotonic() - started, "bytes": size, "lines": lines, "first": first}


if __name__ == "__main__":
    arguments = json.loads(sys.argv[1])
    download = download_labels if arguments.pop("what") == "labels" else download_frames
    print(json.dumps(download(**arguments)))
