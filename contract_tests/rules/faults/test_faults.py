"""Every fault, as a client without any library sees it: the bytes on a socket."""

import json
from typing import Any

import pytest
import requests

from contract_tests.rules.faults.calling import (
    EXPORT,
    TASK,
    USER,
    WAIT,
    Received,
    ask,
    call,
    export_images,
    find_file,
    post,
)
from mockserver.testing import MockWorkspace

# Errors of the service


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_a_server_error_has_its_status_with_and_without_json(workspace: MockWorkspace, status: int) -> None:
    workspace.fault("server_error", status=status)
    workspace.fault("server_error_page", status=status, first=2)
    first, second = call(workspace), call(workspace)
    assert (first.status, second.status) == (status, status)
    [error] = json.loads(first.body)["errors"]
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "exception": {"status": status}}
    assert second.body.startswith(b"<!DOCTYPE html>")
    assert call(workspace).status == 200


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ("upstream_error", 503, b"upstream connect error or disconnect/reset before headers"),
        ("validation_masked", 400, b'"GraphQL validation error"'),
        ("complexity_limit", 400, b'"Query complexity limit exceeded"'),
        ("refusal_of_2020", 200, b'"exception":{"context"'),
        ("internal_error", 200, b'"extensions":{"code":"INTERNAL_SERVER_ERROR"}'),
        ("internal_error_with_status", 200, b'"exception":{"status":503}'),
        ("key_revoked", 401, b'"AUTHENTICATION_ERROR"'),
        ("not_found", 200, b'"RESOURCE_NOT_FOUND"'),
        ("html_page", 200, b"<html>"),
        ("empty_body", 200, b""),
        ("error_without_extensions", 200, b'{"errors":[{"message":"No extensions"}],"data":null}'),
        ("errors_null", 200, b'{"errors":null,"data":null}'),
        ("message_null", 200, b'{"message":null,'),
        ("data_missing", 200, b"{}"),
        ("data_null", 200, b'{"data":null}'),
    ],
)
def test_an_answer_is_replaced(workspace: MockWorkspace, fault: str, status: int, text: bytes) -> None:
    workspace.fault(fault)
    received = call(workspace)
    assert received.status == status
    assert text in received.body
    assert received.length == len(received.body)


def test_any_error_of_graphql_can_be_requested(workspace: MockWorkspace) -> None:
    workspace.fault("graphql_error", code="MALFORMED_REQUEST", message="No")
    assert json.loads(call(workspace).body)["errors"] == [
        {"message": "No", "extensions": {"code": "MALFORMED_REQUEST"}, "errors": [{"error": "No"}]}
    ]


