"""REST under /api/v1: with the key, errors as JSON with `message`."""

import json

import pytest

from contract_tests.rules.api.asking import EXPORT, Answer, ask_in, export_input, export_project, get, post, task_of
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.testing import MockWorkspace


def with_key(server: ServedWorld, target: str) -> Answer:
    return get(server, target, authorization=f"Bearer {server.api_key}")


@pytest.fixture(scope="module")
def task_id(server: ServedWorld) -> str:
    return export_project(server, "image")


# Results


@pytest.mark.known("client")
def test_the_link_that_sdks_build_holds_the_whole_result(server: ServedWorld, task_id: str) -> None:
    answer = with_key(server, f"/api/v1/export-results/{task_id}/{server.organization_id}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson; charset=utf-8")
    assert answer.body == get(server, task_of(server, task_id)["result"]).body


@pytest.mark.known("inferred")
def test_without_errors_their_link_is_an_empty_file(server: ServedWorld, task_id: str) -> None:
    answer = with_key(server, f"/api/v1/export-errors/{task_id}/{server.organization_id}")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.known("inferred")
def test_a_task_that_is_not_complete_has_no_empty_result(server: ServedWorld) -> None:
    """A client that polled too early would take an empty result for an export without rows."""
    own = server.workspace()
    own.progression.exports = {"looks": 5}

    def get_status(route: str, task_id: str) -> tuple[int, str]:
        path = f"/api/v1/{route}/{task_id}/{own.organization_id}"
        answer = get(server, path, authorization=f"Bearer {own.api_key}")
        return answer.status, "" if answer.status == 200 else str(answer.json["message"])

    def start_export() -> str:
        document = {"query": EXPORT, "variables": {"input": export_input(own.project("image"))}}
        answer = post(server, json.dumps(document).encode(), authorization=f"Bearer {own.api_key}")
        return str(answer.data["exportDataRowsInProject"]["taskId"])

    task_id = start_export()
    for route in ("export-results", "export-errors"):
        status, message = get_status(route, task_id)
        assert (status, "is IN_PROGRESS" in message) == (409, True)
    cancel = f'mutation {{cancelBulkOperationJob(id: "{task_id}") {{success}}}}'
    post(server, json.dumps({"query": cancel}).encode(), authorization=f"Bearer {own.api_key}")
    assert get_status("export-results", task_id) == (
        409,
        f"Task '{task_id}' is CANCELED and has no result; export again",
    )
    own.progression.exports = "at_once"
    own.fail_exports("no")
    failed = start_export()
    wait_until_failed(own, failed)
    assert get_status("export-results", failed)[0] == 409
    assert get_status("export-errors", failed)[0] == 200
    own.delete()


def wait_until_failed(workspace: MockWorkspace, task_id: str) -> None:
    document = "query($id: ID!) {task(where: {id: $id}) {status}}"
    wait_for(lambda: ask_in(workspace, document, id=task_id)["task"]["status"], lambda status: status == "FAILED")


@pytest.mark.parametrize("kind", ["export-results", "export-errors"])
def test_another_organization_or_task_is_not_found(server: ServedWorld, task_id: str, kind: str) -> None:
    for path in (
        f"{task_id}/c{'0' * 24}",
        f"nobody/{server.organization_id}",
        f"..%2f{task_id}/{server.organization_id}",
    ):
        answer = with_key(server, f"/api/v1/{kind}/{path}")
        assert (answer.status, answer.json["code"]) == (404, "RESOURCE_NOT_FOUND")
        assert answer.json["message"]


@pytest.mark.known("client")
@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}])
def test_without_the_key_there_is_nothing_under_rest(server: ServedWorld, task_id: str, header: dict[str, str]) -> None:
    answer = get(server, f"/api/v1/export-results/{task_id}/{server.organization_id}", **header)
    assert (answer.status, answer.json["code"]) == (401, "AUTHENTICATION_ERROR")
    assert answer.headers["www-authenticate"] == "Bearer"
