"""REST under /api/v1: with the key, errors as JSON with `message`."""

import pytest

from contract_tests.rules.api.asking import Answer, exported, get, task_of
from contract_tests.serving import ServedWorld


def with_key(server: ServedWorld, target: str) -> Answer:
    return get(server, target, authorization=f"Bearer {server.api_key}")


@pytest.fixture(scope="module")
def task_id(server: ServedWorld) -> str:
    return exported(server, "image")


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
