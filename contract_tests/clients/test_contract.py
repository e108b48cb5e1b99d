"""The official SDK, tried by the contract: a sample of what `contract_results.json` says is found again."""

from collections.abc import Iterator

import pytest

from contract_tests.clients.compatibility import PAGE
from contract_tests.clients.contract_matrix import list_outcomes, try_version
from contract_tests.clients.contract_outcomes import load_results, render_section
from contract_tests.clients.environments import NEWEST, SDKS
from mockserver.contract import choose_cases
from mockserver.testing import MockServer

SAMPLE = {
    "3.24.1": ("project", "v1-text"),
    "3.40.1": (
        *("project", "failed-rows", "three-polls", "v1-image", "filter-ids"),
        "line-separators",  # wire.md, trap 9: the ndjson package splits lines as str does
        "file-truncated-line",
        "create-503-after",  # INTERNAL_SERVER_ERROR is retried (client.py)
    ),
    NEWEST: (
        *("project-every-section", "failed-rows", "line-separators", "slice", "model-run", "sync-deleted"),
        "file-truncated-line",
        "create-503-after",  # every 5xx is retried, mutations too (lbox request_client.py)
        "file-503",  # files are fetched by one requests.get (export_task.py)
    ),
}
"""Version -> cases."""
AGAIN = "run `python -m contract_tests.clients.contract_matrix [VERSION…] [CASE…]`"


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.mark.parametrize("version", SAMPLE)
def test_a_sample_of_the_results_is_found_again(mock: MockServer, version: str) -> None:
    results = load_results()[version]
    report = try_version(mock, version, SAMPLE[version], jobs=2)
    assert list_outcomes(report) == {case: results[case] for case in report_order(version)}, AGAIN


def report_order(version: str) -> list[str]:
    return [case.name for case in choose_cases(names=SAMPLE[version])]


def test_there_is_a_result_of_each_version_with_each_case() -> None:
    cases = [case.name for case in choose_cases()]
    assert {version: [*outcomes] for version, outcomes in load_results().items()} == dict.fromkeys(SDKS, cases), AGAIN


def test_the_page_has_these_results() -> None:
    assert "\n".join(render_section(load_results())) in PAGE.read_text("utf-8"), AGAIN
