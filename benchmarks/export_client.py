"""Program: one export from the mutation to the last byte. Its findings: moments (monotonic), rows, bytes."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.documents import export_input
from benchmarks.raw_client import RawClient
from contract_tests.clients import documents

LOOK_EVERY = 0.02
GET_STATUS = "query($id: ID!){task(where: {id: $id}){status}}"


def export(
    *, url: str, api_key: str, project: str, sections: bool, embeddings: bool = False, copy_to: str = "", task: str = ""
) -> dict[str, Any]:
    """With `task` nothing is made: that export is only downloaded."""
    client = RawClient(url, api_key)
    asked = {"input": export_input(project, sections=sections, embeddings=embeddings)}
    started = time.monotonic()
    task = task or client.ask(documents.EXPORT_PROJECT, asked)["exportDataRowsInProject"]["taskId"]
    wait_until_made(client, task)
    made = time.monotonic()
    size, rows = download(client, task, Path(copy_to) if copy_to else None)
    return {"started": started, "made": made, "ended": time.monotonic(), "rows": rows, "bytes": size, "task": task}


def wait_until_made(client: RawClient, task: str, *, look_every: float = LOOK_EVERY) -> None:
    while (status := client.ask(GET_STATUS, {"id": task})["task"]["status"]) != "COMPLETE":
        assert status == "IN_PROGRESS", f"the export ended {status}"
        time.sleep(look_every)


def download(client: RawClient, task: str, folder: Path | None) -> tuple[int, int]:
    """Every chunk as the SDK asks for it; (bytes, lines) in all."""
    stream = {"where": {"id": task}, "streamType": "RESULT"}
    header = client.ask(documents.GET_STREAM_HEADER, stream)["task"]["exportMetadataHeader"]
    total, offset, lines = int(header["totalSize"]), 0, 0
    while offset < total:
        answer = client.ask(documents.GET_FILE_AT_OFFSET, stream | {"offset": str(offset)})
        file = answer["task"]["exportFileFromOffset"]
        size, found = client.download(file["file"], folder and folder / f"{offset:012}.ndjson")
        assert size == int(file["offsets"]["end"]) + 1 - offset, "a chunk must be as long as it says"
        offset, lines = offset + size, lines + found
    assert lines == int(header["totalLines"]), "there must be as many lines as the header says"
    return total, lines


if __name__ == "__main__":
    print(json.dumps(export(**json.loads(sys.argv[1]))))
