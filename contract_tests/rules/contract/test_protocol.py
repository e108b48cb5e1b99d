"""The protocol is as its schema says, and the driver speaks it on the oldest supported Python."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from uv import find_uv_bin

from contract_tests.rules.pages import REPOSITORY, blocks_of
from mockserver.contract import driver

DRIVER = Path(driver.__file__)

CLIENT = """
import os, sys

class Client:
    def __init__(self, graphql_url, rest_url, api_key):
        print("created")
        os.write(1, b"a library's own greeting")

    def export_rows(self, scope, params, filters):
        if "catalog" in scope:
            raise NotImplementedError("only projects")
        yield {"data_row": {"id": scope["project"], "text": "\\u2028\\ud83d\\ude00"}}
        yield {"version": list(sys.version_info[:2])}

    def export_errors(self):
        return 7

    def other(self):
        return []
"""


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads((REPOSITORY / "fixtures/contract/protocol.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def converse(folder: Path, *requests: dict[str, Any], python: str = sys.executable) -> list[Any]:
    """All answers, ids left out."""
    (folder / "their.py").write_text(CLIENT)
    lines = "".join(json.dumps({"id": number, **request}) + "\n" for number, request in enumerate(requests, 1))
    finished = subprocess.run(
        [python, str(DRIVER), "their:Client"],
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in finished.stdout.splitlines()]


SERVER = {"graphql_url": "http://127.0.0.1:1/graphql", "rest_url": "http://127.0.0.1:1/api/v1", "api_key": "k"}
REQUESTS: list[dict[str, Any]] = [
    {"op": "open", "args": SERVER},
    {"op": "export_rows", "args": {"scope": {"project": "c1"}, "params": {}, "filters": {}}},
    {"op": "export_rows", "args": {"scope": {"catalog": True}, "params": {}, "filters": {}}},
    {"op": "export_errors", "args": {}},
    {"op": "close", "args": {}},
]


def test_the_driver_answers_by_the_schema(tmp_path: Path, validator: Draft202012Validator) -> None:
    answers = converse(tmp_path, *REQUESTS)
    assert [answer for answer in answers if not validator.is_valid(answer)] == []
    assert answers[0] == {"id": 1, "protocol": 1, "offers": ["export_rows", "export_errors"]}
    assert answers[1]["item"]["data_row"]["text"] == "\u2028😀"
    assert answers[3] == {"id": 2, "end": True}
    assert answers[4]["error"] == {"type": "NotImplementedError", "message": "only projects"}
    assert answers[5]["error"]["message"] == "export_errors returned int; expected a list or an iterator of objects"
    assert answers[6] == {"id": 5, "end": True}


def test_the_requests_are_as_the_schema_says(validator: Draft202012Validator) -> None:
    assert [request for request in REQUESTS if not validator.is_valid({"id": 1, **request})] == []
    assert not validator.is_valid({"id": 1, "op": "export_rows", "args": {}})


def test_the_lines_of_the_page_are_as_the_schema_says(validator: Draft202012Validator) -> None:
    lines = [json.loads(block.text) for block in blocks_of(REPOSITORY / "docs/contract.md") if block.language == "json"]
    assert len(lines) >= 7
    assert [line for line in lines if not validator.is_valid(line)] == []


def test_the_driver_is_written_for_python_3_8() -> None:
    tree = ast.parse(DRIVER.read_text(), feature_version=(3, 8))
    imported = {name for node in ast.walk(tree) for name in modules_of(node)}
    assert imported <= {"__future__", "collections.abc", "importlib", "json", "os", "sys", "typing"}


def modules_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10"])
def test_the_driver_runs_on_older_pythons(version: str, tmp_path: Path) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    answers = converse(tmp_path, *REQUESTS[:2], python=python)
    assert answers[2]["item"]["version"] == [int(part) for part in version.split(".")]


def find_python(version: str) -> str | None:
    """An interpreter that uv finds, which downloads none, or one that pyenv keeps."""
    command = [find_uv_bin(), "python", "find", "--no-python-downloads", version]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    path = finished.stdout.strip()
    if finished.returncode == 0 and re.search(r"python[\d.]*$", path):
        return path
    pythons = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return str(pythons[-1]) if pythons else None
