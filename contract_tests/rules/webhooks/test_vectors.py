"""The vectors for receivers of any language, and the program that tries them."""

import base64
import json
import subprocess
import sys
from typing import Any

import pytest

from contract_tests.rules.pages import REPOSITORY
from mockserver.webhooks.verification import verify

FOLDER = REPOSITORY / "fixtures/webhooks"
VECTORS = json.loads((FOLDER / "vectors.json").read_text())["vectors"]
CHECK = [sys.executable, "-I", str(FOLDER / "check_vectors.py")]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_our_own_verification_agrees(vector: dict[str, Any]) -> None:
    headers = {name.lower(): value for name, value in dict(vector["headers"]).items()}
    verification = verify(headers, base64.b64decode(vector["body_base64"]), secret=vector["secret"])
    assert verification.genuine is vector["genuine"], vector["why"]


def test_the_reference_needs_the_standard_library_alone() -> None:
    ended = subprocess.run(CHECK, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, f"{len(VECTORS)} of {len(VECTORS)} vectors are right\n")


def test_a_program_that_accepts_everything_fails_all_that_are_not_genuine() -> None:
    ended = subprocess.run([*CHECK, "--", "true"], capture_output=True, text=True, check=False)
    wrong = [line for line in ended.stdout.splitlines() if line.startswith("WRONG ")]
    assert ended.returncode == 1
    assert len(wrong) == sum(not vector["genuine"] for vector in VECTORS)
    assert any("no-signature: genuine, but: Without a signature" in line for line in wrong)
