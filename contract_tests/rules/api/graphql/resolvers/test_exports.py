"""Export tasks on the wire (wire.md §4)."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from contract_tests.rules.api.asking import (
    EXPORT,
    LONG_PATIENCE,
    answer_in,
    ask,
    ask_in,
    export_input,
    export_project,
    file_at,
    get,
    task_of,
)
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.testing import MockWorkspace

BEYOND = 2**63


def header(server: ServedWorld, task_id: str, stream: str = "RESULT") -> Any:
    document = (
        "query($id: ID!, $stream: TaskStreamType!)"
        "{task(where: {id: $id}){exportMetadataHeader(streamType: $stream){totalSize totalLines}}}"
    )
    return ask(server, document, {"id": task_id, "stream": stream}).data["task"]["exportMetadataHeader"]


def file_at_line(server: ServedWorld, task_id: str, line: object) -> Any:
    document = (
        "query($id: ID!, $line: UInt64!){task(where: {id: $id}){exportFileFromLine(streamType: RESULT, line: $line)"
        "{offsets {start end} lines {start end} file}}}"
    )
    return ask(server, document, {"id": task_id, "line": line}).data["task"]["exportFileFromLine"]


@pytest.fixture(scope="module")
def task_id(server: ServedWorld) -> str:
    return export_project(server, "image")


@pytest.mark.known("client")
@pytest.mark.parametrize("project", ["image", "text"])
def test_the_header_counts_what_the_files_hold(server: ServedWorld, project: str) -> None:
    task_id = export_project(server, project)
    body = get(server, file_at(server, task_id, "0")["file"]).body
    assert header(server, task_id) == {"totalSize": str(len(body)), "totalLines": str(body.count(b"\n"))}


@pytest.mark.known("client")
def test_by_line_and_by_offset_the_same_file_is_found(server: ServedWorld, task_id: str) -> None:
    total = header(server, task_id)
    last_byte, last_line = int(total["totalSize"]) - 1, int(total["totalLines"]) - 1
    assert file_at(server, task_id, "0") == file_at_line(server, task_id, 0)
    assert file_at(server, task_id, str(last_byte)) == file_at_line(server, task_id, last_line)
    assert file_at(server, task_id, 0)["offsets"] == {"start": "0", "end": str(last_byte)}
    assert file_at(server, task_id, 0)["lines"] == {"start": "0", "end": str(last_line)}


@pytest.mark.known("client")
def test_past_the_end_there_is_no_file(server: ServedWorld, task_id: str) -> None:
    total = header(server, task_id)
    for beyond in (int(total["totalSize"]), BEYOND):
        assert file_at(server, task_id, str(beyond)) is None
    for beyond in (int(total["totalLines"]), BEYOND):
        assert file_at_line(server, task_id, beyond) is None


@pytest.mark.known("client")
@pytest.mark.parametrize("offset", ["-1", -1, "one", "", 1.5, True, None, "9" * 21, [0]])
def test_an_offset_that_is_no_number_of_bytes_is_refused(server: ServedWorld, task_id: str, offset: object) -> None:
    document = (
        "query($id: ID!, $offset: UInt64!)"
        "{task(where: {id: $id}){exportFileFromOffset(streamType: RESULT, offset: $offset){file}}}"
    )
    assert ask(server, document, {"id": task_id, "offset": offset}).code == "BAD_USER_INPUT"


@pytest.mark.known("client")
def test_a_stream_without_lines_has_no_header_and_no_file(server: ServedWorld, task_id: str) -> None:
    """Null, not {0, 0} (wire trap 12)."""
    nobody = {"type": "data_row_id", "operator": "is", "ids": ["nobody"]}
    empty = export_project(server, "image", nobody)
    assert (header(server, empty), file_at(server, empty, "0")) == (None, None)
    assert (header(server, task_id, "ERRORS"), task_of(server, task_id)["errors"]) == (None, None)


@pytest.mark.known("client")
def test_a_finished_task_has_what_the_sdk_reads(server: ServedWorld, task_id: str) -> None:
    task = task_of(server, task_id)
    assert (task["type"], task["status"], task["completionPercentage"]) == ("export-data-rows", "COMPLETE", 100.0)
    assert (task["name"], task["metadata"]) == (None, {})


@pytest.mark.known("client")
@pytest.mark.parametrize("name", [None, "", "mine", "line\u2028 🙂"])
def test_a_task_is_found_under_its_maker_by_exactly_its_id(server: ServedWorld, name: str | None) -> None:
    """Wire trap 15."""
    inputs = export_input(server.projects["text"]) | {"taskName": name}
    task_id = ask(server, EXPORT, {"input": inputs}).data["exportDataRowsInProject"]["taskId"]
    document = "query($id: ID!){user{createdTasks(where: {id: $id} skip: 0 first: 100){id name}}}"
    assert ask(server, document, {"id": task_id}).data["user"]["createdTasks"] == [{"id": task_id, "name": name}]
    assert ask(server, document, {"id": "nobody"}).data["user"]["createdTasks"] == []


@pytest.mark.known("client")
def test_only_a_request_for_a_stream_is_promised_one(server: ServedWorld) -> None:
    bare = {"filters": {"projectId": server.projects["text"]}}
    answers = [
        ask(server, EXPORT, {"input": bare | more}).data["exportDataRowsInProject"]
        for more in ({}, {"isStreamableReady": True})
    ]
    assert [answer["isStreamable"] for answer in answers] == [False, True]


# What cannot be export_project


@pytest.mark.known("client")
@pytest.mark.parametrize("project", ["nobody", "", "' OR 1=1 --", "c" + "0" * 24, 5])
def test_a_project_that_is_not_there_is_malformed(server: ServedWorld, project: object) -> None:
    """Not RESOURCE_NOT_FOUND, of which SDKs make None and then a TypeError in export() (wire trap 6)."""
    answer = ask(server, EXPORT, {"input": {"filters": {"projectId": project}}})
    assert (answer.status, answer.code) == (200, "MALFORMED_REQUEST")
    assert repr(str(project)) in answer.message
    assert answer.error["errors"] == [{"error": answer.message, "projectIds": [str(project)]}]


@pytest.mark.known("client")
@pytest.mark.parametrize(
    "term",
    [
        {"type": "nonsense"}, {"type": "batch", "operator": "is", "ids": "text"}, {"type": "task_queue_status"},
        {"type": "labeled_at", "value": {"operator": [], "value": "2024-01-01"}},
        {"type": "labeled_at", "value": {"operator": "LESS_THAN_OR_EQUAL", "timezone": [], "value": "2024-01-01"}},
    ],
)  # fmt: skip
def test_a_malformed_term_comes_with_the_sibling_errors(server: ServedWorld, term: object) -> None:
    """Without it the SDK's user gets a KeyError (wire trap 5)."""
    error = ask(server, EXPORT, {"input": export_input(server.projects["image"], term)}).error
    assert error["extensions"]["code"] == "MALFORMED_REQUEST"
    assert error["errors"] == [{"error": error["message"]}]


