"""A fixture for tests whose rules hold in both kinds of states: `from contract_tests.both_states import server`."""

from collections.abc import Iterator

import pytest

from contract_tests.databases import create_database
from contract_tests.serving import ServedWorld


@pytest.fixture(scope="module", params=["session", "postgres"])
def server(request: pytest.FixtureRequest, server: ServedWorld) -> Iterator[ServedWorld]:
    """The session's server, and one whose state is in PostgreSQL."""
    if request.param == "session":
        yield server
        return
    with ServedWorld("--state", create_database()) as world:
        yield world
