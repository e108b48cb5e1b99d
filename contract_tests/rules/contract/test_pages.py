"""The programs of the contract's pages keep the contract, and its example for pytest runs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.rules.pages import REPOSITORY, blocks_of, files_of
from contract_tests.serving import ServedWorld
from mockserver.contract import CASES, Report, Runner, Verdict, choose_cases
from mockserver.contract.cases import Profile
from mockserver.contract.process import ClientProcess, Command
from mockserver.testing import MockServer


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with ServedWorld() as server:
        yield server


def run_program(mock: MockServer, folder: Path, language: str, command: str, *cases: str) -> Report:
    [program] = [
        block.text for block in blocks_of(REPOSITORY / "docs/contract-clients.md") if block.language == language
    ]
    words = command.split()
    (folder / words[-1]).write_text(program)
    started = Command(tuple(words), folder, dict(os.environ))
    return Runner(mock, lambda: ClientProcess(started, silence=250)).run(choose_cases(names=cases), name=command)


def test_the_program_in_node_keeps_the_contract(mock: MockServer, tmp_path: Path) -> None:
    cases = ("filter-dates", "line-separators", "failed-rows", "failed-export", "empty", "connections-closed")
    report = run_program(mock, tmp_path, "js", "node exports.mjs", *cases)
    assert (report.mistakes, len(report.results_with(Verdict.PASSED))) == ([], len(cases))


def test_the_program_in_shell_keeps_the_contract(mock: MockServer, tmp_path: Path) -> None:
    cases = ("failed-rows", "unknown-project")
    report = run_program(mock, tmp_path, "bash", "bash exports.sh", *cases)
    assert (report.mistakes, len(report.results_with(Verdict.PASSED))) == ([], len(cases))


def test_the_example_for_pytest_has_a_test_for_each_case(tmp_path: Path) -> None:
    files = files_of("contract.md")
    for name in ("exports.py", "test_contract.py"):
        (tmp_path / name).write_text(files[name])
    (tmp_path / "test_contract.py").write_text(
        files["test_contract.py"].replace(
            '"rows", "errors"', 'names=["project", "slice", "failed-rows", "failed-export"]'
        )
        + "\n\ndef test_a_mistake_fails(labelbox_server):\n"
        "    case = contract_cases(names=['project']).pop().values[0]\n"
        "    case.check(labelbox_server, client='wrong:Client')\n"
    )
    (tmp_path / "wrong.py").write_text(
        "import exports\n\n\nclass Client(exports.Client):\n"
        "    def lines(self, stream):\n        return list(super().lines(stream))[:-1]\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-p", "no:schemathesis"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert re.search(r"1 failed, 3 passed, 1 skipped", finished.stdout), finished.stdout + finished.stderr
    assert "not offered: NotImplementedError: it exports projects alone" in finished.stdout
    assert "The last row is missing [last-row-lost]: 1 of 12 rows are missing" in finished.stdout


def test_the_page_names_each_part_of_the_contract() -> None:
    assert {case.profile for case in CASES} == set(Profile)