@pytest.mark.parametrize("count", [150, 2000])
def test_many_terms_make_an_export_or_are_refused(server: ServedWorld, count: int) -> None:
    terms = [{"type": "data_row_id", "operator": "is", "ids": ["nobody"]}] * count
    answer = ask(server, EXPORT, {"input": export_input(server.projects["image"], *terms)})
    if "errors" in answer.json:
        assert answer.code == "MALFORMED_REQUEST"
    else:
        task_id = answer.data["exportDataRowsInProject"]["taskId"]
        assert task_of(server, task_id)["status"] in {"COMPLETE", "IN_PROGRESS"}


@pytest.mark.known("client")
def test_a_task_that_is_not_there_is_not_found(server: ServedWorld) -> None:
    assert ask(server, '{task(where: {id: "nobody"}){id}}').code == "RESOURCE_NOT_FOUND"
    assert ask(server, 'mutation{cancelBulkOperationJob(id: "nobody"){success}}').code == "RESOURCE_NOT_FOUND"


@pytest.mark.known("client")
def test_a_finished_task_cannot_be_cancelled(server: ServedWorld, task_id: str) -> None:
    answer = ask(server, "mutation($id: ID!){cancelBulkOperationJob(id: $id){success}}", {"id": task_id})
    assert answer.code == "RESOURCE_CONFLICT"
    assert task_of(server, task_id)["status"] == "COMPLETE"


CANCEL = "mutation($id: ID!){cancelBulkOperationJob(id: $id){success}}"
WAIT = "query($id: ID!){user{createdTasks(where: {id: $id} skip: 0 first: 100){id status result}}}"
GET_BY_ID = "query($id: ID!){user{createdTasks(where: {id: $id} skip: 0 first: 1){id status result}}}"
"""As SDKs wait for a task (task.py), and as client.get_task_by_id asks for one (client.py 7.17.0:2832)."""
RUNNING = "{organization{tasks(where: {status: IN_PROGRESS}){id status}}}"
COMPLETE = "{user{createdTasks(where: {status: COMPLETE}){id status}}}"


@pytest.fixture
def fresh(server: ServedWorld) -> MockWorkspace:
    """A workspace whose clock is frozen, so that a new export stays new."""
    workspace = server.workspace()
    workspace.clock.freeze()
    return workspace


def finish_export(workspace: MockWorkspace, project: str = "image", **params: object) -> str:
    """Waits for a new export as SDKs do (DataRow.export polls immediately) and returns its id."""
    task_id = start_export(workspace, project, **params)
    wait_for(lambda: status(workspace, WAIT, task_id), lambda status: status != "IN_PROGRESS")
    return task_id


def start_export(workspace: MockWorkspace, project: str = "image", **params: object) -> str:
    inputs = export_input(workspace.project(project), **params)
    return str(ask_in(workspace, EXPORT, input=inputs)["exportDataRowsInProject"]["taskId"])


