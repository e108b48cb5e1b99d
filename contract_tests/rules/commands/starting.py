"""Starts the program, and speaks to the server."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from contract_tests.forking import COMMAND, Program, run_forked
from contract_tests.serving import environment_without_settings

ENDS_WITHIN_SECONDS = 45.0
"""Measured: it ends after 0.3 seconds. A server that waits for an idle connection ends after 75."""
READY_WITHIN_SECONDS = 60.0
ENDS_BY_ITSELF_WITHIN_SECONDS = 90
EXPORT_PROJECT = "mutation($i: ExportDataRowsInProjectInput!){exportDataRowsInProject(input: $i){taskId}}"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    variables = environment_without_settings() | environment
    return run_forked(*arguments, env=variables, timeout=ENDS_BY_ITSELF_WITHIN_SECONDS)


@contextmanager
def serve_in(
    folder: Path, *arguments: str, popen: Any = Program, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """A server whose ready file is `ready.json` in the folder; killed at the end, and ended by the end of this process.

    A test of starts, ends or memory starts an interpreter: `popen=subprocess.Popen`.
    """
    command = [*COMMAND, "serve", "--ready-file", str(folder / "ready.json"), *arguments]
    settings = {"LABELBOX_MOCKSERVER_PORT": "0", "LABELBOX_MOCKSERVER_EXIT_WITH": str(os.getpid())}
    variables = environment_without_settings() | settings | environment
    pipe = subprocess.PIPE
    with popen(command, env=variables, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ready(process: subprocess.Popen[str], folder: Path) -> Any:
    """Waits for the ready file, and returns its content."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while not (folder / "ready.json").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "not ready"
        time.sleep(0.005)
    return json.loads((folder / "ready.json").read_text())


def ask(ready_file: Any, query: str, **variables: object) -> Any:
    headers = {"Authorization": f"Bearer {ready_file['api_key']}"}
    body = {"query": query, "variables": variables}
    return requests.post(ready_file["graphql_url"], json=body, headers=headers, timeout=60).json()["data"]


def export(ready_file: Any) -> str:
    arguments = {"filters": {"projectId": ready_file["projects"]["image"]}}
    return str(ask(ready_file, EXPORT_PROJECT, i=arguments)["exportDataRowsInProject"]["taskId"])


def task(ready_file: Any, task_id: str) -> Any:
    return ask(ready_file, "query($id: ID){task(where: {id: $id}){status result metadata}}", id=task_id)["task"]
