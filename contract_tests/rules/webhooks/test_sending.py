"""One request over a real socket: whole, broken, and to those who answer wrongly."""

import asyncio
import fcntl
import socket
import ssl
import termios
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import trustme

from contract_tests.receiving import Answer, Receiver
from mockserver.webhooks.connection import ANSWER_KEPT
from mockserver.webhooks.exchange import Cut, Failure, Outcome, Request
from mockserver.webhooks.sending import Sender
from mockserver.webhooks.targets import Allowed

NEVER = Answer(until=threading.Event())
Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter, asyncio.Event], Awaitable[None]]
"""Serves a connection; the event is set when the test has all answers."""


def send_one(url: str, **more: Any) -> Outcome:
    async def send() -> Outcome:
        sender = Sender()
        try:
            return await sender.send(url, request(**more))
        finally:
            await sender.close()

    return asyncio.run(send())


def request(**more: Any) -> Request:
    return Request(**{"headers": [("Content-Type", "application/json")], "body": b'{"a": 1}'} | more)


def test_a_request_arrives_as_it_was_given() -> None:
    headers = [("X-lAbElBoX-iD", "d1"), ("X-Twice", "1"), ("X-Twice", "2")]
    with Receiver() as receiver:
        outcome = send_one(f"{receiver.url}?x=1", headers=headers, body="…☃".encode())
        [message] = receiver.received
    assert (message.path, message.body) == ("/webhook-endpoint?x=1", "…☃".encode())
    assert (outcome.status, outcome.answer, outcome.failure, outcome.succeeded) == (200, b"ok", None, True)
    assert outcome.seconds > 0


def test_names_are_looked_up_in_threads_that_serve_nothing_else() -> None:
    async def send_while_the_threads_of_the_loop_are_taken(url: str) -> Outcome:
        loop, over, sender = asyncio.get_running_loop(), threading.Event(), Sender()
        loop.set_default_executor(ThreadPoolExecutor(1))
        taken = loop.run_in_executor(None, over.wait)
        try:
            return await sender.send(url, request())
        finally:
            over.set()
            await taken
            await sender.close()

    with Receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        assert asyncio.run(send_while_the_threads_of_the_loop_are_taken(url)).status == 200


@pytest.mark.parametrize("status", [199 + 1, 204, 299])
def test_only_2xx_is_success(status: int) -> None:
    with Receiver(Answer(status, body=b"")) as receiver:
        assert send_one(receiver.url).succeeded


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 410, 429, 500, 503])
def test_everything_else_is_not_and_no_redirect_is_followed(status: int) -> None:
    with Receiver() as elsewhere, Receiver(Answer(status, {"Location": elsewhere.url})) as receiver:
        outcome = send_one(receiver.url)
        assert (outcome.status, outcome.succeeded, outcome.failure) == (status, False, None)
        assert elsewhere.received == []


def test_connections_are_kept_and_a_dead_one_is_replaced() -> None:
    async def several(url: str) -> list[int | None]:
        sender = Sender()
        statuses = [(await sender.send(url, request())).status for _ in range(4)]
        await sender.close()
        return statuses

    with Receiver() as receiver:
        assert asyncio.run(several(receiver.url)) == [200] * 4
        assert {item.connection for item in receiver.received} == {1}
    with Receiver(Answer(200, {"Connection": "close"})) as closing:
        assert asyncio.run(several(closing.url)) == [200] * 4
        assert [item.connection for item in closing.received] == [1, 2, 3, 4]
    silently = Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")  # closes without having said so
    with Receiver(silently) as dying:
        assert asyncio.run(several(dying.url)) == [200] * 4


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (Answer(reset=True), Failure.RESET),
        (NEVER, Failure.TIMEOUT),
        (Answer(raw=b""), Failure.RESET),
        (Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok"), Failure.RESET),
        (Answer(raw=b"SSH-2.0-OpenSSH_9.2\r\n"), Failure.NOT_HTTP),
        (Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Failure.NOT_HTTP),
    ],
)
def test_a_receiver_that_answers_wrongly_is_named_for_it(answer: Answer, failure: Failure) -> None:
    with Receiver(answer) as receiver:
        outcome = send_one(receiver.url, timeout=0.4 if answer is NEVER else 60)
    assert (outcome.status, outcome.failure) == (None, failure)
    assert outcome.reason


