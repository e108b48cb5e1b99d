"""The connection to the database is lost while it commits: the change may have been made or not."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import count

import pytest

from contract_tests.crash.killing import SCENARIO
from contract_tests.databases import create_database, start_cluster
from contract_tests.replicas import exporting
from contract_tests.replicas.journal import Export, Journal
from contract_tests.replicas.observing import PatientConnection
from contract_tests.replicas.requesting import Connection, Refused, Unanswered
from contract_tests.replicas.splitter import Splitter
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.testing import MockWorkspace

TASKS = "{user{createdTasks(first: 100){id}}}"
LABELS = "mutation($id: ID!){exportLabels(data: {projectId: $id}){downloadUrl createdAt shouldPoll}}"


class Way:
    """The way to a database, on which the answer to the n-th COMMIT from now on can be lost."""

    def __init__(self) -> None:
        self._commits, self._lost = count(1), 0
        self.splitter = Splitter([start_cluster().socket], is_last=self._is_lost)

    def lose(self, number: int) -> None:
        self._commits, self._lost = count(1), number

    def _is_lost(self, chunk: bytes) -> bool:
        return b"COMMIT" in chunk and next(self._commits) == self._lost


@pytest.fixture(scope="module")
def way() -> Iterator[Way]:
    way = Way()
    with way.splitter:
        yield way


@pytest.fixture(scope="module")
def world(way: Way) -> Iterator[ServedWorld]:
    name = create_database().partition("///")[2].partition("?")[0]
    state = f"postgresql://postgres@127.0.0.1:{way.splitter.port}/{name}"
    with ServedWorld("--state", state, scenario=str(SCENARIO)) as world:
        yield world


@pytest.mark.parametrize("number", [1, 2])
def test_an_export_is_complete_with_its_file_or_has_failed(way: Way, world: ServedWorld, number: int) -> None:
    key, project = world.api_key, world.projects["image"]
    patient = PatientConnection(world.url, Journal())
    way.lose(number)
    with suppress(Unanswered):  # the first COMMIT is that of its task
        exporting.start(Connection(world.url, Journal()), Journal(), key, project)
    for task in patient.ask(key, TASKS)["user"]["createdTasks"]:
        export = Export(key, task["id"], 0, 0)
        exporting.finish(patient, export)
        assert (export.status, bool(export.content)) == ("COMPLETE", True) or export.reason
    way.lose(0)


@pytest.mark.parametrize("number", [1, 2])
def test_an_export_of_v1_is_complete_with_its_file_or_has_failed(way: Way, world: ServedWorld, number: int) -> None:
    workspace = world.workspace()
    patient = PatientConnection(world.url, Journal())
    way.lose(number)
    url = wait_for(lambda: find_url(patient, workspace))
    way.lose(0)
    assert url is not None
    assert patient.get(url).startswith("[")


def find_url(connection: Connection, workspace: MockWorkspace) -> str | None:
    """Polls an export of V1 once. One that failed names the database, and the next poll starts another one."""
    try:
        export = connection.ask(workspace.api_key, LABELS, id=workspace.project("image"))["exportLabels"]
    except Refused as refused:
        if "PostgreSQL" not in str(refused):
            raise
        return None
    return None if export["shouldPoll"] else str(export["downloadUrl"])
