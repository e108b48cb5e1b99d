"""An owner that is lost: a request that it has not begun is answered by the next owner, any other is refused."""

import json
import socket
from collections.abc import Callable

import pytest
import requests

from contract_tests.rules.forwarding.replicas import (
    KEY,
    BreakingOwner,
    Replica,
    answer,
    answer_half,
    begin_and_close,
    begin_and_fail,
    begin_and_wait,
    close,
    refuse_envelope,
    say_not_owner,
)
from contract_tests.waiting import PATIENCE, eventually

AUTHORIZATION = {"Authorization": f"Bearer {KEY}"}
MUTATION = json.dumps({"query": "mutation { x }"}).encode()


def post(front: Replica, path: str = "/graphql", body: bytes = MUTATION) -> requests.Response:
    return requests.post(f"{front.url}{path}", data=body, headers=AUTHORIZATION, timeout=PATIENCE)


def serve_elsewhere_after(
    act: Callable[[socket.socket], None], front: Replica, owner: Replica
) -> Callable[[socket.socket], None]:
    """An act after which the other replica serves the workspace."""

    def do(connection: socket.socket) -> None:
        front.know(**{KEY: owner.place})
        act(connection)

    return do


def test_a_request_waits_for_the_next_owner_of_a_workspace_whose_owner_cannot_be_reached(
    front: Replica, owner: Replica
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        place = (7, f"http://127.0.0.1:{closed.getsockname()[1]}")
    front.know(**{KEY: place})
    body = b"x" * 1_000_000  # larger than what is kept to be sent again: not a byte of it was sent
    with socket.create_connection(("127.0.0.1", front.port), PATIENCE) as connection:
        head = f"POST /echo HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:1])
        front.know(**{KEY: owner.place})
        connection.sendall(body[1:])
        assert b'"replica":2' in connection.recv(65536)


@pytest.mark.parametrize("act", [close, say_not_owner, refuse_envelope])
@pytest.mark.parametrize("body", [MUTATION, b""])
def test_a_request_that_the_owner_has_not_begun_is_sent_to_the_next_one(
    front: Replica, owner: Replica, act: Callable[[socket.socket], None], body: bytes
) -> None:
    with BreakingOwner([serve_elsewhere_after(act, front, owner)]) as broken:
        front.know(**{KEY: broken.place})
        document = post(front, "/echo", body).json()
        assert (document["replica"], document["size"]) == (2, len(body))
        assert len(broken.requests) == 1


def test_a_large_body_that_was_sent_is_not_sent_again(front: Replica, owner: Replica) -> None:
    with BreakingOwner([serve_elsewhere_after(close, front, owner)]) as broken:
        front.know(**{KEY: broken.place})
        refused = post(front, "/echo", b"x" * 1_000_000)
        assert (refused.status_code, refused.json()["code"]) == (502, "MOCKSERVER_OWNER_UNAVAILABLE")


@pytest.mark.parametrize("path", ["/graphql", "/api/_gql", "/api/v1/export-results/x/y"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_request_that_the_owner_has_begun_is_refused_in_the_shape_of_its_path_and_never_sent_again(
    front: Replica, owner: Replica, path: str, method: str
) -> None:
    with BreakingOwner([serve_elsewhere_after(begin_and_close, front, owner)]) as broken:
        front.know(**{KEY: broken.place})
        refused = requests.request(method, f"{front.url}{path}", headers=AUTHORIZATION, timeout=PATIENCE)
        document = refused.json()
        error = document if path.startswith("/api/v1") else document["errors"][0]
        code = error["code"] if path.startswith("/api/v1") else error["extensions"]["code"]
        assert (refused.status_code, code) == (502, "MOCKSERVER_OWNER_UNAVAILABLE")
        assert error["message"] == (
            "Replica 9 was lost while it answered; it is unknown whether the request had its effect"
        )
        assert len(broken.requests) == 1


def test_a_request_that_a_stopping_owner_has_begun_and_not_answered_is_never_sent_again(
    front: Replica, owner: Replica
) -> None:
    """It may have had its effect: to delete a workspace twice would be refused."""
    with BreakingOwner([serve_elsewhere_after(begin_and_fail, front, owner)]) as broken:
        front.know(**{KEY: broken.place})
        refused = post(front)
        [error] = refused.json()["errors"]
        assert (refused.status_code, error["extensions"]["code"]) == (502, "MOCKSERVER_OWNER_UNAVAILABLE")
        assert error["message"] == (
            "Replica 9 ended its answer with status 500; it is unknown whether the request had its effect"
        )
        assert len(broken.requests) == 1


def test_an_answer_that_has_begun_ends_with_its_owner(front: Replica) -> None:
    with BreakingOwner([answer_half]) as broken:
        front.know(**{KEY: broken.place})
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="4 bytes read, 96 more expected"):
            post(front)


def test_a_request_ends_when_the_lease_of_its_silent_owner_ends(front: Replica) -> None:
    with BreakingOwner([begin_and_wait]) as broken:
        front.know(**{KEY: broken.place})
        head = f"GET /echo HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", front.port), PATIENCE) as connection:
            connection.sendall(head.encode())
            assert eventually(lambda: len(broken.requests) == 1)
            front.know(**{KEY: broken.place, "dead": [broken.number]})
            assert connection.recv(65536).startswith(b"HTTP/1.1 502 ")


def test_a_kept_connection_that_the_owner_closes_as_it_is_used_again_loses_no_request(front: Replica) -> None:
    with BreakingOwner([answer(b"first"), close, answer(b"second")]) as owner:
        front.know(**{KEY: owner.place})
        assert post(front).content == b"first"
        assert post(front).content == b"second"
        assert [MUTATION in request for request in owner.requests] == [True, True, True]
        assert owner.connections == 2


def test_a_connection_that_was_closed_while_it_was_kept_is_not_used_again(front: Replica) -> None:
    def answer_and_close(connection: socket.socket) -> None:
        answer(b"first")(connection)
        close(connection)

    with BreakingOwner([answer_and_close, answer(b"second")]) as owner:
        front.know(**{KEY: owner.place})
        assert post(front).content == b"first"
        assert post(front).content == b"second"
        assert len(owner.requests) == 2


def test_a_request_does_not_travel_twice(replicas: list[Replica]) -> None:
    """Two replicas that each take the other one for the owner."""
    one, two = replicas
    one.know(**{KEY: two.place})
    two.know(**{KEY: one.place})
    refused = post(one)
    assert refused.status_code == 502
    assert refused.json()["errors"][0]["message"] == (
        "No replica serves this workspace at the moment (replica 2 does not serve it); send the request again"
    )


def test_a_request_to_a_replica_that_has_another_number_now_is_not_carried_out(front: Replica, owner: Replica) -> None:
    """It was stopped, counted as dead, and has taken the workspace again. The request has been sent elsewhere since."""
    owner.know(**{KEY: None, "number": 7})
    front.know(**{KEY: owner.place})
    refused = post(front, "/api/v1/changes")
    assert (refused.status_code, "replica 2 does not serve it" in refused.json()["message"]) == (502, True)
    front.know(**{KEY: (7, owner.url)})
    assert post(front, "/echo").json()["replica"] == 2
    owner.know(**{KEY: None})