def test_an_answer_without_a_length_lasts_until_the_connection_ends() -> None:
    with Receiver(Answer(raw=b"HTTP/1.0 200 OK\r\n\r\nall of it")) as receiver:
        outcome = send_one(receiver.url)
    assert (outcome.status, outcome.answer) == (200, b"all of it")


def test_an_interim_answer_is_not_the_answer() -> None:
    raw = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    with Receiver(Answer(raw=raw)) as receiver:
        assert send_one(receiver.url).status == 202


@pytest.mark.parametrize(
    ("raw", "status", "answer"),
    [
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", 204, b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\no\r\n1\r\nk\r\n0\r\nA: b\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello", 101, b""),
        (b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" * 3 + b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b""),
    ],
    ids=["a body behind 204", "two answers", "chunks and a trailer", "switching protocols", "early hints"],
)
def test_an_odd_answer_is_the_answer(raw: bytes, status: int, answer: bytes) -> None:
    with Receiver(Answer(raw=raw)) as receiver:
        outcome = send_one(receiver.url)
    assert (outcome.status, outcome.answer, outcome.failure) == (status, answer, None)


@pytest.mark.parametrize("late", [False, True])
def test_what_comes_behind_an_answer_is_not_taken_for_the_next(late: bool) -> None:
    first_is_read, second_is_received = asyncio.Event(), asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, over: asyncio.Event) -> None:
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        if late:
            await first_is_read.wait()
        writer.write(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        await wait_until_received(writer)
        second_is_received.set()
        await over.wait()

    async def wait_between() -> None:
        first_is_read.set()
        await second_is_received.wait()

    assert asyncio.run(send_two(handle, between=wait_between)) == [200, 200]


async def wait_until_received(writer: asyncio.StreamWriter) -> None:
    """Waits until the other end has all bytes, which is on the same loop, and until that loop has read them."""
    unacknowledged = bytearray(b"\1\0\0\0")
    while any(unacknowledged):
        fcntl.ioctl(writer.get_extra_info("socket").fileno(), termios.TIOCOUTQ, unacknowledged)
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.001)


