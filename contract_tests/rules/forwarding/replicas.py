"""Starts replicas of the small application, and owners that break in the way that a test chooses."""

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract_tests.rules.serving.started import read_all
from contract_tests.waiting import PATIENCE
from mockserver.forwarding.envelope import Kind, pack_frame, pack_start

KEY = "forwarded-key"
Place = tuple[int, str]


@dataclass(frozen=True)
class Replica:
    """A running replica, and the file that says which workspaces are where."""

    number: int
    port: int
    pid: int
    owners: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def place(self) -> Place:
        return self.number, self.url

    def know(self, **owners: Any) -> None:
        """Says who serves which key, and who is `dead`. The file is replaced as a whole."""
        half = self.owners.with_suffix(".part")
        half.write_text(json.dumps(owners))
        half.replace(self.owners)

    def ask(self, request: bytes) -> bytes:
        """Sends bytes on a connection of their own, and returns all that is answered."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall(request)
            return read_all(connection)

    def peak_memory(self) -> int:
        """The most bytes that the process has ever had in memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        match = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert match is not None
        return int(match[1]) * 1024


@contextmanager
def start_replicas(folder: Path, count: int) -> Iterator[list[Replica]]:
    """Starts so many replicas, the first with the number 1. None of them knows a workspace."""
    processes = [_start(folder, number) for number in range(1, count + 1)]
    try:
        yield [
            Replica(number, _read_port(process), process.pid, _file_of(folder, number))
            for number, process in enumerate(processes, 1)
        ]
    finally:
        for process in processes:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def _file_of(folder: Path, number: int) -> Path:
    return folder / f"owners-{number}.json"


def _start(folder: Path, number: int) -> subprocess.Popen[bytes]:
    _file_of(folder, number).write_text("{}")
    command = [sys.executable, "-m", "contract_tests.rules.forwarding.replica", str(number), str(folder)]
    with (folder / f"log-{number}.txt").open("wb") as errors:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)


def _read_port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the replica did not start; see its log"
    return int(line)


Act = Callable[[socket.socket], None]
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass
class BreakingOwner:
    """An owner that answers the requests that it receives by acts, one after the other, on whichever connections."""

    acts: list[Act]
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    number = 9

    def __enter__(self) -> "BreakingOwner":
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listening.close()

    @property
    def place(self) -> Place:
        return self.number, f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                while self.acts and (request := read_request(connection)):
                    self.requests.append(request)
                    self.acts.pop(0)(connection)


def read_request(connection: socket.socket) -> bytes:
    """One whole request; nothing when the connection ends."""
    content = b""
    while not is_whole(content):
        try:
            part = connection.recv(65536)
        except OSError:
            return b""
        if not part:
            return b""
        content += part
    return content


def is_whole(content: bytes) -> bool:
    """Whether the bytes hold a request to its end."""
    head, end, body = content.partition(b"\r\n\r\n")
    match = re.search(rb"content-length: (\d+)", head)
    return bool(end) and (body.endswith(b"0\r\n\r\n") if match is None else len(body) == int(match[1]))


def close(connection: socket.socket) -> None:
    """Ends the connection, as the operating system does for a process that was killed."""
    connection.shutdown(socket.SHUT_RDWR)


def begin_and_close(connection: socket.socket) -> None:
    connection.sendall(CONTINUE)
    close(connection)


def begin_and_wait(connection: socket.socket) -> None:
    """Begins, and answers nothing, as a process that was stopped."""
    connection.sendall(CONTINUE)
    read_all(connection)


def answer(body: bytes) -> Act:
    """Answers with a body, and keeps the connection."""
    frames = pack_start(200, [(b"content-length", b"%d" % len(body))]) + pack_frame(Kind.LAST, body)
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(frames)
    return lambda connection: connection.sendall(CONTINUE + head + frames)


def answer_half(connection: socket.socket) -> None:
    """Sends a part of an answer, and ends the connection."""
    frames = pack_start(200, [(b"content-length", b"100")]) + pack_frame(Kind.BODY, b"half")
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n" % len(frames)
    connection.sendall(CONTINUE + head + frames + b"\r\n")
    close(connection)


def begin_and_fail(connection: socket.socket) -> None:
    """Begins, and ends the request with a status of its own, as a process that is stopped."""
    connection.sendall(CONTINUE + b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")


def refuse_envelope(connection: socket.socket) -> None:
    connection.sendall(CONTINUE + b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")


def say_not_owner(connection: socket.socket) -> None:
    connection.sendall(CONTINUE + b"HTTP/1.1 421 Misdirected\r\nmockserver-not-owner: 1\r\ncontent-length: 0\r\n\r\n")
