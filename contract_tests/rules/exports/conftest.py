from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.rules.worlds import build_database, open_store
from mockserver.world.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The default world in a store, for the tests of a file."""
    with open_store(build_database(tmp_path_factory.mktemp("rows"))) as opened:
        yield opened


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Store]:
    """The default world in a store of the test's own."""
    with open_store(build_database(tmp_path)) as opened:
        yield opened
