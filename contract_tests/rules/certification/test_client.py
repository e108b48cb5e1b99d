"""The client that sends exactly what it is given."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trustme

from contract_tests.rules.certification.receivers import run_receiver
from mockserver.certification.client import Answer, Client, NotReached
from mockserver.errors import StartupError
from mockserver.webhooks.exchange import Cut, Request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """A socket that takes one connection after another, keeps what comes, and answers the same each time."""

    def __init__(self, answer: bytes, ends_with: bytes) -> None:
        self.received: list[bytes] = []
        self._answer, self._ends_with = answer, ends_with
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/hook?a=b"

    def _serve(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            with connection:
                data = self._read(connection)
                if data == b"stop":
                    return
                self.received.append(data)
                with contextlib.suppress(ConnectionError):  # one that was cut
                    connection.sendall(self._answer)

    def _read(self, connection: socket.socket) -> bytes:
        data = b""
        try:
            while not data.endswith((self._ends_with, b"stop")):
                if not (more := connection.recv(65536)):
                    return data
                data += more
        except ConnectionResetError:
            data += b"<reset>"
        return data

    def stop(self) -> None:
        with socket.create_connection(self._listening.getsockname()) as last:
            last.sendall(b"stop")
        self._thread.join()
        self._listening.close()


@contextmanager
def peer(answer: bytes = OK, ends_with: bytes = b"body") -> Iterator[Peer]:
    server = Peer(answer, ends_with)
    try:
        yield server
    finally:
        server.stop()


def send(at: Peer, *requests: Request, timeout: float = 5.0) -> list[Answer]:
    with Client(at.url, timeout=timeout) as client:
        return client.send(requests)


PLAIN = Request(headers=(("X-One", "1"), ("x-one", "é")), body=b"a body")


def test_every_byte_is_as_given() -> None:
    with peer() as receiver:
        [answer] = send(receiver, PLAIN)
    [data] = receiver.received
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /hook?a=b HTTP/1.1"
    assert lines[2:] == [b"X-One: 1", b"x-one: \xe9", b"Connection: close", b"Content-Length: 6"]
    assert (body, answer.status, answer.body) == (b"a body", 200, b"ok")


def test_a_wrong_length_is_sent_and_the_side_is_closed() -> None:
    with peer(ends_with=b"never") as receiver:
        [answer] = send(receiver, Request(headers=(), body=b"a body", declared_length=100))
    assert b"Content-Length: 100\r\n" in receiver.received[0]
    assert answer.status == 200


def test_chunks_are_framed() -> None:
    with peer(ends_with=b"0\r\n\r\n") as receiver:
        [answer] = send(receiver, Request(headers=(), body=b"a body", chunked=True, parts=2))
    assert receiver.received[0].endswith(b"\r\n\r\n3\r\na b\r\n3\r\nody\r\n0\r\n\r\n")
    assert b"Content-Length" not in receiver.received[0]
    assert answer.accepted


def test_a_cut_connection_is_reset() -> None:
    with peer(ends_with=b"never") as receiver:
        [answer] = send(receiver, Request(headers=(), body=b"a body", cut=Cut(3, "reset")))
    assert receiver.received[0].endswith(b"a b<reset>") or receiver.received[0] == b"<reset>"
    assert (answer.status, answer.trouble) == (None, "cut by the sender")


def test_pieces_come_one_after_another() -> None:
    with peer() as receiver:
        [answer] = send(receiver, Request(headers=(), body=b"a body", parts=3, pause=0.05))
    assert receiver.received[0].endswith(b"a body")
    assert answer.seconds >= 0.1


def test_answers_are_in_the_order_of_the_shots() -> None:
    with peer() as receiver:
        answers = send(receiver, PLAIN, *[Request(headers=(), body=b"a body", concurrent=True)] * 5, PLAIN)
    assert [answer.status for answer in answers] == [200] * 7
    assert len(receiver.received) == 7


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [(b"", "no answer: the connection was closed"), (b"hello\r\n\r\n", "the answer was not HTTP")],
)
def test_what_is_no_answer_is_reported(answer: bytes, trouble: str) -> None:
    with peer(answer) as receiver:
        [got] = send(receiver, PLAIN)
    assert (got.status, got.trouble, got.crashed, got.waited) == (None, trouble, True, False)


def test_patience_ends() -> None:
    with peer(ends_with=b"never") as receiver:
        [got] = send(receiver, PLAIN, timeout=0.2)
    assert (got.trouble, got.waited) == ("no answer within 0.2 s", True)


def test_nobody_there_is_not_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        Client(f"http://127.0.0.1:{port}/", timeout=1.0) as client,
        pytest.raises(NotReached, match="cannot be reached"),
    ):
        client.send([PLAIN])


@pytest.mark.parametrize("url", ["", "here", "ftp://host/", "http://", "http://[", "http://host:99999/", "http://a b/"])
def test_what_is_no_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(StartupError, match=r"for example http://127.0.0.1:3001/webhook-endpoint"):
        Client(url, timeout=1.0)


def test_a_cut_and_a_short_body_are_also_sent_by_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with authority.cert_pem.tempfile() as file, run_receiver(lambda _body, _headers: 200, tls=context) as url:
        monkeypatch.setenv("SSL_CERT_FILE", file)
        with Client(url, timeout=20.0) as client:
            [cut] = client.send([Request(headers=(), body=b"a body", cut=Cut(3, "reset"))])
            [short] = client.send([Request(headers=(), body=b"a body", declared_length=100)])
            [whole] = client.send([PLAIN])
    assert (cut.trouble, short.waited, whole.status) == ("cut by the sender", False, 200)
