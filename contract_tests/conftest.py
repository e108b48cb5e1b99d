from collections.abc import Iterator

import pytest

from contract_tests.postgres import PrivateCluster
from contract_tests.serving import ServedWorld


@pytest.fixture(scope="session")
def server() -> Iterator[ServedWorld]:
    """The default world, served for the whole session (each xdist worker has its own)."""
    with ServedWorld() as world:
        yield world


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    with PrivateCluster() as cluster:
        yield cluster.dsn
