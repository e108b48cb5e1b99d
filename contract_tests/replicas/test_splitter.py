"""The splitter of tests gives connections to its backends in turns."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from contract_tests.replicas.splitter import Splitter

PATIENCE = 30.0


class Backend:
    """Answers the first line of each connection with its own number and that line."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(ConnectionError), connection, connection.makefile("rwb") as stream:
            for line in stream:
                stream.write(b"%d %s" % (self._number, line))
                stream.flush()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def backends() -> Iterator[list[Backend]]:
    with ExitStack() as stack:
        backends = [Backend(number) for number in range(3)]
        for backend in backends:
            stack.callback(backend.close)
        yield backends


def connect(splitter: Splitter) -> socket.socket:
    return socket.create_connection(("127.0.0.1", splitter.port), PATIENCE)


def ask(splitter: Splitter, line: bytes = b"hello\n") -> bytes:
    with connect(splitter) as connection, connection.makefile("rwb") as stream:
        stream.write(line)
        stream.flush()
        return stream.readline()


def test_connections_take_turns(backends: list[Backend]) -> None:
    with Splitter([backend.address for backend in backends]) as splitter:
        assert [ask(splitter) for _ in range(6)] == [b"%d hello\n" % number for number in (0, 1, 2, 0, 1, 2)]


def test_a_backend_that_refuses_connections_is_passed_over(backends: list[Backend]) -> None:
    backends[1].close()
    with Splitter([backend.address for backend in backends]) as splitter:
        assert {ask(splitter)[:1] for _ in range(6)} == {b"0", b"2"}


def test_large_messages_pass_in_both_directions(backends: list[Backend]) -> None:
    line = b"x" * 3_000_000 + b"\n"
    with Splitter([backends[0].address]) as splitter:
        assert ask(splitter, line) == b"0 " + line


def test_a_cut_resets_open_connections_and_new_ones_work(backends: list[Backend]) -> None:
    with Splitter([backends[0].address]) as splitter, connect(splitter) as connection:
        connection.sendall(b"hello\n")
        assert connection.recv(100) == b"0 hello\n"
        assert splitter.cut() == 2
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
        assert ask(splitter) == b"0 hello\n"


def test_messages_of_a_held_network_arrive_when_it_goes_on(backends: list[Backend]) -> None:
    with Splitter([backends[0].address]) as splitter, connect(splitter) as connection:
        with splitter.hold():
            connection.sendall(b"hello\n")
            connection.settimeout(0.3)
            with pytest.raises(TimeoutError):
                connection.recv(100)
        connection.settimeout(PATIENCE)
        assert connection.recv(100) == b"0 hello\n"


def test_nobody_behind_it_resets_connections() -> None:
    with Splitter([]) as splitter, pytest.raises(ConnectionResetError), connect(splitter) as connection:
        connection.recv(1)
