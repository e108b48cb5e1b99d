"""A webhook receiver for tests: it keeps the messages, and gives the answers of the test."""

import contextlib
import hmac
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

SECRET = "CHANGE-ME"


@dataclass(frozen=True)
class Received:
    at: float
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def id(self) -> str:
        return self.headers["X-Labelbox-Id"]

    @property
    def event(self) -> str:
        return self.headers["X-Labelbox-Event"]

    def is_signed(self, secret: str = SECRET) -> bool:
        """By both headers, checked as receivers do it."""
        signatures = {
            name: f"{algorithm}={hmac.new(secret.encode(), self.body, algorithm).hexdigest()}"
            for name, algorithm in (("X-Hub-Signature", "sha1"), ("X-Hub-Signature-256", "sha256"))
        }
        return all(self.headers.get(name) == value for name, value in signatures.items())


@dataclass(frozen=True)
class Answer:
    """`wait` seconds before it, or `until` an event; `reset` ends the connection by RST; `raw` is sent as it is."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    wait: float = 0.0
    until: threading.Event | None = None
    reset: bool = False
    raw: bytes | None = None


class Receiver:
    """Listens on a free port of this machine. `answer` is called for each request with all received messages."""

    def __init__(self, answer: Callable[[list[Received]], Answer] | Answer | None = None) -> None:
        self.answer = answer or Answer()
        self.received: list[Received] = []
        self._connections = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/webhook-endpoint"

    @property
    def events(self) -> list[str]:
        return [item.event for item in self.received]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(self, count: int, seconds: float = 50.0) -> list[Received]:
        """Waits for so many messages, and returns all."""
        end = time.monotonic() + seconds
        while len(self.received) < count and time.monotonic() < end:
            time.sleep(0.002)
        assert len(self.received) >= count, f"{len(self.received)} of {count} deliveries came within {seconds} s"
        return self.received

    def take(self, item: Received) -> Answer:
        with self._lock:
            self.received.append(item)
            return self.answer(self.received) if callable(self.answer) else self.answer

    def hold(self, answer: Answer) -> None:
        """Waits as the answer says, or until the receiver closes."""
        if answer.until is None:
            self._closing.wait(answer.wait)
        while answer.until is not None and not answer.until.wait(0.01) and not self._closing.is_set():
            pass

    def next_connection(self) -> int:
        with self._lock:
            self._connections += 1
            return self._connections


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.receiver = receiver


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.number = self.server.receiver.next_connection()

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        item = Received(time.time(), self.path, dict(self.headers), body, self.number)
        self._give(self.server.receiver.take(item))

    def _give(self, answer: Answer) -> None:
        self.server.receiver.hold(answer)
        if answer.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
        elif answer.raw is not None:
            self.wfile.write(answer.raw)
            self.close_connection = True
        else:
            self.send_response(answer.status)
            for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *_: Any) -> None:
        """Writes no log: the messages are in `received`."""
