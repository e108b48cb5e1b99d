"""Every fault, as a client without any library sees it: the bytes on a socket."""

import json
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import requests

from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.faults.kind import Stage
from mockserver.faults.kinds import KINDS
from mockserver.testing import MockWorkspace
from mockserver.testing.errors import ControlRefusedError

WAIT = 60
USER = '{"query": "query GetUserPyApi { user { id } }"}'
EXPORT = "mutation ($id: ID!) { exportDataRowsInProject(input: {filters: {projectId: $id}}) { taskId } }"
TASK = "query ($id: ID!) { task(where: {id: $id}) { status result errors } }"
CREATE = 'mutation { createDataset(data: {name: "made"}) { id } }'


@pytest.fixture(scope="module")
def server() -> Iterator[ServedWorld]:
    with ServedWorld() as server:
        yield server


@pytest.fixture
def mock(server: ServedWorld) -> Iterator[MockWorkspace]:
    workspace = server.workspace()
    yield workspace
    workspace.delete()


class Received(NamedTuple):
    """The bytes up to the end of the connection, and whether it was reset."""

    head: str
    body: bytes
    reset: bool

    @property
    def status(self) -> int | None:
        return int(self.head.split(" ")[1]) if self.head else None

    @property
    def fields(self) -> dict[str, str]:
        lines = (line.split(": ", 1) for line in self.head.split("\r\n")[1:])
        return {line[0].lower(): line[1] for line in lines if len(line) == 2}

    @property
    def length(self) -> int:
        return int(self.fields["content-length"])


def call(mock: MockWorkspace, target: str = "/graphql", body: str | None = USER) -> Received:
    """Sends one request, and reads until the connection ends."""
    parts = urlsplit(mock.url)
    key = f"Authorization: Bearer {mock.api_key}\r\n"
    start = f"{'POST' if body else 'GET'} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n{key}"
    content = (body or "").encode()
    with socket.create_connection((parts.hostname, parts.port), timeout=WAIT) as connection:
        connection.sendall(f"{start}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        received, reset = b"", False
        try:
            while chunk := connection.recv(65_536):
                received += chunk
        except ConnectionResetError:
            reset = True
    head, _, rest = received.partition(b"\r\n\r\n")
    return Received(head.decode("latin-1"), rest, reset)


def ask(mock: MockWorkspace, query: str, **variables: Any) -> Any:
    headers = {"Authorization": f"Bearer {mock.api_key}"}
    body = {"query": query, "variables": variables}
    return requests.post(mock.graphql_url, json=body, headers=headers, timeout=WAIT).json()


def post(mock: MockWorkspace, body: str, *, timeout: float) -> requests.Response:
    headers = {"Authorization": f"Bearer {mock.api_key}"}
    return requests.post(mock.graphql_url, data=body, headers=headers, timeout=timeout)


def has_datasets(mock: MockWorkspace, count: int) -> bool:
    return count_datasets(mock) == count


def export_images(mock: MockWorkspace) -> dict[str, Any]:
    task_id = ask(mock, EXPORT, id=mock.project("image"))["data"]["exportDataRowsInProject"]["taskId"]
    task: dict[str, Any] = ask(mock, TASK, id=task_id)["data"]["task"]
    return task


def find_file(mock: MockWorkspace) -> str:
    """The path and query of a result file."""
    parts = urlsplit(export_images(mock)["result"])
    return f"{parts.path}?{parts.query}"


def count_datasets(mock: MockWorkspace) -> int:
    return len(ask(mock, '{ datasets(where: {name: "made"}) { id } }')["data"]["datasets"])


# Errors of the service


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_a_server_error_has_its_status_with_and_without_json(mock: MockWorkspace, status: int) -> None:
    mock.fault("server_error", status=status)
    mock.fault("server_error_page", status=status, first=2)
    first, second = call(mock), call(mock)
    assert (first.status, second.status) == (status, status)
    [error] = json.loads(first.body)["errors"]
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "exception": {"status": status}}
    assert second.body.startswith(b"<!DOCTYPE html>")
    assert call(mock).status == 200


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
def test_an_answer_is_replaced(mock: MockWorkspace, fault: str, status: int, text: bytes) -> None:
    mock.fault(fault)
    received = call(mock)
    assert received.status == status
    assert text in received.body
    assert received.length == len(received.body)


