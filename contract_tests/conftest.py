import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from contract_tests.clients.compatibility import (  # noqa: F401  hooks of pytest
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_runtest_logreport,
    pytest_sessionfinish,
)
from contract_tests.postgres import PrivateCluster
from contract_tests.serving import ServedWorld

# A law is no speed test: a busy machine must not break it. CI tries the same examples each time.
settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
)
settings.load_profile("house")


@pytest.fixture(scope="session")
def server() -> Iterator[ServedWorld]:
    """The default world, served for the whole session (each xdist worker has its own)."""
    with ServedWorld() as world:
        yield world


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    with PrivateCluster() as cluster:
        yield cluster.dsn
