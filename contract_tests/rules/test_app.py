"""The addresses of the server, and the answers at unknown ones."""

import socket
import time
from urllib.parse import urlsplit

import pytest

from contract_tests.rules.api.asking import get, raw
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
def test_a_method_that_is_not_allowed_is_refused_in_json(server: ServedWorld, method: str) -> None:
    answer = get(server, "/_mock/health", method=method)
    assert (answer.status, method in answer.json["message"]) == (405, True)


def test_the_refusal_of_a_method_names_every_right_one(server: ServedWorld) -> None:
    answer = get(server, "/_mock/webhooks", method="PUT")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert "does not take PUT, only GET, HEAD, POST;" in answer.json["message"]


@pytest.mark.parametrize("path", ["/" + "a" * 5000, "/%F0%9F%99%82", "/%00", "/..", "//", "/graphql/../x"])
def test_any_path_is_answered(server: ServedWorld, path: str) -> None:
    assert get(server, path).status < 500


def test_the_answers_do_not_say_what_serves_them(server: ServedWorld) -> None:
    assert "server" not in get(server, "/_mock/health").headers


@pytest.mark.parametrize("path", ["/graphql", "/_mock/reset", "/_mock/events"])
def test_a_client_that_leaves_in_the_middle_of_a_body_is_not_logged(path: str) -> None:
    with ServedWorld("--scenario", "empty") as world:
        address = urlsplit(world.url)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {world.api_key}\r\nContent-Length: 10\r\n\r\n"
        )
        for _ in range(3):
            with socket.create_connection((address.hostname, address.port or 80), 10) as connection:
                connection.sendall(head.encode() + b"half")
                time.sleep(0.05)  # so that the body is waited for
        assert get(world, "/_mock/health").status == 200
        assert world.output == ""


def test_a_request_for_another_protocol_is_answered_and_not_logged() -> None:
    """Java's HTTP client sends its first request so."""
    with ServedWorld("--scenario", "empty") as world:
        body = b'{"query": "{user{email}}"}'
        head = (
            "POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            f"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nAuthorization: Bearer {world.api_key}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        assert raw(world, head.encode() + body).data["user"]
        assert world.output == ""
