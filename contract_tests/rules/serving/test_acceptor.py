"""More connections than descriptors: the clients that are served, the ones that are refused, and the log."""

import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from contract_tests.rules.serving.started import Small, read_all, send_all, start_small
from contract_tests.waiting import eventually
from mockserver.errors import StartupError
from mockserver.serving.acceptor import FEWEST, IDLE_FOR, MOST_BY_DEFAULT, connection_limit

PLAIN = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
UNFINISHED = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
TURNED_AWAY = b"HTTP/1.1 429 Too Many Requests"


def send_request(server: Small, request: bytes) -> socket.socket:
    """A connection on which a request was sent."""
    connection = server.connect()
    send_all(connection, request)
    return connection


def idle(server: Small) -> http.client.HTTPConnection:
    """A connection that a client keeps after an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/")
    connection.getresponse().read()
    return connection


def test_idle_connections_give_way_to_a_new_one(tmp_path: Path) -> None:
    with start_small(tmp_path, most_connections=10) as server, ExitStack() as open_connections:
        for _ in range(5):
            open_connections.callback(idle(server).close)
            open_connections.enter_context(server.connect())  # one that never sends a byte
        assert eventually(server.is_answering)


def test_exactly_as_many_connections_as_allowed_are_accepted_one_by_one(tmp_path: Path) -> None:
    """A connection that has just begun counts once. Counted twice, it made the server refuse one too early."""
    with start_small(tmp_path, most_connections=8) as server:
        for _ in range(40):
            with ExitStack() as open_connections:
                busy = [open_connections.enter_context(send_request(server, UNFINISHED)) for _ in range(8)]
                for connection in busy:
                    connection.sendall(b"0123456789")
                assert [connection.recv(1000)[:13] for connection in busy] == [b"HTTP/1.1 200 "] * 8
            assert eventually(server.is_answering)


def test_a_request_that_waits_in_the_kernel_is_answered_before_its_connection_gives_way(tmp_path: Path) -> None:
    """The server stops for longer than a connection may be idle, as a process on a busy machine does."""
    with start_small(tmp_path, most_connections=8) as server, ExitStack() as open_connections:
        before = server.count_sockets()
        silent = [open_connections.enter_context(server.connect()) for _ in range(8)]
        assert eventually(lambda: server.count_sockets() == before + 8)
        os.kill(server.pid, signal.SIGSTOP)
        time.sleep(IDLE_FOR + 0.2)
        new = open_connections.enter_context(send_request(server, PLAIN))
        for connection in silent:
            send_all(connection, PLAIN)
        os.kill(server.pid, signal.SIGCONT)
        for connection in silent:
            assert read_all(connection).startswith(b"HTTP/1.1 200 ")
        assert read_all(new).startswith((b"HTTP/1.1 200 ", TURNED_AWAY))


def test_connections_in_use_stay_and_the_new_one_is_refused_with_a_reason(tmp_path: Path) -> None:
    with start_small(tmp_path, most_connections=4) as server, ExitStack() as open_connections:
        busy = [open_connections.enter_context(send_request(server, UNFINISHED)) for _ in range(4)]
        answers = []
        for _ in range(20):
            with send_request(server, SLOW) as connection:
                answers.append(read_all(connection))
        refused = [answer for answer in answers if answer.startswith(TURNED_AWAY)]
        assert len(refused) > 10  # the kernel may have cut off one or the other
        assert "--connection-limit" in json.loads(refused[0].partition(b"\r\n\r\n")[2])["message"]
        for connection in busy:
            connection.sendall(b"0123456789")
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert 1 <= server.log.read_text().count("was refused") <= 20


@pytest.mark.parametrize("request_", [b"", UNFINISHED, SLOW], ids=["silent", "unfinished", "slow"])
def test_200_clients_do_not_take_the_descriptors_of_a_server_with_64(tmp_path: Path, request_: bytes) -> None:
    with start_small(tmp_path, files=64) as server:
        with ExitStack() as open_connections:
            for _ in range(200):
                open_connections.enter_context(send_request(server, request_))
            before, began = server.processor_seconds(), time.monotonic()
            time.sleep(1)
            used, took = server.processor_seconds() - before, time.monotonic() - began
            assert used < 0.6 * took + 0.1  # it waits, and does not turn in circles
            assert len(list(Path(f"/proc/{server.pid}/fd").iterdir())) < 60
        assert eventually(server.is_answering, within=30)
        assert len(server.log.read_text()) < 4000


def test_without_any_descriptor_clients_are_answered_and_the_log_is_short(tmp_path: Path) -> None:
    """More connections are allowed than there are descriptors: the bound does not help, only the reserve."""
    with start_small(tmp_path, files=50, most_connections=18) as server:
        open_ = [int(link.name) for link in Path(f"/proc/{server.pid}/fd").iterdir()]
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (max(open_) + 1, 50))
        with ExitStack() as open_connections:
            for _ in range(10):  # some may find a number below that is free
                open_connections.enter_context(send_request(server, UNFINISHED))
            answers: list[bytes] = []
            until = time.monotonic() + 2
            while time.monotonic() < until or not any(answer.startswith(TURNED_AWAY) for answer in answers):
                with send_request(server, SLOW) as connection:
                    answers.append(read_all(connection))
            logged = server.log.read_text()
            assert "cannot be accepted: Too many open files" in logged
            assert "Traceback" not in logged
            assert len(logged.splitlines()) < 15
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (50, 50))
        assert eventually(server.is_answering, within=30)


# The limit


def test_half_of_the_open_files_may_be_connections() -> None:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert connection_limit(None) == min(max(FEWEST, files // 2), MOST_BY_DEFAULT)
    assert connection_limit(5) == 5


@pytest.mark.parametrize(("files", "connections"), [(20, 8), (33, 8), (48, 16), (63, 31), (64, 32), (1024, 512)])
def test_the_limit_that_nobody_has_requested_leaves_files_for_other_things(files: int, connections: int) -> None:
    program = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))\n"
        "from mockserver.serving.acceptor import connection_limit\n"
        "print(connection_limit(connection_limit(None)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(ended.stdout) == connections


def test_more_connections_than_open_files_are_refused() -> None:
    with pytest.raises(
        StartupError, match=r"--connection-limit is 1000000000000; expected at most \d+, as this process may have"
    ):
        connection_limit(10**12)


def test_the_command_refuses_them_in_one_line() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--connection-limit", "1000000000000"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert "--connection-limit is 1000000000000" in ended.stderr
