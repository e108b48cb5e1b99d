"""The official SDK, an old one and the newest, tried by the contract: what users of them can rely on."""

import os
from collections.abc import Iterator

import pytest

from contract_tests.clients.environments import NEWEST, REPOSITORY, python_of
from mockserver.contract import Runner, choose_cases, driver
from mockserver.contract.process import ClientProcess, Command
from mockserver.testing import MockServer

EXPECTED: dict[str, tuple[str, dict[str, list[str]]]] = {
    "3.40.1": (
        "LegacyClient",
        {
            "project": [],
            "failed-rows": [],
            "three-polls": [],
            "v1-image": [],
            "line-separators": ["line-separators"],  # wire.md, trap 9: the ndjson package splits lines as str does
            "file-truncated-line": ["truncation-hidden"],
            "create-503-after": ["mutation-repeated"],  # INTERNAL_SERVER_ERROR is retried (client.py)
        },
    ),
    NEWEST: (
        "Client",
        {
            "project-every-section": [],
            "failed-rows": [],
            "line-separators": [],
            "slice": [],
            "model-run": [],
            "file-truncated-line": [],
            "create-503-after": ["mutation-repeated"],  # every 5xx is retried, mutations too (lbox request_client.py)
            "file-503": ["gives-up"],  # files are fetched by one requests.get (export_task.py)
        },
    ),
}
"""Version -> the client's class, and the mistakes that each case finds."""
SILENCE = 250
"""Seconds: on a busy machine an SDK is imported for more than a minute."""


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.mark.parametrize("version", EXPECTED)
def test_the_contract_says_what_an_sdk_can_do(mock: MockServer, version: str) -> None:
    name, expected = EXPECTED[version]
    words = (str(python_of(version)), str(driver.__file__), f"contract_tests.clients.sdk_contract:{name}")
    command = Command(words, REPOSITORY, {**os.environ, "PYTHONPATH": str(REPOSITORY)})
    report = Runner(mock, lambda: ClientProcess(command, silence=SILENCE)).run(
        choose_cases(names=list(expected)), name=version, jobs=2
    )
    mistakes = {result.case.name: [finding.mistake for finding in result.findings] for result in report.results}
    assert mistakes == expected