def test_any_error_of_graphql_can_be_requested(mock: MockWorkspace) -> None:
    mock.fault("graphql_error", code="MALFORMED_REQUEST", message="No")
    assert json.loads(call(mock).body)["errors"] == [
        {"message": "No", "extensions": {"code": "MALFORMED_REQUEST"}, "errors": [{"error": "No"}]}
    ]


def test_a_rate_is_limited_in_fixed_windows_with_the_seconds_that_are_left(mock: MockWorkspace) -> None:
    mock.clock.freeze()
    mock.clock.set("2025-06-01T12:00:20Z")
    mock.fault("rate_limited", limit=2)
    assert [call(mock).status for _ in range(2)] == [200, 200]
    refused = call(mock)
    assert (refused.status, refused.fields["retry-after"]) == (429, "40")
    assert json.loads(refused.body)["message"].startswith("You have exceeded")
    mock.clock.advance(39)
    assert call(mock).status == 429
    mock.clock.advance(1)
    assert [call(mock).status for _ in range(3)] == [200, 200, 429]


# Files


@pytest.mark.parametrize(
    ("fault", "status", "code"), [("link_expired", 400, b"ExpiredToken"), ("not_found", 404, b"NoSuchKey")]
)
def test_a_file_is_refused_in_the_words_of_the_storage(
    mock: MockWorkspace, fault: str, status: int, code: bytes
) -> None:
    target = find_file(mock)
    mock.fault(fault)
    refused = call(mock, target, None)
    assert (refused.status, code in refused.body) == (status, True)
    assert call(mock, target, None).status == 200


def test_a_redirect_leads_to_itself(mock: MockWorkspace) -> None:
    target = find_file(mock)
    mock.fault("redirect_loop", path="/_files/*")
    received = call(mock, target, None)
    assert (received.status, received.fields["location"]) == (307, target)
    with pytest.raises(requests.TooManyRedirects):
        requests.get(mock.url + target, timeout=WAIT)


def test_a_file_is_truncated_with_a_length_that_fits(mock: MockWorkspace) -> None:
    target = find_file(mock)
    whole = call(mock, target, None)
    mock.fault("truncated", bytes=77)
    cut = call(mock, target, None)
    assert cut.body == whole.body[:-77]
    assert cut.length == len(cut.body)