def test_a_rate_is_limited_in_fixed_windows_with_the_seconds_that_are_left(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    workspace.clock.set("2025-06-01T12:00:20Z")
    workspace.fault("rate_limited", limit=2)
    assert [call(workspace).status for _ in range(2)] == [200, 200]
    refused = call(workspace)
    assert (refused.status, refused.fields["retry-after"]) == (429, "40")
    assert json.loads(refused.body)["message"].startswith("You have exceeded")
    workspace.clock.advance(39)
    assert call(workspace).status == 429
    workspace.clock.advance(1)
    assert [call(workspace).status for _ in range(3)] == [200, 200, 429]


# Files


@pytest.mark.parametrize(
    ("fault", "status", "code"), [("link_expired", 400, b"ExpiredToken"), ("not_found", 404, b"NoSuchKey")]
)
def test_a_file_is_refused_in_the_words_of_the_storage(
    workspace: MockWorkspace, fault: str, status: int, code: bytes
) -> None:
    target = find_file(workspace)
    workspace.fault(fault)
    refused = call(workspace, target, None)
    assert (refused.status, code in refused.body) == (status, True)
    assert call(workspace, target, None).status == 200


def test_a_redirect_leads_to_itself(workspace: MockWorkspace) -> None:
    target = find_file(workspace)
    workspace.fault("redirect_loop", path="/_files/*")
    received = call(workspace, target, None)
    assert (received.status, received.fields["location"]) == (307, target)
    with pytest.raises(requests.TooManyRedirects):
        requests.get(workspace.url + target, timeout=WAIT)


def test_a_file_is_truncated_with_a_length_that_fits(workspace: MockWorkspace) -> None:
    target = find_file(workspace)
    whole = call(workspace, target, None)
    workspace.fault("truncated", bytes=77)
    cut = call(workspace, target, None)
    assert cut.body == whole.body[:-77]
    assert cut.length == len(cut.body)


def test_one_byte_of_a_file_is_wrong(workspace: MockWorkspace) -> None:
    target = find_file(workspace)
    whole = call(workspace, target, None).body
    workspace.fault("corrupted")
    wrong = call(workspace, target, None).body
    assert [(index, byte) for index, byte in enumerate(wrong) if byte != whole[index]] == [(len(whole) // 2, 0)]


@pytest.mark.parametrize(("fault", "difference"), [("length_too_large", 100), ("length_too_small", -100)])
def test_a_length_is_wrong_and_the_bytes_are_all_there(workspace: MockWorkspace, fault: str, difference: int) -> None:
    target = find_file(workspace)
    whole = call(workspace, target, None)
    workspace.fault(fault)
    received = call(workspace, target, None)
    assert received.length == len(whole.body) + difference
    assert received.body == whole.body
    assert not received.reset


@pytest.mark.parametrize(("fault", "reset"), [("reset_within", True), ("closed_within", False)])
@pytest.mark.parametrize("bytes_", [0, 1, 1000])
def test_a_connection_ends_within_a_body(workspace: MockWorkspace, fault: str, reset: bool, bytes_: int) -> None:
    target = find_file(workspace)
    whole = call(workspace, target, None)
    workspace.fault(fault, bytes=bytes_)
    received = call(workspace, target, None)
    assert received.length == len(whole.body)
    assert received.body == whole.body[:bytes_]
    assert received.reset == reset
    assert not workspace.requests[-1]["complete"]


def test_a_small_answer_is_interrupted_too(workspace: MockWorkspace) -> None:
    workspace.fault("closed_within", bytes=1_000_000)
    received = call(workspace)
    assert len(received.body) == received.length - 1


def test_a_slow_body_is_whole(workspace: MockWorkspace) -> None:
    whole = call(workspace).body
    workspace.fault("slow_body", rate=200)
    assert call(workspace).body == whole
    assert workspace.requests[-1]["duration_ms"] > 1000 * (len(whole) - 20) / 200


def fetch_frames(workspace: MockWorkspace, label: str) -> list[str]:
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    return requests.get(f"{workspace.url}/v1/frames/{label}", headers=headers, timeout=WAIT).text.splitlines()


def test_frames_of_a_clip_are_missing(workspace: MockWorkspace) -> None:
    workspace.switches.set(frames="direct")
    clips = ask(
        workspace, "query ($id: ID!) { project(where: {id: $id}) { labels { id } } }", id=workspace.project("video")
    )
    labels = [label["id"] for label in clips["data"]["project"]["labels"]]
    label, whole = max(((label, fetch_frames(workspace, label)) for label in labels), key=lambda pair: len(pair[1]))
    workspace.fault("frames_missing", keep=3)
    assert fetch_frames(workspace, label) == whole[::3]
    assert len(whole) > 3


# Connections and time


@pytest.mark.parametrize(("fault", "reset"), [("connection_reset", True), ("connection_closed", False)])
def test_a_connection_ends_before_the_answer(workspace: MockWorkspace, fault: str, reset: bool) -> None:
    workspace.fault(fault)
    assert call(workspace) == Received("", b"", reset)
    entry = workspace.requests[-1]
    assert (entry["status"], entry["complete"], entry["fault"]["fault"]) == (None, False, fault)


def test_an_answer_is_late_by_a_seeded_time(workspace: MockWorkspace) -> None:
    workspace.fault("slow", seconds=0.2, spread=0.2, times=3, seed=5)
    delays = []
    for _ in range(3):
        assert call(workspace).status == 200
        delays.append(workspace.requests[-1]["duration_ms"])
    assert min(delays) >= 200


def test_an_answer_that_never_comes_leaves_the_connection_open(workspace: MockWorkspace) -> None:
    workspace.fault("hangs")
    with pytest.raises(requests.ReadTimeout):
        post(workspace, USER, timeout=0.5)
    assert call(workspace).status == 200


# Exports


def test_an_export_hangs_until_it_is_cancelled(workspace: MockWorkspace) -> None:
    workspace.fault("export_hangs")
    task_id = ask(workspace, EXPORT, id=workspace.project("image"))["data"]["exportDataRowsInProject"]["taskId"]
    workspace.clock.advance(days=2)
    assert ask(workspace, TASK, id=task_id)["data"]["task"]["status"] == "IN_PROGRESS"
    ask(workspace, "mutation ($id: ID!) { cancelBulkOperationJob(id: $id) { success } }", id=task_id)
    assert ask(workspace, TASK, id=task_id)["data"]["task"]["status"] == "CANCELED"
    assert export_images(workspace)["status"] == "COMPLETE"


def list_frames(row: dict[str, Any]) -> list[list[str]]:
    """The numbers of the frames in the labels of a row, for each label and each of its planes."""
    [project] = row["projects"].values()
    bodies = [label["annotations"] for label in project["labels"]]
    parts = [part for each in bodies for part in (each, *each.get("groups", {}).values())]
    return [list(part["frames"]) for part in parts if "frames" in part]


@pytest.mark.parametrize("project", ["video", "dicom"])
@pytest.mark.known("sample")
def test_frames_are_missing_in_the_rows_of_an_export(workspace: MockWorkspace, project: str) -> None:
    whole = [list_frames(row) for row in workspace.expected_rows(project)]
    workspace.fault("export_frames_missing", keep=2)
    task_id = ask(workspace, EXPORT, id=workspace.project(project))["data"]["exportDataRowsInProject"]["taskId"]
    lines = requests.get(ask(workspace, TASK, id=task_id)["data"]["task"]["result"], timeout=WAIT).text.splitlines()
    assert [list_frames(json.loads(line)) for line in lines] == [[frames[::2] for frames in row] for row in whole]
    assert any(len(frames) > 1 for row in whole for frames in row)


def test_exports_fail_by_turns(workspace: MockWorkspace) -> None:
    workspace.fault("export_fails", first=2, message="The second one")
    assert [export_images(workspace)["status"] for _ in range(3)] == ["COMPLETE", "FAILED", "COMPLETE"]
