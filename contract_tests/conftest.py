import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from contract_tests.clients import compatibility, matrix
from contract_tests.clients.compatibility import (  # noqa: F401  (hooks of pytest)
    pytest_runtest_logreport,
    pytest_sessionfinish,
)
from contract_tests.postgres import PrivateCluster
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

# Without files of bytecode, every start of a server or an SDK compiles all that it imports, and every worker all tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

INDEPENDENT = {"crash/test_every_step.py"}
"""Files whose tests take long and share nothing: each of their tests may run in another worker."""

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


@pytest.fixture
def workspace(server: ServedWorld) -> Iterator[MockWorkspace]:
    """A default world of the test's own on the shared server, which costs some milliseconds."""
    own = server.workspace()
    yield own
    own.delete()


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    with PrivateCluster() as cluster:
        yield cluster.dsn


def pytest_addoption(parser: pytest.Parser) -> None:
    compatibility.add_option(parser)
    matrix.add_option(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the tests of a file in one worker, so that a server or a world for the whole file is built once."""
    compatibility.record_capabilities(items)
    matrix.drop_repetitions(config, items)
    for item in items:
        file = item.path.relative_to(Path(__file__).parent).as_posix()
        if file not in INDEPENDENT and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(file))
