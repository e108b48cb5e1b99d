from collections.abc import Iterator

import pytest

from contract_tests.rules.forwarding.replicas import KEY, Replica, start_replicas


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Replica]]:
    """Two replicas: one that clients call, and the owner of the workspace."""
    with start_replicas(tmp_path_factory.mktemp("replicas"), 2) as started:
        yield started


@pytest.fixture
def front(replicas: list[Replica]) -> Replica:
    """The replica that clients call. It knows that the other one serves the workspace."""
    front, owner = replicas
    owner.know(**{KEY: None})
    front.know(**{KEY: owner.place})
    return front


@pytest.fixture
def owner(replicas: list[Replica]) -> Replica:
    return replicas[1]