def test_one_byte_of_a_file_is_wrong(mock: MockWorkspace) -> None:
    target = find_file(mock)
    whole = call(mock, target, None).body
    mock.fault("corrupted")
    wrong = call(mock, target, None).body
    assert [(index, byte) for index, byte in enumerate(wrong) if byte != whole[index]] == [(len(whole) // 2, 0)]


@pytest.mark.parametrize(("fault", "difference"), [("length_too_large", 100), ("length_too_small", -100)])
def test_a_length_is_wrong_and_the_bytes_are_all_there(mock: MockWorkspace, fault: str, difference: int) -> None:
    target = find_file(mock)
    whole = call(mock, target, None)
    mock.fault(fault)
    received = call(mock, target, None)
    assert received.length == len(whole.body) + difference
    assert received.body == whole.body
    assert not received.reset


@pytest.mark.parametrize(("fault", "reset"), [("reset_within", True), ("closed_within", False)])
@pytest.mark.parametrize("bytes_", [0, 1, 1000])
def test_a_connection_ends_within_a_body(mock: MockWorkspace, fault: str, reset: bool, bytes_: int) -> None:
    target = find_file(mock)
    whole = call(mock, target, None)
    mock.fault(fault, bytes=bytes_)
    received = call(mock, target, None)
    assert received.length == len(whole.body)
    assert received.body == whole.body[:bytes_]
    assert received.reset == reset
    assert not mock.requests[-1]["complete"]


def test_a_small_answer_is_interrupted_too(mock: MockWorkspace) -> None:
    mock.fault("closed_within", bytes=1_000_000)
    received = call(mock)
    assert len(received.body) == received.length - 1


def test_a_slow_body_is_whole(mock: MockWorkspace) -> None:
    whole = call(mock).body
    mock.fault("slow_body", rate=200)
    assert call(mock).body == whole
    assert mock.requests[-1]["duration_ms"] > 1000 * (len(whole) - 20) / 200


def fetch_frames(mock: MockWorkspace, label: str) -> list[str]:
    headers = {"Authorization": f"Bearer {mock.api_key}"}
    return requests.get(f"{mock.url}/v1/frames/{label}", headers=headers, timeout=WAIT).text.splitlines()


def test_frames_of_a_clip_are_missing(mock: MockWorkspace) -> None:
    mock.switches.set(frames="direct")
    clips = ask(mock, "query ($id: ID!) { project(where: {id: $id}) { labels { id } } }", id=mock.project("video"))
    labels = [label["id"] for label in clips["data"]["project"]["labels"]]
    label, whole = max(((label, fetch_frames(mock, label)) for label in labels), key=lambda pair: len(pair[1]))
    mock.fault("frames_missing", keep=3)
    assert fetch_frames(mock, label) == whole[::3]
    assert len(whole) > 3


# Connections and time


@pytest.mark.parametrize(("fault", "reset"), [("connection_reset", True), ("connection_closed", False)])
def test_a_connection_ends_before_the_answer(mock: MockWorkspace, fault: str, reset: bool) -> None:
    mock.fault(fault)
    assert call(mock) == Received("", b"", reset)
    entry = mock.requests[-1]
    assert (entry["status"], entry["complete"], entry["fault"]["fault"]) == (None, False, fault)


def test_an_answer_is_late_by_a_seeded_time(mock: MockWorkspace) -> None:
    mock.fault("slow", seconds=0.2, spread=0.2, times=3, seed=5)
    delays = []
    for _ in range(3):
        assert call(mock).status == 200
        delays.append(mock.requests[-1]["duration_ms"])
    assert min(delays) >= 200


def test_an_answer_that_never_comes_leaves_the_connection_open(mock: MockWorkspace) -> None:
    mock.fault("hangs")
    with pytest.raises(requests.ReadTimeout):
        post(mock, USER, timeout=0.5)
    assert call(mock).status == 200


# Exports


def test_an_export_hangs_until_it_is_cancelled(mock: MockWorkspace) -> None:
    mock.fault("export_hangs")
    task_id = ask(mock, EXPORT, id=mock.project("image"))["data"]["exportDataRowsInProject"]["taskId"]
    mock.clock.advance(days=2)
    assert ask(mock, TASK, id=task_id)["data"]["task"]["status"] == "IN_PROGRESS"
    ask(mock, "mutation ($id: ID!) { cancelBulkOperationJob(id: $id) { success } }", id=task_id)
    assert ask(mock, TASK, id=task_id)["data"]["task"]["status"] == "CANCELED"
    assert export_images(mock)["status"] == "COMPLETE"


def list_frames(row: dict[str, Any]) -> list[list[str]]:
    """The numbers of the frames in the labels of a row, for each label and each of its planes."""
    [project] = row["projects"].values()
    bodies = [label["annotations"] for label in project["labels"]]
    parts = [part for each in bodies for part in (each, *each.get("groups", {}).values())]
    return [list(part["frames"]) for part in parts if "frames" in part]


@pytest.mark.parametrize("project", ["video", "dicom"])
@pytest.mark.known("sample")
def test_frames_are_missing_in_the_rows_of_an_export(mock: MockWorkspace, project: str) -> None:
    whole = [list_frames(row) for row in mock.expected_rows(project)]
    mock.fault("export_frames_missing", keep=2)
    task_id = ask(mock, EXPORT, id=mock.project(project))["data"]["exportDataRowsInProject"]["taskId"]
    lines = requests.get(ask(mock, TASK, id=task_id)["data"]["task"]["result"], timeout=WAIT).text.splitlines()
    assert [list_frames(json.loads(line)) for line in lines] == [[frames[::2] for frames in row] for row in whole]
    assert any(len(frames) > 1 for row in whole for frames in row)


def test_exports_fail_by_turns(mock: MockWorkspace) -> None:
    mock.fault("export_fails", first=2, message="The second one")
    assert [export_images(mock)["status"] for _ in range(3)] == ["COMPLETE", "FAILED", "COMPLETE"]


# When


def statuses(mock: MockWorkspace, calls: int) -> list[int | None]:
    return [call(mock).status for _ in range(calls)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [503, 200, 200, 200]),
        ({"first": 3}, [200, 200, 503, 200]),
        ({"first": 2, "times": 2}, [200, 503, 503, 200]),
        ({"times": 3}, [503, 503, 503, 200]),
        ({"times": "every"}, [503, 503, 503, 503]),
        ({"operation": "GetUserPyApi"}, [503, 200, 200, 200]),
        ({"operation": "user"}, [503, 200, 200, 200]),
        ({"operation": "project"}, [200, 200, 200, 200]),
        ({"path": "/graph*"}, [503, 200, 200, 200]),
        ({"path": "/_gql"}, [200, 200, 200, 200]),
        ({"method": "GET"}, [200, 200, 200, 200]),
    ],
)
def test_a_rule_says_which_calls_are_hit(mock: MockWorkspace, rule: dict[str, Any], expected: list[int]) -> None:
    mock.fault("server_error", status=503, **rule)
    assert statuses(mock, 4) == expected