async def send_two(
    handle: Handle, *, between: Callable[[], Awaitable[None]] | None = None, **more: Any
) -> list[int | None]:
    """The statuses of two requests to such a server: the first with `more`, the second after `between`."""
    over, connections = asyncio.Event(), set[asyncio.Task[Any]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        await handle(reader, writer, over)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    sender = Sender()
    first = await sender.send(url, request(**more))
    if between is not None:
        await between()
    second = await sender.send(url, request())
    over.set()
    await sender.close()
    server.close()
    await asyncio.gather(*connections, return_exceptions=True)
    return [first.status, second.status]


@pytest.mark.parametrize("closes", [True, False])
def test_who_refuses_a_large_body_unread_is_heard(closes: bool) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, over: asyncio.Event) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        if not closes:
            await over.wait()

    assert asyncio.run(send_two(handle, body=b"x" * 16_000_000, timeout=60.0)) == [413, 413]


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 10**6,
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 10**7,
    ],
    ids=["interim answers", "headers", "a header"],
)
def test_an_answer_that_never_begins_is_given_up_for_its_size(endless: bytes) -> None:
    with Receiver(Answer(raw=endless * max(1, 10**6 // len(endless)))) as receiver:
        outcome = send_one(receiver.url, timeout=60)
    assert (outcome.status, outcome.failure) == (None, Failure.NOT_HTTP)


def test_trailers_without_end_are_left_alone() -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n" + b"A: b\r\n" * 10**6
    with Receiver(Answer(raw=raw)) as receiver:
        outcome = send_one(receiver.url)
    assert (outcome.status, outcome.answer) == (200, b"ok")
    assert len(outcome.headers) < 100_000


def test_a_receiver_may_listen_on_ipv6() -> None:
    async def send_over() -> Outcome:
        server = await asyncio.start_server(answer_empty, "::1", 0)
        sender = Sender()
        outcome = await sender.send(f"http://[::1]:{server.sockets[0].getsockname()[1]}/", request())
        await sender.close()
        server.close()
        return outcome

    assert asyncio.run(send_over()).status == 200


def addresses(monkeypatch: pytest.MonkeyPatch, *statuses: str) -> None:
    """Resolves every name under `.test` to these addresses."""

    resolve = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *arguments: Any, **options: Any) -> list[Any]:
        if not host.endswith(".test"):
            return resolve(host, port, *arguments, **options)
        return [(0, 0, 0, "", (address, port)) for address in statuses]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)


def test_a_name_of_several_addresses_leads_to_the_first_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", "several.test")
        addresses(monkeypatch, "127.0.0.2", "127.0.0.1")
        assert send_one(url).status == 200
        assert receiver.received[0].headers["Host"].startswith("several.test:")
        addresses(monkeypatch, "127.0.0.1", "93.184.216.34")
        assert send_one(url).failure == Failure.NOT_ALLOWED
        addresses(monkeypatch, "127.0.0.2", "127.0.0.3")
        assert send_one(url).failure == Failure.NOT_CONNECTED


def test_a_long_answer_is_cut_and_a_longer_one_is_left_alone() -> None:
    with Receiver(Answer(body=b"x" * 100_000)) as receiver:
        outcome = send_one(receiver.url)
    assert (len(outcome.answer), outcome.answer_size) == (ANSWER_KEPT, 100_000)
    endless = Answer(headers={"Content-Length": str(50_000_000)}, body=b"x" * 8_000_000)
    with Receiver(endless) as receiver:
        outcome = send_one(receiver.url)
    assert outcome.succeeded
    assert outcome.answer_size < 3_000_000


def test_nobody_there_and_no_such_name_are_different_failures() -> None:
    assert send_one("http://127.0.0.1:1/").failure == Failure.NOT_CONNECTED
    assert send_one("http://no-such-host.invalid/").failure == Failure.NOT_FOUND
    assert send_one("https:/cabc").failure == Failure.NO_URL
    assert send_one("http://127.0.0.1:99999/").failure == Failure.NO_URL


def test_a_public_address_is_refused_before_anything_is_sent() -> None:
    outcome = send_one("http://93.184.216.34/")
    assert outcome.failure == Failure.NOT_ALLOWED
    assert "--webhook-allow 93.184.216.34" in outcome.reason


def test_a_wrong_length_a_slow_body_and_a_cut_one_are_sent_as_asked() -> None:
    with Receiver() as receiver:
        assert send_one(receiver.url, declared_length=50, timeout=0.3).failure == Failure.TIMEOUT
        outcome = send_one(receiver.url, body=b"12345", parts=5, pause=0.03)
        assert outcome.status == 200
        assert outcome.seconds >= 0.12
        assert send_one(receiver.url, cut=Cut(2, "reset")).failure == Failure.CUT
        assert send_one(receiver.url, cut=Cut(2, "close")).failure == Failure.CUT
        assert [item.body for item in receiver.received] == [b"12345"]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_tls_is_spoken_and_certificates_are_checked(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    async def send_over(trusted: bool) -> Outcome:
        server = await asyncio.start_server(answer_empty, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        with authority.cert_pem.tempfile() as file:
            monkeypatch.setenv("SSL_CERT_FILE", file if trusted else "/dev/null")
            sender = Sender(Allowed())
            outcome = await sender.send(f"https://localhost:{port}/x", request())
            await sender.close()
        server.close()
        await server.wait_closed()
        return outcome

    assert asyncio.run(send_over(trusted=True)).status == 200
    refused = asyncio.run(send_over(trusted=False))
    assert (refused.failure, refused.status) == (Failure.TLS, None)


async def answer_empty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    writer.close()


def test_connections_that_wait_in_vain_are_closed() -> None:
    async def count_idle(urls: list[str], idle_seconds: float, expected: int) -> int:
        """The idle connections after these requests, as soon as they are as many as expected."""
        sender = Sender(idle_seconds=idle_seconds)
        for url in urls:
            await sender.send(url, request())
        for _ in range(6000):
            if sender.idle_connections == expected:
                break
            await asyncio.sleep(0.01)
        idle = sender.idle_connections
        await sender.close()
        return idle

    with Receiver() as one, Receiver() as two:
        assert asyncio.run(count_idle([one.url, two.url], 600, 2)) == 2
        assert asyncio.run(count_idle([one.url, two.url], 0.05, 0)) == 0
