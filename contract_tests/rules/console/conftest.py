from collections.abc import Iterator

import pytest

from contract_tests.serving import ServedWorld


@pytest.fixture(scope="module")
def server() -> Iterator[ServedWorld]:
    """A default world that only the tests of one module see and change."""
    with ServedWorld() as world:
        yield world
