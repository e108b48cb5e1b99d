"""Uploads of a server that was stopped: those that were complete answer, and the rests of others are deleted."""

import json
from pathlib import Path

import requests

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.uploading import UPSERT, create_dataset, list_successes, upload, write_item
from contract_tests.serving import ServedWorld

URL = "https://example.com/picture.jpg"


def test_complete_uploads_and_imports_are_there_after_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with ServedWorld("--state", str(state), scenario="empty") as server:
        dataset = create_dataset(server)
        url = upload(server, json.dumps([write_item(dataset, row_data=URL)]).encode(), "rows.json")
        manifest = upload(server, json.dumps({"chunk_uris": [url]}).encode(), "manifest.json")
        task = ask_in(server, UPSERT, manifestUri=manifest)["upsertDataRows"]
    [folder] = {path.parent for path in state.glob("workspaces/*/life-*/uploads/*")}
    rest = folder / "c0000000000000000000000rest"
    rest.write_bytes(b"unfinished")
    with ServedWorld("--state", str(state), scenario="empty") as server:
        path = url.partition("/_files/")[2]
        assert requests.get(f"{server.url}/_files/{path}", timeout=30).json()[0]["payload"]["row_data"] == URL
        assert not rest.exists()
        assert [row["rowData"] for row in list_successes(server, task["id"])] == [URL]
