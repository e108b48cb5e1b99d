"""“Show me the call”: a client that sends what is beside a view is answered with what the view shows."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from contract_tests.clients.environments import NEWEST, python_of
from contract_tests.rules.console.browsing import fetch, find_texts
from contract_tests.rules.console.views import list_views, populate
from contract_tests.serving import ServedWorld

SHOWN = ("rows", "dataset", "slice-export", "model-run", "catalog", "ontology", "issues", "webhooks", "row-image")
"""Views with the same call in three forms."""


@pytest.fixture(scope="module")
def views(server: ServedWorld) -> dict[str, str]:
    populate(server)
    return list_views(server)


def read_call(server: ServedWorld, path: str, form: str) -> str:
    [text] = find_texts(fetch(server, path), rf'<code id="call-{form}">(.*?)</code>')
    return text


def test_the_lines_of_the_sdk_run_as_they_are(server: ServedWorld, views: dict[str, str], tmp_path: Path) -> None:
    """All in one process, as the SDK takes seconds to import."""
    programs = {name: read_call(server, views[name], "sdk") for name in SHOWN}
    runner = (
        "import contextlib, io, json, sys\n"
        "printed = {}\n"
        "for name, program in json.load(open(sys.argv[1])).items():\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "        exec(program, {})\n"
        "    printed[name] = out.getvalue()\n"
        "print(json.dumps(printed))"
    )
    (tmp_path / "programs.json").write_text(json.dumps(programs))
    command = [str(python_of(NEWEST)), "-c", runner, str(tmp_path / "programs.json")]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    printed = json.loads(finished.stdout)
    assert [name for name, text in printed.items() if not text.strip()] == []
    assert "OPEN" in printed["issues"]
    assert len(printed["row-image"].splitlines()) == 1


def split_document(text: str) -> dict[str, Any]:
    """A document with the variables under it, as a console for GraphQL has them."""
    document, _, variables = text.partition("\n\n")
    return {"query": document, "variables": json.loads(variables)}


@pytest.mark.parametrize("name", SHOWN)
def test_the_graphql_and_the_line_for_curl_are_understood(
    server: ServedWorld, views: dict[str, str], name: str
) -> None:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    body = split_document(read_call(server, views[name], "graphql"))
    answer = requests.post(server.graphql_url, json=body, headers=headers, timeout=60).json()
    assert "errors" not in answer, answer
    line = read_call(server, views[name], "curl")
    finished = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert "errors" not in json.loads(finished.stdout)
    assert "message" not in json.loads(finished.stdout)


def test_a_delivery_is_sent_again_and_its_signature_checked(server: ServedWorld, views: dict[str, str]) -> None:
    content = fetch(server, views["delivery"])
    [program] = find_texts(content, r'<code id="call-python">(.*?)</code>')
    [body] = find_texts(content, r'<code id="signed">(.*?)</code>')
    [signature] = find_texts(content, r">X-Hub-Signature</th><td><code>(.*?)</code>")
    names: dict[str, Any] = {}
    exec(program, names)
    assert names["is_genuine"](b"CHANGE-ME", body.encode(), signature)
    assert not names["is_genuine"](b"another", body.encode(), signature)
    line = read_call(server, views["delivery"], "curl")
    finished = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert json.loads(finished.stdout)["state"] == "PENDING"


def test_the_journal_is_read_by_the_line_for_curl(server: ServedWorld, views: dict[str, str]) -> None:
    line = read_call(server, views["requests"], "curl")
    finished = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert json.loads(finished.stdout)["requests"]
