"""Receivers as people write them, certified: the right ones are not accused, the usual mistakes are named."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract_tests.clients.node import copy_to_modules
from mockserver.certification import Report, as_text, certify

FOLDER = Path(__file__).parent / "receivers"
SECRET = "CHANGE-ME-größer"

pytestmark = pytest.mark.xdist_group("receivers")


@contextmanager
def run_program(name: str) -> Iterator[str]:
    """The URL of one of those programs."""
    program = FOLDER / name
    command = ["node", str(copy_to_modules(program))] if program.suffix == ".mjs" else [sys.executable, str(program)]
    with subprocess.Popen([*command, SECRET], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/webhook-endpoint"
        finally:
            process.kill()


def certify_program(name: str) -> Report:
    with run_program(name) as url:
        return certify(url, secret=SECRET)


@pytest.mark.parametrize("name", ["flask_right.py", "starlette_right.py", "plain_right.py", "octokit_right.mjs"])
def test_a_right_receiver_is_flawless(name: str) -> None:
    report = certify_program(name)
    assert report.flawless, as_text(report)
    assert report.diagnoses == []


@pytest.mark.known("documented")
def test_the_sample_of_the_documentation_refuses_by_crashing() -> None:
    report = certify_program("flask_sample.py")
    assert report.passed, as_text(report)
    assert "refuses-by-500" in [diagnosis.name for diagnosis in report.diagnoses]
    assert report.result("tampered").summary == "500"


def test_json_that_is_written_again_is_named() -> None:
    report = certify_program("express_reserialised.mjs")
    assert not report.passed
    assert [diagnosis.name for diagnosis in report.diagnoses if diagnosis.proven] == ["reserialised-javascript"]
    assert "body-limit" in [diagnosis.name for diagnosis in report.diagnoses]


def test_pieces_that_are_decoded_one_by_one_are_named() -> None:
    report = certify_program("node_pieces.mjs")
    assert [diagnosis.name for diagnosis in report.diagnoses] == ["pieces-decoded"]
