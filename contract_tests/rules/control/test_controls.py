"""The control API over a real socket."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from contract_tests.rules.api.asking import ask_in
from contract_tests.serving import ServedWorld
from mockserver.testing import ControlRefusedError, MockServer, MockWorkspace

EXPORT = "mutation($id: ID!) { exportDataRowsInProject(input: {filters: {projectId: $id}}) { taskId } }"
LOOK = "query($id: ID!) { user { createdTasks(where: {id: $id}) { status completionPercentage result } } }"


def control(server: ServedWorld, method: str, path: str, **options: Any) -> requests.Response:
    return requests.request(method, f"{server.url}/_mock/{path}", timeout=30, **options)


def export(workspace: MockWorkspace) -> str:
    return str(ask_in(workspace, EXPORT, id=workspace.project("image"))["exportDataRowsInProject"]["taskId"])


def look(workspace: MockWorkspace, task_id: str) -> dict[str, Any]:
    [task] = ask_in(workspace, LOOK, id=task_id)["user"]["createdTasks"]
    return dict(task)


def test_an_export_looks_unfinished_for_as_many_looks_as_were_asked(workspace: MockWorkspace) -> None:
    workspace.progression.exports = {"looks": 2}
    task = export(workspace)
    looks = [look(workspace, task) for _ in range(4)]
    assert [item["status"] for item in looks] == ["IN_PROGRESS", "IN_PROGRESS", "COMPLETE", "COMPLETE"]
    percentages = [item["completionPercentage"] for item in looks]
    assert percentages == sorted(percentages)
    assert looks[0]["result"] is None
    assert looks[-1]["result"]


def test_a_document_that_names_a_task_twice_polls_it_once(workspace: MockWorkspace) -> None:
    workspace.progression.exports = {"looks": 1}
    task = export(workspace)
    document = "query ($id: ID) { first: task(where: {id: $id}) { status } second: task(where: {id: $id}) { status } }"
    answers = [ask_in(workspace, document, id=task) for _ in range(2)]
    assert [[each["status"] for each in answer.values()] for answer in answers] == [
        ["IN_PROGRESS"] * 2,
        ["COMPLETE"] * 2,
    ]


def test_an_export_looks_unfinished_until_its_seconds_have_passed(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    workspace.progression.exports = {"seconds": 100}
    task = export(workspace)
    assert look(workspace, task)["status"] == "IN_PROGRESS"
    workspace.clock.advance(50)
    assert look(workspace, task)["completionPercentage"] == pytest.approx(50)
    workspace.clock.advance(50)
    assert look(workspace, task)["status"] == "COMPLETE"


def test_a_task_keeps_the_pace_it_began_with(workspace: MockWorkspace) -> None:
    workspace.progression.exports = {"looks": 1}
    slow = export(workspace)
    workspace.progression.exports = "at_once"
    assert look(workspace, export(workspace))["status"] == "COMPLETE"
    assert look(workspace, slow)["status"] == "IN_PROGRESS"


def test_processing_takes_its_looks_too(workspace: MockWorkspace) -> None:
    workspace.progression.processing = {"looks": 1}
    question = 'query { queryAllDataRowsHaveBeenProcessed(dataRowIds: ["x"]) { allDataRowsHaveBeenProcessed } }'
    answers = [ask_in(workspace, question)["queryAllDataRowsHaveBeenProcessed"] for _ in range(3)]
    assert [answer["allDataRowsHaveBeenProcessed"] for answer in answers] == [False, True, True]


def test_the_clock_freezes_moves_and_runs_on(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    assert workspace.clock.set("2030-05-01T10:00:00+02:00") == "2030-05-01T08:00:00.000Z"
    assert workspace.clock.advance(1.5) == "2030-05-01T08:00:01.500Z"
    workspace.clock.thaw()
    assert workspace.clock.now >= "2030-05-01T08:00:01.500Z"


def test_a_reset_brings_back_what_was_deleted(workspace: MockWorkspace) -> None:
    before = workspace.expected_rows("image")
    first = before[0]["data_row"]["id"]
    ask_in(workspace, f'mutation {{ deleteDataRows(where: {{dataRowIds: ["{first}"]}}) {{ id }} }}')
    assert len(workspace.expected_rows("image")) == len(before) - 1
    workspace.reset()
    assert len(workspace.expected_rows("image")) == len(before)


def test_a_fork_begins_with_the_changes_of_its_source_and_resets_to_them(workspace: MockWorkspace) -> None:
    ask_in(workspace, 'mutation { createDataset(data: {name: "made later"}) { id } }')
    fork = workspace.fork()
    assert "made later" in fork.datasets
    dataset = fork.dataset("made later")
    ask_in(fork, f'mutation {{ updateDataset(where: {{id: "{dataset}"}}, data: {{deleted: true}}) {{ id }} }}')
    fork.reset()
    assert "made later" in fork.datasets
    fork.delete()


def test_a_pinned_incarnation_gives_the_same_ids_again(server: ServedWorld) -> None:
    tasks = []
    for _ in range(2):
        key = {"api_key": "pinned", "incarnation": "always"}
        assert control(server, "POST", "workspaces", json=key).ok
        pinned = MockWorkspace(
            MockServer.from_url(server.url).control,
            control(server, "POST", "reset?api_key=pinned", json={"incarnation": "always"}).json(),
        )
        tasks.append(export(pinned))
        pinned.delete()
    assert tasks[0][9:] == tasks[1][9:]  # the beginning is the time at which they were created


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("workspaces", '{"seed": "one"}', "Expected `int | null`, got `str` - at `$.seed`"),
        ("workspaces", '{"sed": 1}', "unknown field `sed`; known keys are scenario, fork_of"),
        ("workspaces", '{"scenario": "nope"}', "known are"),
        ("workspaces", '{"scenario": "/etc/passwd"}', "TOML"),
        ("workspaces", '{"ends": "yesterday"}', "expected a date like"),
        ("workspaces", '{"api_key": "has space"}', "$.api_key"),
        ("workspaces", '{"api_key": ""}', "$.api_key"),
        ("workspaces", r'{"api_key": "line\n"}', "$.api_key"),
        ("workspaces", '{"incarnation": ""}', "$.incarnation"),
        ("workspaces", f'{{"incarnation": "{"x" * 1001}"}}', "$.incarnation"),
        ("reset", '{"incarnation": ""}', "$.incarnation"),
        ("workspaces", '{"fork_of": "nobody"}', "nearest known are"),
        ("workspaces", '{"fork_of": "mock-api-key", "seed": 2}', "a fork copies the world"),
        ("workspaces", '{"api_key": "mock-api-key"}', "already"),
        ("workspaces", '{"payload_date": "June 2023"}', "payload_date is 'June 2023'; expected a date like"),
        ("workspaces", '{"payload_date": "20230630"}', "expected a date like"),
        ("workspaces", '{"payload_date": "2023-06-31"}', "expected a date like"),
        ("workspaces", '{"payload_date": 2023}', "$.payload_date"),
        ("workspaces", '{"switches": {"masks": "flat"}}', "$.switches.masks"),
        ("workspaces", '{"switches": {"mask": "plain"}}', "unknown field `mask`"),
        ("workspaces", "[]", "Expected `object`"),
        ("workspaces", "{", "not JSON"),
        ("clock", '{"advance": -1}', "$.advance"),
        ("clock", '{"set": "noon"}', "expected a date like"),
        ("progression", '{"exports": "slow"}', "$.exports"),
        ("progression", '{"exports": {}}', "at_once"),
        ("progression", '{"exports": {"looks": 1, "seconds": 2}}', "at_once"),
        ("switches", '{"frames": "away"}', "$.frames"),
        ("switches", '{"legacy_cache": true}', "$.legacy_cache"),
        ("switches", '{"cache": "stale"}', "known keys are legacy_cache, frames"),
        ("reset?api_key=nobody", "{}", "no workspace with the API key 'nobody'"),
        ("expected", '{"project": "imag"}', '"image"'),
        ("expected", "{}", "expected exactly one of project, dataset"),
    ],
)
def test_a_wrong_request_says_what_was_expected_and_changes_nothing(
    server: ServedWorld, path: str, body: str, message: str
) -> None:
    keys = control(server, "GET", "workspaces").json()
    response = control(server, "POST", path, data=body)
    assert 400 <= response.status_code < 500
    assert message in response.json()["message"]
    assert control(server, "GET", "workspaces").json() == keys


def test_the_servers_own_workspace_cannot_be_deleted(server: ServedWorld) -> None:
    response = control(server, "DELETE", f"workspaces/{server.api_key}")
    assert (response.status_code, response.json()["code"]) == (400, "BAD_USER_INPUT")


def test_a_web_page_from_elsewhere_needs_the_token(server: ServedWorld) -> None:
    origin = {"Origin": "https://evil.example"}
    assert control(server, "GET", "clock", headers=origin).status_code == 401
    known = origin | {"Authorization": f"Bearer {server.api_key}"}
    assert control(server, "GET", "clock", headers=known).ok
    assert control(server, "GET", "clock", headers={"Origin": server.url}).ok
    assert control(server, "GET", "health", headers=origin).ok


def test_a_server_may_make_workspaces_for_any_key() -> None:
    with ServedWorld("--any-key", "--scenario", "empty") as world:
        answers = [_email(world, key) for key in ("one", "two", "one")]
        assert all(answers)
        assert {"one", "two"} < set(control(world, "GET", "workspaces").json()["api_keys"])


def _email(world: ServedWorld, key: str) -> str:
    headers = {"Authorization": f"Bearer {key}"}
    response = requests.post(world.graphql_url, json={"query": "{ user { email } }"}, headers=headers, timeout=30)
    return str(response.json()["data"]["user"]["email"])


def test_the_openapi_document_names_every_route_and_only_those(server: ServedWorld) -> None:
    document = control(server, "GET", "openapi.json").json()
    routes = {(path, method) for path, methods in document["paths"].items() for method in methods}
    for path, method in routes:
        status = control(
            server,
            method.upper(),
            path.removeprefix("/_mock/").format(api_key="nobody", webhook="none", delivery="none", fault="none"),
        ).status_code
        assert status != 405, (path, method)
    undocumented = ["/_mock/", "/_mock/workspace", "/_mock/fault"]
    assert all(requests.get(server.url + path, timeout=60).status_code == 404 for path in undocumented)


def test_every_reference_of_the_openapi_document_leads_somewhere(server: ServedWorld) -> None:
    document = control(server, "GET", "openapi.json").json()
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(_references(document)) <= known


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


def test_a_fork_has_the_clock_of_its_source(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    workspace.clock.set("2031-01-01")
    fork = workspace.fork()
    assert (fork.clock.now, fork.clock.frozen) == ("2031-01-01T00:00:00.000Z", True)
    fork.delete()


def test_a_reset_of_a_made_workspace_lets_its_clock_run_again(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    workspace.reset()
    assert not workspace.clock.frozen


def test_what_looks_in_progress_can_be_cancelled(workspace: MockWorkspace) -> None:
    workspace.progression.exports = {"looks": 3}
    task = export(workspace)
    assert ask_in(workspace, f'mutation {{ cancelBulkOperationJob(id: "{task}") {{ success }} }}')
    assert look(workspace, task) == {"status": "CANCELED", "completionPercentage": 100, "result": None}


def test_a_clock_that_would_leave_the_calendar_stays_where_it_is(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    workspace.clock.set("9800-01-01")
    with pytest.raises(ControlRefusedError, match="clock cannot go beyond the year"):
        workspace.clock.advance(9e9)
    assert workspace.clock.now == "9800-01-01T00:00:00.000Z"


def test_many_resets_together_leave_one_life(workspace: MockWorkspace) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: workspace.reset(), range(24)))
    assert len(workspace.expected_rows("image")) == 12


def test_processing_takes_its_seconds_from_the_first_question(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    workspace.progression.processing = {"seconds": 60}
    question = 'query { queryAllDataRowsHaveBeenProcessed(dataRowIds: ["x"]) { allDataRowsHaveBeenProcessed } }'
    assert not ask_in(workspace, question)["queryAllDataRowsHaveBeenProcessed"]["allDataRowsHaveBeenProcessed"]
    workspace.clock.advance(60)
    assert ask_in(workspace, question)["queryAllDataRowsHaveBeenProcessed"]["allDataRowsHaveBeenProcessed"]


# Forms of payloads


@contextmanager
def create_workspace(server: ServedWorld, **body: Any) -> Iterator[MockWorkspace]:
    workspace = MockWorkspace(server.control, server.control.call("POST", "workspaces", body))
    yield workspace
    workspace.delete()


def has_asset_type(workspace: MockWorkspace) -> bool:
    return "asset_type" in workspace.expected_rows("image")[0]["media_attributes"]


def test_a_workspace_is_made_with_a_payload_date_and_switches_and_a_reset_keeps_them(server: ServedWorld) -> None:
    with create_workspace(server, payload_date="2023-06-30", switches={"characters": "utf-8"}) as workspace:
        for _ in range(2):
            assert not has_asset_type(workspace)
            assert workspace.switches.get()["characters"] == "utf-8"
            workspace.switches.set(characters="ascii")
            workspace.reset()


def test_a_fork_has_the_payload_date_of_its_source_unless_it_is_given_another(server: ServedWorld) -> None:
    with create_workspace(server, payload_date="2023-06-30") as source:
        for options in ({}, {"payload_date": "2025-01-01"}):
            with create_workspace(server, fork_of=source.api_key, **options) as fork:
                for _ in range(2):
                    assert has_asset_type(fork) == bool(options)
                    fork.reset()


def test_the_servers_payload_date_is_that_of_new_workspaces_but_not_of_other_scenarios() -> None:
    with ServedWorld("--payload-date", "2024-03-01") as server:
        for options in ({}, {"scenario": "default"}):
            with create_workspace(server, **options) as workspace:
                assert has_asset_type(workspace) == bool(options)


def test_a_revoked_key_is_refused_everywhere_and_accepted_again(workspace: MockWorkspace) -> None:
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    task = export(workspace)

    def call() -> tuple[int, int]:
        """The statuses of a question by GraphQL, and of one by REST."""
        question = {"query": "{user{id}}"}
        results = f"{workspace.rest_url}/export-results/{task}/{workspace.organization_id}"
        graphql = requests.post(workspace.graphql_url, json=question, headers=headers, timeout=30)
        return graphql.status_code, requests.get(results, headers=headers, timeout=30).status_code

    assert call() == (200, 200)
    workspace.revoke()
    assert call() == (401, 401)
    assert workspace.expected_rows("image"), "a test can still read the workspace"
    workspace.restore()
    assert call() == (200, 200)
