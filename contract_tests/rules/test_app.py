"""What is at which address, and what is told where nothing is."""

import pytest

from contract_tests.rules.api.asking import get
from contract_tests.serving import ServedWorld


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("/grapql", "/graphql"), ("/graphql2", "/graphql"), ("/api/v1/export-result/x/y", "/api/v1/export-results/"),
        ("/_mock/helth", "/_mock/health"), ("/api/graphq", "/api/graphql"),
    ],
)  # fmt: skip
def test_an_unknown_path_is_answered_with_the_nearest_known(server: ServedWorld, path: str, nearest: str) -> None:
    answer = get(server, path)
    assert (answer.status, answer.json["code"]) == (404, "RESOURCE_NOT_FOUND")
    assert path in answer.json["message"]
    assert nearest in answer.json["message"]


def test_health_needs_no_key_and_is_json(server: ServedWorld) -> None:
    assert get(server, "/_mock/health").json["status"] == "ok"


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_a_method_that_is_not_taken_is_told_in_json(server: ServedWorld, method: str) -> None:
    answer = get(server, "/_mock/health", method=method)
    assert (answer.status, method in answer.json["message"]) == (405, True)


def test_a_wrong_method_is_told_every_right_one(server: ServedWorld) -> None:
    answer = get(server, "/_mock/webhooks", method="PUT")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert "does not take PUT, only GET, HEAD, POST;" in answer.json["message"]


@pytest.mark.parametrize("path", ["/" + "a" * 5000, "/%F0%9F%99%82", "/%00", "/..", "//", "/graphql/../x"])
def test_any_path_is_answered(server: ServedWorld, path: str) -> None:
    assert get(server, path).status < 500


def test_the_answers_do_not_say_what_serves_them(server: ServedWorld) -> None:
    assert "server" not in get(server, "/_mock/health").headers
