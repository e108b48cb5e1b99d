"""Changes that take seconds: nobody else waits for them but who changes the same workspace, and the order is kept."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.rules.worlds import many_boxes
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

ROWS = 30_000
DELETE_DATASET = "mutation($id: ID!){updateDataset(where: {id: $id} data: {deleted: true}){id}}"
ROW_COUNT = "query($id: ID!){project(where: {id: $id}){dataRowCount}}"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    file = many_boxes(tmp_path_factory.mktemp("many"), unlabelled=ROWS)
    with ServedWorld("--scenario", str(file)) as world:
        yield world


@pytest.fixture
def own(crowded: ServedWorld) -> Iterator[MockWorkspace]:
    made = crowded.workspace()
    yield made
    made.delete()


def meanwhile(change: Callable[[], Any], look: Callable[[], Any]) -> list[Any]:
    """What every look saw from when the change was asked for until it was answered."""
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(change)
        seen = []
        while not running.done():
            seen.append(look())
        running.result()
    return seen


def delete_by_ids(workspace: MockWorkspace) -> Any:
    """As the SDK writes it: all ids in the document."""
    ids = " ".join(f'"{row["data_row"]["id"]}"' for row in workspace.expected_rows("many")[:25_000])
    return lambda: ask_in(
        workspace, f"mutation deleteDataRowsPyApi{{deleteDataRows(where: {{dataRowIds: [{ids}]}}){{id}}}}"
    )


def delete_the_dataset(workspace: MockWorkspace) -> Any:
    return lambda: ask_in(workspace, DELETE_DATASET, id=workspace.dataset("many"))


@pytest.mark.parametrize("deletion", [delete_by_ids, delete_the_dataset])
def test_others_are_answered_while_many_rows_are_deleted(
    crowded: ServedWorld, own: MockWorkspace, deletion: Callable[[MockWorkspace], Any]
) -> None:
    """On the loop, the change would be one pause of the others, as long as it takes."""
    pauses: list[float] = []

    def look() -> None:
        began = time.monotonic()
        ask_in(crowded.own, 'mutation{createDataset(data: {name: "elsewhere"}){id}}')
        pauses.append(time.monotonic() - began)

    began = time.monotonic()
    meanwhile(deletion(own), look)
    assert len(pauses) > 5
    assert max(pauses) < (time.monotonic() - began) / 2


def test_whoever_looks_meanwhile_sees_all_rows_or_none(own: MockWorkspace) -> None:
    project = own.project("many")

    def look() -> int:
        return int(ask_in(own, ROW_COUNT, id=project)["project"]["dataRowCount"])

    seen = meanwhile(delete_the_dataset(own), look)
    assert set(seen) <= {ROWS, 0}
    assert seen.count(ROWS) > 2, "reads do not wait for the change"
    assert look() == 0


def test_changes_of_one_workspace_happen_in_the_order_in_which_they_were_asked_for(own: MockWorkspace) -> None:
    """A long and a short one find done what was asked for before them, however long that takes."""
    dataset = own.dataset("many")
    documents = [
        DELETE_DATASET,
        'mutation($id: ID!){updateDataset(where: {id: $id} data: {name: "late"}){id}}',
        "mutation($id: ID!){exportDatasetDataRows(data: {datasetId: $id}){status}}",
    ]
    answers: list[Future[Any]] = []
    with ThreadPoolExecutor(3) as threads:
        for document in documents:
            answers.append(threads.submit(answer_in, own, document, id=dataset))
            time.sleep(0.1)
    assert answers[0].result()["data"]["updateDataset"] == {"id": dataset}
    for late in answers[1:]:
        assert "does not exist" in late.result()["errors"][0]["message"]


@pytest.mark.parametrize("end", [MockWorkspace.delete, MockWorkspace.reset])
def test_a_change_that_began_before_its_workspace_ends_is_done_and_answered(
    crowded: ServedWorld, end: Callable[[MockWorkspace], None]
) -> None:
    """Where the change came behind the end, it is refused as it would be without a change: which of the two came first
    the machine decides, and the later the end is asked for, the surer it is the change."""
    for pause in (0.02, 0.1, 0.3, 1.0, 3.0):
        own = crowded.workspace()
        dataset = own.dataset("many")
        with ThreadPoolExecutor(1) as threads:
            change = threads.submit(answer_in, own, DELETE_DATASET, id=dataset)
            time.sleep(pause)
            end(own)
            answer = change.result()
        if "errors" not in answer:
            return
        assert "MOCKSERVER_RESOURCE_FAILED" not in str(answer), "nothing of the machine failed"
    pytest.fail(f"no change was done before its workspace ended; the last answer was {answer}")
