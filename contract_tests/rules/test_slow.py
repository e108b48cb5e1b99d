"""The order of the tests in contract_tests/conftest.py, which of them share a worker, and what they are called; `make
quick` leaves slow ones out."""

from pathlib import Path

import pytest

from contract_tests.conftest import INDEPENDENT, SLOW

TESTS = Path(__file__).parents[1]
LONGEST_ID = 600
LARGE = "x" * 1_000_000


@pytest.mark.parametrize("name", [*SLOW, *INDEPENDENT])
def test_what_is_listed_as_slow_or_independent_exists(name: str) -> None:
    assert (TESTS / name).exists()


def test_the_tests_of_a_file_share_a_worker(request: pytest.FixtureRequest) -> None:
    """xdist reads the group from the id of the test; otherwise each worker starts the servers of each file."""
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("tests are not distributed by groups")
    assert request.node.nodeid.endswith("@rules/test_slow.py")


@pytest.mark.parametrize("value", [LARGE, LARGE.encode(), f"y{LARGE}", [LARGE]])
def test_no_test_has_a_long_id(request: pytest.FixtureRequest, value: object) -> None:
    """Neither these, nor any other test that was collected. Ids had 149 MB, which each worker sends and keeps."""
    assert str(LARGE[:10]) in str(value)
    assert [item.nodeid[:100] for item in request.session.items if len(item.nodeid) > LONGEST_ID] == []