def status(workspace: MockWorkspace, document: str, task_id: str) -> str:
    [task] = ask_in(workspace, document, id=task_id)["user"]["createdTasks"]
    assert (task["result"] is None) == (task["status"] != "COMPLETE")
    return str(task["status"])


@pytest.mark.known("client")
def test_an_export_that_was_just_made_can_be_cancelled_as_the_sdk_does_it(fresh: MockWorkspace) -> None:
    task_id = finish_export(fresh)
    assert status(fresh, WAIT, task_id) == "COMPLETE"
    assert status(fresh, GET_BY_ID, task_id) == "IN_PROGRESS"
    assert ask_in(fresh, CANCEL, id=task_id) == {"cancelBulkOperationJob": {"success": True}}
    assert {status(fresh, document, task_id) for document in (WAIT, GET_BY_ID)} == {"CANCELED"}


@pytest.mark.known("inferred")
def test_an_export_that_nobody_has_looked_at_can_be_cancelled(fresh: MockWorkspace) -> None:
    task_id = start_export(fresh)
    assert ask_in(fresh, CANCEL, id=task_id) == {"cancelBulkOperationJob": {"success": True}}
    assert status(fresh, WAIT, task_id) == "CANCELED"


@pytest.mark.known("client")
def test_an_export_that_was_just_made_is_listed_as_running_and_then_as_complete(fresh: MockWorkspace) -> None:
    task_id = finish_export(fresh)
    assert ask_in(fresh, RUNNING)["organization"]["tasks"] == [{"id": task_id, "status": "IN_PROGRESS"}]
    assert status(fresh, WAIT, task_id) == "COMPLETE"
    assert ask_in(fresh, COMPLETE)["user"]["createdTasks"] == [{"id": task_id, "status": "COMPLETE"}]
    assert ask_in(fresh, RUNNING)["organization"]["tasks"] == []
    assert status(fresh, GET_BY_ID, task_id) == "COMPLETE"


@pytest.mark.known("inferred")
@pytest.mark.parametrize("by", ["reading it", "time"])
def test_an_export_is_complete_to_everybody_after_its_first_moment(fresh: MockWorkspace, by: str) -> None:
    task_id = finish_export(fresh)
    assert status(fresh, WAIT, task_id) == "COMPLETE"
    if by == "time":
        fresh.clock.advance(seconds=5)
    else:
        header = "query($id: ID!){task(where: {id: $id}){exportMetadataHeader(streamType: RESULT){totalLines}}}"
        assert ask_in(fresh, header, id=task_id)["task"]["exportMetadataHeader"]
    assert ask_in(fresh, RUNNING)["organization"]["tasks"] == []
    assert status(fresh, GET_BY_ID, task_id) == "COMPLETE"
    [refusal] = answer_in(fresh, CANCEL, id=task_id)["errors"]
    assert refusal["extensions"]["code"] == "RESOURCE_CONFLICT"


@pytest.mark.known("client")
def test_the_types_that_can_be_cancelled_are_in_the_case_that_the_sdk_converts(server: ServedWorld) -> None:
    """`exportDataRows` becomes `export-data-rows`; SCREAMING_CASE would become e-x-p-… (wire.md §4.7)."""
    assert ask(server, "{cancelableTaskTypes}").data == {"cancelableTaskTypes": ["exportDataRows"]}


# Several at the same time


def test_eight_exports_at_the_same_time_are_the_same_as_one(fresh: MockWorkspace) -> None:
    """Links to assets expire some time after the export, counted in seconds: the clock is frozen for them."""
    with ThreadPoolExecutor(8) as threads:
        task_ids = list(threads.map(lambda _: finish_export(fresh, "text", includeLabelDetails=True), range(8)))
        results = [projects_of_rows(fresh, task_id) for task_id in task_ids]
    assert len(set(task_ids)) == 8
    assert results == [results[0]] * 8
    assert len(results[0]) == 10


def projects_of_rows(workspace: MockWorkspace, task_id: str) -> list[Any]:
    url = ask_in(workspace, "query($id: ID!){task(where: {id: $id}){result}}", id=task_id)["task"]["result"]
    return [json.loads(line)["projects"] for line in requests.get(url, timeout=LONG_PATIENCE).text.splitlines()]


@pytest.mark.known("client")
def test_a_result_stays_as_it_was_when_the_world_changes(server: ServedWorld) -> None:
    name = "mutation($name: String!){createProject(data: {name: $name}){id}}"
    project = ask(server, name, {"name": "before"}).data["createProject"]["id"]
    variables = {"input": export_input(project)}
    task_id = ask(server, EXPORT, variables).data["exportDataRowsInProject"]["taskId"]
    ask(server, "mutation($id: ID!){updateProject(where: {id: $id}, data: {deleted: true}){id}}", {"id": project})
    assert task_of(server, task_id)["status"] == "COMPLETE"
    assert ask(server, EXPORT, variables).code == "MALFORMED_REQUEST"
