"""Server-sent events: an open page hears what has changed, within bounds, until the server or the world ends."""

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from contract_tests.serving import ServedWorld
from mockserver.console.streams import MOST_STREAMS
from mockserver.testing import MockServer

PATIENCE = 120
"""Seconds in which an event has to be received; a busy machine is no failure."""


@contextlib.contextmanager
def open_stream(server: ServedWorld, **query: str) -> Iterator[requests.Response]:
    address = f"{server.url}/console/stream"
    with requests.get(address, params=query, stream=True, timeout=PATIENCE) as answer:
        yield answer


def read_names(answer: requests.Response) -> Iterator[str]:
    """The names of what has changed, as they are received."""
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("data: "):
            yield from line.removeprefix("data: ").split(" ")


@contextlib.contextmanager
def follow(server: ServedWorld, **query: str) -> Iterator[Iterator[str]]:
    """Follows a stream that the server opens."""
    with open_stream(server, **query) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        yield read_names(answer)


def wait_for(names: Iterator[str], name: str) -> None:
    assert name in names, f"the stream ended without {name}"


def start_export(server: ServedWorld) -> None:
    document = "mutation($id: ID!) { exportDataRowsInProject(input: {filters: {projectId: $id}}) { taskId } }"
    server.ask(document, id=server.projects["image"])


def test_an_export_and_its_request_are_reported(server: ServedWorld) -> None:
    with follow(server) as names:
        wait_for(names, "world")  # the first look, after which nothing is new
        server.ask("query Quiet { projects { id } }")
        wait_for(names, "requests")
        start_export(server)
        wait_for(names, "tasks")


def test_a_task_that_advances_by_the_clock_alone_is_reported(server: ServedWorld) -> None:
    requests.post(f"{server.url}/_mock/progression", json={"exports": {"seconds": 3600}}, timeout=60)
    start_export(server)
    with follow(server) as names:
        wait_for(names, "tasks")
        requests.post(f"{server.url}/_mock/clock", json={"advance": 3600}, timeout=60)
        wait_for(names, "tasks")
    requests.post(f"{server.url}/_mock/progression", json={"exports": "at_once"}, timeout=60)


def count_threads(server: ServedWorld) -> int:
    return len(list(Path(f"/proc/{server.ready['pid']}/task").iterdir()))


def test_streams_are_bounded_when_the_first_requests_are_received_together() -> None:
    request = b"GET /console/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with MockServer(scenario="empty") as fresh, contextlib.ExitStack() as stack:
        place = ("localhost", urlsplit(fresh.url).port or 0)
        connections = [stack.enter_context(socket.create_connection(place, PATIENCE)) for _ in range(2 * MOST_STREAMS)]
        for connection in connections:
            connection.sendall(request)
        statuses = Counter(connection.recv(len("HTTP/1.1 200")) for connection in connections)
    assert statuses == {b"HTTP/1.1 200": MOST_STREAMS, b"HTTP/1.1 409": MOST_STREAMS}


def test_streams_are_bounded_and_hold_no_thread(server: ServedWorld) -> None:
    with contextlib.ExitStack() as stack:
        before = count_threads(server)
        for _ in range(MOST_STREAMS):
            answer = stack.enter_context(open_stream(server))
            assert answer.status_code == 200
        refused = stack.enter_context(open_stream(server))
        assert refused.status_code == 409
        assert f"{MOST_STREAMS} streams are open already" in refused.json()["message"]
        assert count_threads(server) - before < MOST_STREAMS // 2
    wait_until_open(server)


def wait_until_open(server: ServedWorld) -> None:
    """Waits until the server has noticed that streams were closed."""
    for _ in range(1000):
        with open_stream(server) as answer:
            if answer.status_code == 200:
                return
        threading.Event().wait(0.05)
    pytest.fail("a closed stream is counted for ever")


def create_workspace(server: ServedWorld) -> str:
    created = requests.post(f"{server.url}/_mock/workspaces", json={"scenario": "empty"}, timeout=60).json()
    return str(created["api_key"])


def read_until_world(answer: requests.Response) -> Iterator[str]:
    """The lines of a stream after its first look."""
    lines: Iterator[str] = answer.iter_lines(chunk_size=1, decode_unicode=True)
    assert any("world" in line for line in lines)
    return lines


def test_a_stream_ends_with_its_workspace_and_says_so(server: ServedWorld) -> None:
    key = create_workspace(server)
    with open_stream(server, api_key=key) as answer:
        lines = read_until_world(answer)
        requests.delete(f"{server.url}/_mock/workspaces/{key}", timeout=60)
        assert "event: deleted" in list(lines)
    with open_stream(server, api_key=key) as answer:
        assert answer.status_code == 404


def test_a_stream_that_a_reset_ends_can_be_opened_again(server: ServedWorld) -> None:
    key = create_workspace(server)
    with open_stream(server, api_key=key) as answer:
        lines = read_until_world(answer)
        requests.post(f"{server.url}/_mock/reset", params={"api_key": key}, timeout=60)
        assert "event: deleted" not in list(lines)
    with follow(server, api_key=key) as names:
        wait_for(names, "world")


def test_a_server_that_stops_ends_its_streams_quietly() -> None:
    with ServedWorld("--host", "0.0.0.0", "--control-token", "opens-it") as server:
        elsewhere = {"X-Forwarded-For": "10.0.0.1"}
        answer = requests.get(f"{server.url}/console/stream", headers=elsewhere, timeout=60)
        assert answer.status_code == 401
        with follow(server) as names:
            wait_for(names, "world")
            server.stop()
            with contextlib.suppress(requests.RequestException):  # the connection is cut, or ends
                list(names)
    assert server.output == ""
