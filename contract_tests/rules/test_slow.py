"""The list of slow tests in contract_tests/conftest.py: `make quick` leaves them out."""

from pathlib import Path

import pytest

from contract_tests.conftest import INDEPENDENT, SLOW

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("name", [*SLOW, *INDEPENDENT])
def test_what_is_listed_as_slow_or_independent_exists(name: str) -> None:
    assert (TESTS / name).exists()
