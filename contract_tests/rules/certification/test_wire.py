"""The client that sends exactly what it is given."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mockserver.certification.wire import Answer, NotReached, Parcel, Target, Wire
from mockserver.errors import StartupError
from mockserver.webhooks.misbehaviour import Shot

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
                came = self._read(connection)
                if came == b"stop":
                    return
                self.received.append(came)
                with contextlib.suppress(ConnectionError):  # one that was cut
                    connection.sendall(self._answer)

    def _read(self, connection: socket.socket) -> bytes:
        came = b""
        try:
            while not came.endswith((self._ends_with, b"stop")):
                if not (more := connection.recv(65536)):
                    return came
                came += more
        except ConnectionResetError:
            came += b"<reset>"
        return came

    def stop(self) -> None:
        with socket.create_connection(self._listening.getsockname()) as last:
            last.sendall(b"stop")
        self._thread.join()
        self._listening.close()


@contextmanager
def peer(answer: bytes = OK, ends_with: bytes = b"body") -> Iterator[Peer]:
    made = Peer(answer, ends_with)
    try:
        yield made
    finally:
        made.stop()


def fired(at: Peer, *shots: Shot, timeout: float = 5.0) -> list[Answer]:
    return Wire(Target.of(at.url), timeout=timeout).fire(shots)


PLAIN = Shot(headers=(("X-One", "1"), ("x-one", "é")), body=b"a body")


def test_every_byte_is_as_given() -> None:
    with peer() as receiver:
        [answer] = fired(receiver, PLAIN)
    [came] = receiver.received
    head, _, body = came.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /hook?a=b HTTP/1.1"
    assert lines[2:5] == [b"X-One: 1", b"x-one: \xe9", b"Content-Length: 6"]
    assert (body, answer.status, answer.body) == (b"a body", 200, b"ok")


def test_a_wrong_length_is_told_and_the_side_is_closed() -> None:
    with peer(ends_with=b"never") as receiver:
        [answer] = fired(receiver, Shot(headers=(), body=b"a body", length=100))
    assert b"Content-Length: 100\r\n" in receiver.received[0]
    assert answer.status == 200


def test_chunks_are_framed() -> None:
    with peer(ends_with=b"0\r\n\r\n") as receiver:
        [answer] = fired(receiver, Parcel(headers=(), body=b"a body", chunked=True, pieces=2))
    assert receiver.received[0].endswith(b"\r\n\r\n3\r\na b\r\n3\r\nody\r\n0\r\n\r\n")
    assert b"Content-Length" not in receiver.received[0]
    assert answer.accepted


def test_a_cut_connection_is_reset() -> None:
    with peer(ends_with=b"never") as receiver:
        [answer] = fired(receiver, Parcel(headers=(), body=b"a body", cut=3))
    assert receiver.received[0].endswith(b"a b<reset>") or receiver.received[0] == b"<reset>"
    assert (answer.status, answer.trouble) == (None, "cut by us")


def test_pieces_come_one_after_another() -> None:
    with peer() as receiver:
        [answer] = fired(receiver, Shot(headers=(), body=b"a body", pieces=3, pause=0.05))
    assert receiver.received[0].endswith(b"a body")
    assert answer.seconds >= 0.1


def test_answers_stand_in_the_order_of_the_shots() -> None:
    with peer() as receiver:
        answers = fired(receiver, PLAIN, *[Shot(headers=(), body=b"a body", at_once=True)] * 5, PLAIN)
    assert [answer.status for answer in answers] == [200] * 7
    assert len(receiver.received) == 7


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [(b"", "no answer: the connection was closed"), (b"hello\r\n\r\n", "no HTTP came back")],
)
def test_what_is_no_answer_is_told(answer: bytes, trouble: str) -> None:
    with peer(answer) as receiver:
        [got] = fired(receiver, PLAIN)
    assert (got.status, got.trouble, got.crashed, got.waited) == (None, trouble, True, False)


def test_patience_ends() -> None:
    with peer(ends_with=b"never") as receiver:
        [got] = fired(receiver, PLAIN, timeout=0.2)
    assert (got.trouble, got.waited) == ("no answer within 0 s", True)


def test_nobody_there_is_not_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotReached, match="cannot be reached"):
        Wire(Target.of(f"http://127.0.0.1:{port}/"), timeout=1.0).fire([PLAIN])


@pytest.mark.parametrize("url", ["", "here", "ftp://host/", "http://", "http://[", "http://host:99999/", "http://a b/"])
def test_what_is_no_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(StartupError, match=r"for example http://127.0.0.1:3001/webhook-endpoint"):
        Target.of(url)


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("http://host", "host", "/"),
        ("http://host:80/a", "host", "/a"),
        ("https://host:8443/a?b=c#d", "host:8443", "/a?b=c"),
        ("http://[::1]:9/a", "[::1]:9", "/a"),
    ],
)
def test_host_and_path_are_those_of_the_url(url: str, authority: str, path: str) -> None:
    target = Target.of(url)
    assert (target.authority, target.path) == (authority, path)