def test_a_share_of_the_calls_is_the_same_for_the_same_seed(server: ServedWorld) -> None:
    def draw(seed: int) -> list[int | None]:
        mock = server.workspace(scenario="empty")
        mock.fault("server_error", status=503, share=0.3, times="every", seed=seed)
        drawn = statuses(mock, 40)
        mock.delete()
        return drawn

    first = draw(1)
    assert first == draw(1) != draw(2)
    assert 2 < first.count(503) < 25


@pytest.mark.parametrize("end", [{"lasts": 60}, {"until": "2025-06-01T12:01:00Z"}])
def test_a_fault_ends_by_the_clock_of_the_workspace(mock: MockWorkspace, end: dict[str, Any]) -> None:
    mock.clock.freeze()
    mock.clock.set("2025-06-01T12:00:00Z")
    mock.fault("server_error", times="every", **end)
    assert statuses(mock, 2) == [500, 500]
    mock.clock.advance(59)
    assert statuses(mock, 1) == [500]
    mock.clock.advance(1)
    assert statuses(mock, 1) == [200]
    assert mock.faults[0]["ended"]


@pytest.mark.parametrize("fault", sorted(name for name, kind in KINDS.items() if kind.stage is Stage.ANSWER))
def test_before_or_after_the_request_was_carried_out(mock: MockWorkspace, fault: str) -> None:
    """A request that times out or is reset may have been done: a client that repeats it does it twice."""
    options: dict[str, Any] = {"code": "FORBIDDEN"} if fault == "graphql_error" else {}
    options |= {"seconds": 0} if fault == "slow" else {}
    body = json.dumps({"query": CREATE})
    for when, difference in (("before", 1 if fault == "slow" else 0), ("after", 1)):
        before = count_datasets(mock)
        with mock.fault(fault, when=when, times=1, operation="createDataset", **options) as requested:
            if fault == "hangs":
                with pytest.raises(requests.ReadTimeout):
                    post(mock, body, timeout=1)
            else:
                call(mock, body=body)
            wait_for(lambda: requested.hits == 1)
        wait_for(partial(has_datasets, mock, before + difference))


def test_a_fault_of_one_workspace_is_none_of_another(server: ServedWorld, mock: MockWorkspace) -> None:
    other = server.workspace(scenario="empty")
    mock.fault("server_error", times="every")
    assert (call(mock).status, call(other).status) == (500, 200)
    other.delete()


def test_the_control_api_is_never_hit(mock: MockWorkspace) -> None:
    fault = mock.fault("connection_reset", times="every", path="*")
    assert call(mock, "/_mock/clock", None).status == 200
    assert (fault.calls, fault.hits) == (0, 0)
    mock.clear_faults()
    assert (mock.faults, call(mock).status) == ([], 200)


