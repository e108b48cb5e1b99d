from collections.abc import Iterator

import pytest

from contract_tests.clients.clients import CLIENTS, Client, ClientKind, RunningPrograms
from contract_tests.serving import ServedWorld


@pytest.fixture(scope="session")
def programs() -> Iterator[RunningPrograms]:
    running = RunningPrograms()
    yield running
    running.close()


# The group keeps a program's tests on one worker, so that each SDK is imported once.
TABLE = [pytest.param(kind, id=kind.name, marks=pytest.mark.xdist_group(kind.program.name)) for kind in CLIENTS]


@pytest.fixture(scope="session", params=TABLE)
def kind(request: pytest.FixtureRequest) -> ClientKind:
    chosen: ClientKind = request.param
    return chosen


@pytest.fixture
def client(kind: ClientKind, programs: RunningPrograms, server: ServedWorld) -> Client:
    """Each client of the table in turn, on the default world."""
    return programs.client(kind, server)
