"""Changes that take seconds: nobody else waits for them but who changes the same workspace, and the order is kept."""

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.rules.overlap import run_beside
from contract_tests.rules.worlds import many_boxes
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

ROWS = 30_000
DELETE_DATASET = "mutation($id: ID!){updateDataset(where: {id: $id} data: {deleted: true}){id}}"
ROW_COUNT = "query($id: ID!){project(where: {id: $id}){dataRowCount}}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    file = many_boxes(tmp_path_factory.mktemp("many"), unlabelled=ROWS)
    with ServedWorld("--scenario", str(file)) as server:
        yield server


def delete_by_ids(workspace: MockWorkspace) -> Any:
    """The mutation as the SDK writes it: all ids in the document."""
    ids = " ".join(f'"{row["data_row"]["id"]}"' for row in workspace.expected_rows("many")[:25_000])
    return lambda: ask_in(
        workspace, f"mutation deleteDataRowsPyApi{{deleteDataRows(where: {{dataRowIds: [{ids}]}}){{id}}}}"
    )


def delete_the_dataset(workspace: MockWorkspace) -> Any:
    return lambda: ask_in(workspace, DELETE_DATASET, id=workspace.dataset("many"))


@pytest.mark.parametrize("deletion", [delete_by_ids, delete_the_dataset])
def test_others_are_answered_while_many_rows_are_deleted(
    server: ServedWorld, workspace: MockWorkspace, deletion: Callable[[MockWorkspace], Any]
) -> None:
    """On the loop, the change would be one pause of the others, as long as it takes."""
    create = 'mutation{createDataset(data: {name: "elsewhere"}){id}}'
    _, _, inside = run_beside(deletion(workspace), lambda: ask_in(server.own, create))
    assert inside > 0, "nobody was answered while the rows were deleted"


def test_a_poll_and_a_call_that_a_fault_counts_wait_for_a_long_change_and_hold_nobody_else(
    server: ServedWorld, workspace: MockWorkspace
) -> None:
    workspace.progression.processing = {"looks": 1}
    poll = 'query { queryAllDataRowsHaveBeenProcessed(dataRowIds: ["x"]) { allDataRowsHaveBeenProcessed } }'
    dataset = workspace.dataset("many")

    def change_and_count() -> list[Any]:
        calls = [partial(ask_in, workspace, DELETE_DATASET, id=dataset), *[partial(ask_in, workspace, poll)] * 4]
        with ThreadPoolExecutor(len(calls)) as threads, workspace.fault("slow", seconds=0.0, times="every") as fault:
            answers = [thread.result() for thread in [threads.submit(call) for call in calls]]
            assert fault.hits == len(calls)
        return answers[1:]

    answers, _, inside = run_beside(change_and_count, lambda: ask_in(server.own, "{user{id}}"))
    processed = [each["queryAllDataRowsHaveBeenProcessed"]["allDataRowsHaveBeenProcessed"] for each in answers]
    assert sorted(processed) == [False, True, True, True]
    assert inside > 0, "nobody was answered while the rows were deleted"


def test_a_read_during_a_change_sees_all_rows_or_none(workspace: MockWorkspace) -> None:
    project = workspace.project("many")

    def look() -> int:
        return int(ask_in(workspace, ROW_COUNT, id=project)["project"]["dataRowCount"])

    _, counts, inside = run_beside(delete_the_dataset(workspace), look)
    assert set(counts) <= {ROWS, 0}
    assert inside > 0, "reads do not wait for the change"
    assert look() == 0


def test_changes_of_one_workspace_happen_in_the_order_of_their_requests(workspace: MockWorkspace) -> None:
    """A long and a short change find the changes before them done, however long those take."""
    dataset = workspace.dataset("many")
    documents = [
        DELETE_DATASET,
        'mutation($id: ID!){updateDataset(where: {id: $id} data: {name: "late"}){id}}',
        "mutation($id: ID!){exportDatasetDataRows(data: {datasetId: $id}){status}}",
    ]
    connections = [connect(workspace) for _ in documents]
    for connection, document in zip(connections, documents, strict=True):
        body = json.dumps({"query": document, "variables": {"id": dataset}})
        connection.request("POST", "/graphql", body, {"Authorization": f"Bearer {workspace.api_key}"})
        time.sleep(0.05)  # what is sent later is read later, even by a server that had no time to read anything
    first, *late = [receive(connection) for connection in connections]
    assert first["data"]["updateDataset"] == {"id": dataset}
    for answer in late:
        assert "does not exist" in answer["errors"][0]["message"]


def connect(workspace: MockWorkspace) -> http.client.HTTPConnection:
    """A connection that is open before anything is sent, so that requests arrive in the order of their sending."""
    address = urlsplit(workspace.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    connection.connect()
    return connection


def receive(connection: http.client.HTTPConnection) -> Any:
    with contextlib.closing(connection), connection.getresponse() as response:
        return json.load(response)


@pytest.mark.parametrize("end", [MockWorkspace.delete, MockWorkspace.reset])
def test_a_change_that_began_before_its_workspace_ends_is_done_and_answered(
    server: ServedWorld, end: Callable[[MockWorkspace], None]
) -> None:
    """A change that is later than the end is refused, as after every end. The machine decides which of the two is
    first; the later the end is requested, the surer it is the change."""
    for pause in (0.02, 0.1, 0.3, 1.0, 3.0):
        workspace = server.workspace()
        dataset = workspace.dataset("many")
        with ThreadPoolExecutor(1) as threads:
            change = threads.submit(answer_in, workspace, DELETE_DATASET, id=dataset)
            time.sleep(pause)
            end(workspace)
            answer = change.result()
        if "errors" not in answer:
            return
        assert "MOCKSERVER_RESOURCE_FAILED" not in str(answer), "nothing of the machine failed"
    pytest.fail(f"no change was done before its workspace ended; the last answer was {answer}")
