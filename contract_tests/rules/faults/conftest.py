"""A server for the tests of each file."""

from collections.abc import Iterator

import pytest

from contract_tests.serving import ServedWorld


@pytest.fixture(scope="module")
def server() -> Iterator[ServedWorld]:
    with ServedWorld() as server:
        yield server
