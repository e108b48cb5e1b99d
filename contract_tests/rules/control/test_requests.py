"""The journal over the wire: what clients sent, how it was answered, and what of it was not understood."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.control.requests import MOST_BYTES
from mockserver.testing import MockWorkspace
from mockserver.testing.errors import ControlRefusedError

USER = "query GetUserPyApi { user { id } }"
LONG_BODY = 100_000
EXPORT = """mutation ExportPyApi($input: ExportDataRowsInProjectInput!) {
  exportDataRowsInProject(input: $input) { taskId } }"""


@pytest.fixture(scope="module")
def server() -> Iterator[ServedWorld]:
    with ServedWorld("--journal-body", "2000", "--journal-entries", "50") as server:
        yield server


def ask(workspace: MockWorkspace, query: str, variables: Any = None, *, path: str = "/graphql", **more: str) -> Any:
    headers = {"Authorization": f"Bearer {workspace.api_key}", "X-User-Agent": "python-sdk 7.17.0"} | more
    body = {"query": query, "variables": variables}
    return requests.post(workspace.url + path, json=body, headers=headers, timeout=60)


def find_only(workspace: MockWorkspace, **filters: Any) -> dict[str, Any]:
    [request] = workspace.find_requests(**filters)
    return request


def test_a_request_is_recorded_with_its_operation_client_and_answer(workspace: MockWorkspace) -> None:
    answer = ask(workspace, USER)
    entry = find_only(workspace)
    names = ["number", "method", "path", "route", "operation", "operation_type", "root_fields", "client", "key"]
    assert [entry[name] for name in names] == [
        1, "POST", "/graphql", "/graphql", "GetUserPyApi", "query", ["user"], "python-sdk 7.17.0", "own",
    ]  # fmt: skip
    assert (entry["status"], entry["complete"]) == (200, True)
    assert entry["answer"]["body"] == answer.text
    assert entry["answer"]["bytes"] == len(answer.content)
    assert json.loads(entry["request"]["body"])["query"] == USER
    assert entry["not_understood"] == entry["error_codes"] == []
    assert entry["duration_ms"] > 0


def test_the_world_time_is_that_of_the_workspace(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    now = workspace.clock.set("2031-05-06T07:08:09.123Z")
    ask(workspace, USER)
    assert find_only(workspace)["world_time"] == now == "2031-05-06T07:08:09.123Z"


def test_requests_of_one_connection_share_its_name(workspace: MockWorkspace) -> None:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {workspace.api_key}"
        for _ in range(2):
            session.post(workspace.graphql_url, json={"query": USER}, timeout=60)
    ask(workspace, USER)
    first, second, third = (entry["connection"] for entry in workspace.requests)
    assert first == second != third


def test_a_file_belongs_to_the_workspace_of_its_link_and_shows_no_signature(workspace: MockWorkspace) -> None:
    project = workspace.project("image")
    ask(workspace, EXPORT, {"input": {"filters": {"projectId": project}, "params": {}}})
    rows = workspace.expected_rows("image")
    url = rows[0]["data_row"]["row_data"]
    assert requests.get(url, timeout=60).status_code == 200
    entry = find_only(workspace, path="/_files/*/assets/*")
    assert entry["key"] == "none"
    assert entry["route"] == "/_files/{workspace}/assets/{row}/{name:path}"
    assert "Signature=[secret]" in entry["query"]
    assert "Expires=" in entry["query"]
    assert entry["answer"]["body"] is None, "a picture is no text"


def test_bodies_are_cut_at_the_named_length_and_counted_whole(workspace: MockWorkspace) -> None:
    query = (
        f'{{ project(where: {{id: "{workspace.project("image")}"}}) {{ ontology {{ normalized }} }} }} #{"é" * 3000}'
    )
    answer = ask(workspace, query)
    entry = find_only(workspace)
    assert entry["request"]["bytes"] > 6000
    assert len(entry["request"]["body"].encode()) <= 2000
    assert entry["request"]["cut"]
    assert entry["answer"]["bytes"] == len(answer.content) > 2000
    assert answer.text.startswith(entry["answer"]["body"])


def test_what_secrets_a_client_sends_is_not_shown(workspace: MockWorkspace) -> None:
    create = """mutation { createWebhook(data: {
      topics: {set: [LABEL_CREATED]}, url: "http://127.0.0.1:1/", secret: "s3cr3t-inline"}) { id } }"""
    ask(workspace, create)
    ask(workspace, USER, {"secret": "s3cr3t-variable", "key": workspace.api_key}, Cookie="session=s3cr3t-cookie")
    requests.post(workspace.graphql_url, json={}, headers={"Authorization": "Bearer s3cr3t-key"}, timeout=60)
    text = json.dumps([workspace.requests, workspace.find_requests(unclaimed=True)])
    assert "s3cr3t" not in text
    assert workspace.api_key not in text
    assert "Bearer [the key of this workspace]" in text
    assert "Bearer [another key, 10 characters]" in text


def test_requests_of_no_workspace_are_listed_on_their_own(server: ServedWorld, workspace: MockWorkspace) -> None:
    server.require_one_server()
    requests.get(f"{workspace.url}/nobody/knows/this", timeout=60)
    assert workspace.requests == []
    last = workspace.find_requests(unclaimed=True, path="/nobody/*")[-1]
    assert (last["status"], last["key"], last["world_time"]) == (404, "none", None)


def test_the_control_api_is_not_recorded(workspace: MockWorkspace) -> None:
    requests.get(f"{workspace.url}/_mock/clock", headers={"Authorization": f"Bearer {workspace.api_key}"}, timeout=60)
    assert workspace.requests == []


# What was not understood


@pytest.mark.parametrize(
    ("document", "kind", "received", "nearest"),
    [
        ("{ user { emial } }", "field", "User.emial", "email"),
        ("{ usr { id } }", "field", "Query.usr", "user"),
        ("{ project(were: {id: \"x\"}) { id } }", "argument", "Query.project.were", "where"),
        ("query ($a: TaskWere) { user { createdTasks(where: $a) { id } } }", "type", "TaskWere", "TaskWhere"),
        ("{ user { createdTasks(where: {nmae: \"x\"}) { id } } }", "argument", "TaskWhere.nmae", "name"),
        ("{ user { id }", "document", "Syntax Error: Expected Name, found <EOF>.", None),
    ],
)  # fmt: skip
def test_a_refused_document_names_the_word_and_the_nearest_known_one(
    workspace: MockWorkspace, document: str, kind: str, received: str, nearest: str | None
) -> None:
    answer = ask(workspace, document).json()
    unknown = find_only(workspace, not_understood=True)["not_understood"][0]
    assert (unknown["kind"], unknown["received"]) == (kind, received)
    assert unknown["nearest"][:1] == ([] if nearest is None else [nearest])
    if nearest is not None:
        assert f'"{nearest}"' in answer["errors"][0]["message"], "the client's own error says it too"


def test_what_was_masked_for_the_client_is_in_the_journal(workspace: MockWorkspace) -> None:
    workspace.switches.set(validation="masked")
    assert ask(workspace, "{ user { emial } }").json()["errors"][0]["message"] == "GraphQL validation error"
    assert find_only(workspace)["not_understood"][0]["nearest"][0] == "email"


def test_a_wrong_variable_is_noted(workspace: MockWorkspace) -> None:
    query = "query ($a: TaskWhere) { user { createdTasks(where: $a) { id } } }"
    ask(workspace, query, {"a": {"nmae": "x"}})
    [unknown] = find_only(workspace)["not_understood"]
    assert (unknown["kind"], unknown["received"], unknown["nearest"][0]) == ("argument", "TaskWhere.nmae", "name")


@pytest.mark.parametrize(
    ("method", "path", "kind", "nearest"),
    [
        ("GET", "/api/v1/export-result/a/b", "path", "/api/v1/export-results/{task}/{organization}"),
        ("DELETE", "/api/v1/export-results/a/b", "method", "GET"),
        ("GET", "/graphql", "method", None),
        ("POST", "/graphql", "body", None),
    ],
)
def test_an_unknown_path_method_or_body_is_noted(
    workspace: MockWorkspace, method: str, path: str, kind: str, nearest: str | None
) -> None:
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    requests.request(method, workspace.url + path, headers=headers, data="rubbish", timeout=60)
    [unknown] = find_only(workspace)["not_understood"]
    assert (unknown["kind"], unknown["nearest"][:1]) == (kind, [] if nearest is None else [nearest])


def test_a_field_that_nothing_reads_is_noted_and_the_request_answered(workspace: MockWorkspace) -> None:
    params = {"mediaTypeOverride": "VIDEO", "includeMetadata": True}
    ask(workspace, EXPORT, {"input": {"filters": {"projectId": workspace.project("image")}, "params": params}})
    entry = find_only(workspace)
    assert entry["status"] == 200
    assert entry["error_codes"] == []
    [unknown] = entry["not_understood"]
    assert (unknown["kind"], unknown["received"]) == ("input", "ExportParamsInput.mediaTypeOverride")


def test_a_null_is_no_field_that_nothing_reads(workspace: MockWorkspace) -> None:
    ask(
        workspace,
        EXPORT,
        {"input": {"filters": {"projectId": workspace.project("image")}, "params": {"mediaTypeOverride": None}}},
    )
    assert find_only(workspace)["not_understood"] == []


# Lists


def test_filters_choose_among_the_requests(workspace: MockWorkspace) -> None:
    ask(workspace, USER)
    ask(workspace, "{ organization { id } }", path="/_gql")
    ask(workspace, "{ usr { id } }")
    numbers: dict[str, tuple[list[int], dict[str, Any]]] = {
        "operation": ([1], {"operation": "GetUserPyApi"}),
        "root field": ([2], {"operation": "organization"}),
        "path": ([2], {"path": "/_*"}),
        "status": ([3], {"status": 400}),
        "not understood": ([3], {"not_understood": True}),
        "after": ([2, 3], {"after": 1}),
        "all": ([1, 2, 3], {"method": "POST"}),
        "since": ([2, 3], {"since": workspace.requests[1]["received_at"]}),
        "newest": ([3, 2], {"order": "newest", "limit": 2}),
        "pages": ([1, 2, 3], {"limit": 1}),
        "none": ([], {"operation": "nothing"}),
    }
    numbers_found = {
        name: [each["number"] for each in workspace.find_requests(**query)] for name, (_, query) in numbers.items()
    }
    assert numbers_found == {name: expected for name, (expected, _) in numbers.items()}


def test_a_list_without_bodies_is_short(workspace: MockWorkspace) -> None:
    ask(workspace, USER)
    assert {"request", "answer"}.isdisjoint(find_only(workspace, bodies=False))


def test_the_oldest_requests_make_room_and_are_counted(workspace: MockWorkspace) -> None:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {workspace.api_key}"
        for _ in range(60):
            session.post(workspace.graphql_url, json={"query": USER}, timeout=60)
    page = requests.get(
        f"{workspace.url}/_mock/requests", params={"api_key": workspace.api_key, "limit": "10"}, timeout=60
    ).json()
    assert (page["received"], page["dropped"], page["count"], page["next_after"]) == (60, 10, 50, 20)
    assert page["requests"][0]["number"] == 11


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_a_page_ends_before_its_bodies_are_too_large(order: str) -> None:
    """The rest of the oldest is on the next page; a client that has no bodies shown gets all."""
    sent = MOST_BYTES // LONG_BODY * 2
    with ServedWorld("--journal-body", f"{LONG_BODY}") as server, requests.Session() as session:
        workspace = server.workspace()
        session.headers["Authorization"] = f"Bearer {workspace.api_key}"
        for _ in range(sent):
            session.post(workspace.graphql_url, json={"query": USER + "#" * LONG_BODY}, timeout=60)
        call = f"{workspace.url}/_mock/requests?api_key={workspace.api_key}&order={order}"
        answer = session.get(call, timeout=60)
        page = answer.json()
        assert sent // 3 < len(page["requests"]) < sent == page["count"]
        assert len(answer.content) < MOST_BYTES * 1.1
        assert page["next_after"] == (page["requests"][-1]["number"] if order == "oldest" else None)
        assert len(session.get(f"{call}&bodies=false", timeout=60).json()["requests"]) == sent
        assert [entry["number"] for entry in workspace.requests] == list(range(1, sent + 1))


def test_a_journal_is_emptied_and_counts_anew(workspace: MockWorkspace) -> None:
    ask(workspace, USER)
    workspace.forget_requests()
    assert workspace.requests == []
    ask(workspace, USER)
    assert find_only(workspace)["number"] == 1


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "since=yesterday", "order=random", "after=-1", "bodies=maybe"])
def test_a_wrong_parameter_is_refused_with_what_is_expected(server: ServedWorld, query: str) -> None:
    answer = requests.get(f"{server.url}/_mock/requests?{query}", timeout=60)
    assert answer.status_code == 400
    assert query.split("=", maxsplit=1)[0] in answer.json()["message"]


# Expectations


def test_expected_requests_are_verified(workspace: MockWorkspace) -> None:
    ask(workspace, USER)
    ask(workspace, "{ organization { id } }")
    workspace.verify_requests(
        {"operation": "user", "times": 1}, {"operation": "organization", "key": "own", "contains": "id"},
        {"path": "/nowhere", "at_most": 3}, in_order=True, only=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("expect", "more", "said"),
    [
        ([{"operation": "user", "times": 2}], {}, "expected exactly 2 of a request with operation 'user', received 1"),
        ([{"operation": "organisation"}], {}, 'the nearest operations that were received are "organization"'),
        ([{"path": "/graphq", "at_least": 1}], {}, 'the nearest paths that were received are "/graphql"'),
        ([{"operation": "organization"}, {"operation": "user"}], {"in_order": True}, "received it as number 1"),
        ([{"operation": "user"}], {"only": True}, "expected no other requests, received 1"),
        ([{"status": 404}], {}, "1. POST /graphql query GetUserPyApi {user} -> 200"),
    ],
)
def test_a_refusal_shows_what_was_received_instead(
    workspace: MockWorkspace, expect: list[dict[str, Any]], more: dict[str, Any], said: str
) -> None:
    ask(workspace, USER)
    ask(workspace, "{ organization { id } }")
    with pytest.raises(ControlRefusedError) as refused:
        workspace.verify_requests(*expect, **more)
    assert refused.value.code == "REQUESTS_DIFFER"
    assert said in str(refused.value)


# The log


def test_a_client_that_retries_what_is_refused_is_visible_in_the_log(
    server: ServedWorld, workspace: MockWorkspace
) -> None:
    for _ in range(3):
        requests.get(
            f"{workspace.url}/masks/feature/retried-for-ever",
            headers={"Authorization": f"Bearer {workspace.api_key}"},
            timeout=60,
        )
    ask(workspace, "{ usr { retried } }")
    wait_for_line(server, r"404 GET /masks/feature/retried-for-ever")
    wait_for_line(server, r"by python-sdk 7\.17\.0.*Cannot query field \"usr\"")


def wait_for_line(server: ServedWorld, pattern: str) -> None:
    """The log is written after the answer."""
    wait_for(lambda: server.output, lambda output: re.search(pattern, output))


def test_every_request_has_a_line_if_that_is_wanted() -> None:
    with ServedWorld("--log", "requests") as server:
        ask(server.own, USER)
        requests.get(server.url, timeout=60)  # the page is no client
        requests.get(f"{server.url}/nowhere", timeout=60)
        wait_for_line(server, "/nowhere.*\n")
        first, second = server.output.splitlines()
    assert "POST /graphql GetUserPyApi {user} by python-sdk 7.17.0" in first
    assert " 404 " in second
    assert "GET /nowhere" in second


def test_every_request_has_an_object_for_programs_if_that_is_wanted() -> None:
    with ServedWorld("--log", "json") as server:
        ask(server.own, USER)
        requests.get(f"{server.url}/nothing \u2028?token=secret", timeout=60)
        wait_for_line(server, "(?s)GetUserPyApi.*/nothing.*\n")
        first, second = map(json.loads, server.output.splitlines())
    assert (first["status"], first["operation"], first["root_fields"]) == (200, "GetUserPyApi", ["user"])
    assert first["client"] == "python-sdk 7.17.0"
    assert first["seconds"] > 0
    assert (second["status"], second["path"], second["operation"]) == (404, "/nothing \u2028", None)
    assert [text for text in second["not_understood"] if "Unknown path" in text]
    assert "secret" not in json.dumps(second)


def test_without_a_journal_nothing_is_recorded() -> None:
    with ServedWorld("--journal-entries", "0") as server:
        assert ask(server.own, "{ usr { id } }").status_code == 400
        assert server.own.requests == []
