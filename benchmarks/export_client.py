"""Program: one export from the mutation to the last byte. Findings: monotonic timestamps, rows, bytes, the task."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.documents import export_input
from benchmarks.raw_client import RawClient
from contract_tests.clients import documents

POLL_SECONDS = 0.02
GET_STATUS = "query($id: ID!){task(where: {id: $id}){status}}"


def export(
    *, url: str, api_key: str, project: str, sections: bool, embeddings: bool = False, copy_to: str = "", task: str = ""
) -> dict[str, Any]:
    """Creates an export and downloads it. With `task`, that export is only downloaded."""
    client = RawClient(url, api_key)
    variables = {"input": export_input(project, sections=sections, embeddings=embeddings)}
    started = time.monotonic()
    task = task or client.ask(documents.EXPORT_PROJECT, variables)["exportDataRowsInProject"]["taskId"]
    wait_until_complete(client, task)
    completed = time.monotonic()
    size, rows = download(client, task, Path(copy_to) if copy_to else None)
    return {
        "started": started,
        "completed": completed,
        "ended": time.monotonic(),
        "rows": rows,
        "bytes": size,
        "task": task,
    }


def wait_until_complete(client: RawClient, task: str, *, poll_seconds: float = POLL_SECONDS) -> None:
    while (status := client.ask(GET_STATUS, {"id": task})["task"]["status"]) != "COMPLETE":
        assert status == "IN_PROGRESS", f"the export ended {status}"
        time.sleep(poll_seconds)


def download(client: RawClient, task: str, folder: Path | None) -> tuple[int, int]:
    """Downloads every chunk as the SDK does; returns the total (bytes, lines)."""
    stream = {"where": {"id": task}, "streamType": "RESULT"}
    header = client.ask(documents.GET_STREAM_HEADER, stream)["task"]["exportMetadataHeader"]
    total, offset, lines = int(header["totalSize"]), 0, 0
    while offset < total:
        answer = client.ask(documents.GET_FILE_AT_OFFSET, stream | {"offset": str(offset)})
        file = answer["task"]["exportFileFromOffset"]
        size, lines_of_file = client.download(file["file"], folder and folder / f"{offset:012}.ndjson")
        assert size == int(file["offsets"]["end"]) + 1 - offset, "a chunk must be as long as its offsets say"
        offset, lines = offset + size, lines + lines_of_file
    assert lines == int(header["totalLines"]), "the number of lines must be that of the header"
    return total, lines


if __name__ == "__main__":
    print(json.dumps(export(**json.loads(sys.argv[1]))))
