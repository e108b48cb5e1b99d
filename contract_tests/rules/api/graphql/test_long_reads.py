"""Reads that take long: nobody else waits for them, and each sees one moment of the world."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.rules.overlap import run_beside
from contract_tests.rules.worlds import many_boxes
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

ROWS = 1_000
READERS, RESETS = 6, 60
WHO = "{user{id}}"
LONG = {
    "labels as Export V1 tells them": "query($id: ID!){project(where: {id: $id}){labels(first: 1000){id label}}}",
    "data rows with their metadata": (
        "query($id: ID!){project(where: {id: $id}){labels(first: 1000)"
        "{dataRow{id mediaAttributes metadataFields{schemaId name} dataset{id} createdBy{email}}}}}"
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    file = many_boxes(tmp_path_factory.mktemp("many"), labelled=ROWS)
    with ServedWorld("--scenario", str(file)) as server:
        yield server


@pytest.mark.parametrize("document", LONG.values(), ids=LONG)
def test_others_are_answered_while_a_large_page_is_read(workspace: MockWorkspace, document: str) -> None:
    project = workspace.project("many")
    page, _, inside = run_beside(lambda: ask_in(workspace, document, id=project), lambda: ask_in(workspace, WHO))
    assert len(page["project"]["labels"]) == ROWS
    assert inside > 0, "nobody was answered while the page was read"


def build_search(terms: int) -> list[dict[str, Any]]:
    """Terms that every data row is compared with, of which only the last is met by none."""
    moments = [(f"21{number % 60:02}-01-01T00:00:{number % 60:02}Z") for number in range(terms)]
    limits = [{"min": "2000-01-01T00:00:00Z", "max": most} for most in (*moments, "2000-01-02T00:00:00Z")]
    return [
        {"type": "labeled_at", "value": {"operator": "BETWEEN", "timezone": "UTC", "value": value}} for value in limits
    ]


def test_others_are_answered_while_a_slice_is_searched(workspace: MockWorkspace) -> None:
    """Few records are read, and none is in the answer, but each row is compared with a thousand terms."""
    args = {"name": "slow", "filter": build_search(1_000)}
    create = "mutation($args: CatalogSavedQueryInput!) {createCatalogSavedQuery(args: $args) {id}}"
    slow = ask_in(workspace, create, args=args)["createCatalogSavedQuery"]["id"]
    count = "query($id: ID!) {getDataRowIdentifiersBySavedQuery(input: {savedQueryId: $id, first: 1}) {totalCount}}"
    page, _, inside = run_beside(lambda: ask_in(workspace, count, id=slow), lambda: ask_in(workspace, WHO))
    assert page["getDataRowIdentifiersBySavedQuery"]["totalCount"] == 0
    assert inside > 0, "nobody was answered while the slice was searched"


def test_a_large_page_shows_one_moment_whatever_changes_during_it(workspace: MockWorkspace) -> None:
    """All rows are read before or after the one that is deleted in the meantime, never some before and some after."""
    document = "query($id: ID!){project(where: {id: $id}){labels(first: 1000){id label} labelCount}}"
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(ask_in, workspace, document, id=workspace.project("many"))
        while not running.done():
            workspace.event("LABEL_DELETED", project="many")
    project = running.result()["project"]
    assert len(project["labels"]) == project["labelCount"]
    assert all(label["label"] for label in project["labels"])


def test_a_page_is_whole_or_refused_while_the_workspace_is_reset(server: ServedWorld) -> None:
    """A snapshot that is being opened is not left without its files."""
    document = "query($id: ID!){project(where: {id: $id}){labels(first: 20){id label}}}"
    workspace, over = server.workspace(), threading.Event()
    project = workspace.project("many")

    def read() -> list[Any]:
        seen = []
        while not over.is_set():
            seen.append(answer_in(workspace, document, id=project))
        return seen

    with ThreadPoolExecutor(READERS) as threads:
        reading = [threads.submit(read) for _ in range(READERS)]
        for _ in range(RESETS):
            workspace.reset()
        over.set()
    answers = [answer for reader in reading for answer in reader.result()]
    workspace.delete()
    refused = [error["extensions"]["code"] for answer in answers for error in answer.get("errors", ())]
    assert set(refused) <= {"RESOURCE_CONFLICT"}
    assert {len(answer["data"]["project"]["labels"]) for answer in answers if "errors" not in answer} == {20}
