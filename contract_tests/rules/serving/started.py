"""Starts the small application, and speaks to it below any HTTP client."""

import contextlib
import http.client
import json
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract_tests.processes import read_processor_seconds

PATIENCE = 60.0


@dataclass(frozen=True)
class Small:
    """A running server: where it listens, its process, and the file with what it logs."""

    port: int
    pid: int
    log: Path

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def is_answering(self) -> bool:
        """Whether a plain request on a new connection gets its answer."""
        with self.connect() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return read_all(connection).startswith(b"HTTP/1.1 200 ")

    def advance(self, seconds: float) -> None:
        """Moves the server's clock. All bytes that were sent before are read before."""
        with self.connect() as connection:
            connection.sendall(b"GET /advance/%f HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % seconds)
            assert read_all(connection).startswith(b"HTTP/1.1 200 ")

    def count_sockets(self) -> int:
        """How many sockets the process has open: its own few, and one for each accepted connection."""
        return sum("socket:" in str(link.readlink()) for link in Path(f"/proc/{self.pid}/fd").iterdir())

    def memory(self) -> int:
        """Bytes that the process has in memory now."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * 4096

    def processor_seconds(self) -> float:
        return read_processor_seconds(self.pid)


@contextmanager
def start_small(
    folder: Path, *, most_connections: int | None = None, files: int | None = None, **bounds: float
) -> Iterator[Small]:
    options = json.dumps([bounds, most_connections, files])
    log = folder / "log.txt"
    command = [sys.executable, "-m", "contract_tests.rules.serving.small", options]
    with log.open("wb") as errors, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, log.read_text()
            yield Small(int(line), process.pid, log)
        finally:
            process.kill()


def has_answer(connection: socket.socket) -> bool:
    """Whether the server has sent something, or has closed the connection."""
    return bool(select.select([connection], [], [], 0)[0])


def read_all(connection: socket.socket) -> bytes:
    """Reads everything until the server closes or resets the connection."""
    content = bytearray()
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            content += piece
    return bytes(content)


def send_all(connection: socket.socket, content: bytes) -> None:
    """Sends as much as the server reads: it may close the connection during it."""
    with contextlib.suppress(ConnectionError):
        connection.sendall(content)


def refusal(connection: socket.socket) -> tuple[int, Any]:
    """(status, JSON) of the answer, after which the server closes."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    assert response.getheader("connection") == "close"
    document = json.loads(response.read())
    assert read_all(connection) == b""
    return response.status, document
