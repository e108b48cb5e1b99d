"""A workspace of its own for each test."""

from collections.abc import Iterator

import pytest

from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace


@pytest.fixture(scope="module")
def server() -> Iterator[ServedWorld]:
    with ServedWorld() as server:
        yield server


@pytest.fixture
def mock(server: ServedWorld) -> Iterator[MockWorkspace]:
    workspace = server.workspace()
    yield workspace
    workspace.delete()