def test_an_upload_is_hit_by_its_operation(mock: MockWorkspace) -> None:
    mock.fault("server_error", operation="uploadFile")
    query = "mutation ($file: Upload!, $length: Int!) { uploadFile(file: $file, contentLength: $length) { url } }"
    operations = json.dumps({"query": query, "variables": {"file": None, "length": 3}})
    fields: dict[str, Any] = {
        "operations": (None, operations),
        "map": (None, '{"1": ["variables.file"]}'),
        "1": ("a.txt", b"abc"),
    }
    headers = {"Authorization": f"Bearer {mock.api_key}"}
    sent = [requests.post(mock.graphql_url, files=fields, headers=headers, timeout=WAIT).status_code for _ in range(2)]
    assert sent == [500, 200]


def test_a_hit_is_in_the_journal_with_its_operation(mock: MockWorkspace) -> None:
    fault = mock.fault("server_error", operation="user")
    call(mock)
    entry = mock.requests[-1]
    assert entry["fault"] == {"id": fault.id, "fault": "server_error"}
    assert (entry["operation"], entry["status"], entry["error_codes"]) == (
        "GetUserPyApi",
        500,
        ["INTERNAL_SERVER_ERROR"],
    )


# Rules that make no sense


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"fault": "sever_error"}, '"server_error"'),
        ({"fault": "server_error", "bytes": 3}, "it takes"),
        ({"fault": "truncated", "when": "after"}, '"when"'),
        ({"fault": "export_hangs", "operation": "user"}, '"operation"'),
        ({"fault": "graphql_error"}, 'needs "code"'),
        ({"fault": "server_error", "times": 0}, "$.times"),
        ({"fault": "server_error", "first": 0}, "$.first"),
        ({"fault": "server_error", "share": 0}, "$.share"),
        ({"fault": "server_error", "status": 99}, "$.status"),
        ({"fault": "server_error", "until": "soon"}, "2025-01-01T12:00:00Z"),
        ({"fault": "server_error", "until": "2025-01-01", "lasts": 3}, "both"),
        ({"fault": "slow", "seconds": 1e9}, "$.seconds"),
        ({"fault": "server_error", "on": "user"}, "unknown field `on`"),
    ],
)
def test_a_wrong_rule_is_refused_with_what_would_be_right(mock: MockWorkspace, rule: dict[str, Any], said: str) -> None:
    with pytest.raises(ControlRefusedError) as refused:
        mock.fault(**rule)
    assert said in str(refused.value)
    assert mock.faults == []


def test_the_faults_of_a_workspace_are_bounded(mock: MockWorkspace) -> None:
    for _ in range(200):
        mock.fault("key_revoked", first=1_000_000)
    with pytest.raises(ControlRefusedError, match="200 faults are requested already"):
        mock.fault("key_revoked")


# In a scenario

FAULTY = """
description = "Everything fails once."
like = "empty"

[[faults]]
fault = "server_error"
operation = "user"
status = 504
"""


def test_a_scenario_has_faults_that_are_there_again_after_a_reset(server: ServedWorld, tmp_path: Path) -> None:
    file = tmp_path / "faulty.toml"
    file.write_text(FAULTY)
    mock = server.workspace(scenario=str(file))
    assert statuses(mock, 2) == [504, 200]
    mock.reset()
    assert statuses(mock, 2) == [504, 200]
    fork = mock.fork()
    assert statuses(fork, 2) == [504, 200]
    mock.delete()
    fork.delete()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('fault = "sever_error"', '"server_error"'),
        ('fault = "truncated"\nstatus = 500', "truncated was sent with"),
        ('fault = "slow"\nsecond = 3', "seconds"),
        ("times = 3", "fault"),
    ],
)
def test_a_wrong_fault_of_a_scenario_is_refused(server: ServedWorld, tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "faulty.toml"
    file.write_text(f'description = "x"\nlike = "empty"\n[[faults]]\n{line}\n')
    with pytest.raises(ControlRefusedError) as refused:
        server.workspace(scenario=str(file))
    assert "$.faults[0]" in str(refused.value)
    assert said in str(refused.value)
