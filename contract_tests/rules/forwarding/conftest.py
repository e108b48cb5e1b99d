import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from contract_tests.databases import create_database
from contract_tests.rules.forwarding.replicas import KEY, Replica, start_replicas
from contract_tests.serving import ServedWorld


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


@pytest.fixture(scope="session")
def database() -> str:
    """The database of the three servers."""
    return create_database()


@pytest.fixture(scope="session")
def servers(database: str) -> Iterator[list[ServedWorld]]:
    """Three servers. The first one owns the workspace of the key that all have."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(ServedWorld("--state", database, "--replica-name", name))
            for name in ("first", "second", "third")
        ]


ANY_KEY = ("--any-key", "--scenario", "empty", "--host", "0.0.0.0", "--replica-address", "http://127.0.0.1:{port}")


@pytest.fixture(scope="session")
def started_any_key_servers() -> Iterator[list[ServedWorld]]:
    database = create_database()
    flags = ("--state", database, *ANY_KEY)
    with (
        ServedWorld(*flags, popen=subprocess.Popen) as first,
        ServedWorld(*flags, popen=subprocess.Popen) as second,
    ):
        yield [first, second]


@pytest.fixture
def any_key_servers(started_any_key_servers: list[ServedWorld]) -> list[ServedWorld]:
    """Two servers on a database of their own, which a test may end: they are started again."""
    for server in started_any_key_servers:
        if server.process.poll() is not None:
            server.stop()
            server.start()
    return started_any_key_servers
