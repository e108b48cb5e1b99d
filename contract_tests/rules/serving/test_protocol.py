"""The bounds of one connection, in bytes and seconds, on real sockets and below any client."""

import http.client
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.serving.started import PATIENCE, Small, has_answer, read_all, refusal, send_all, start_small
from contract_tests.waiting import eventually
from mockserver.serving.refusals import Bounds

MEGABYTE = 1024 * 1024
START = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
BOUNDS = Bounds()
TIMES = Bounds(head_seconds=1000, body_silence=1000, body_seconds=5000, answer_silence=1000, linger=1000, idle=3000)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    with start_small(tmp_path_factory.mktemp("small")) as server:
        yield server


@pytest.fixture(scope="module")
def clocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """A server whose clock the tests move: no bound is reached by the time that a busy machine takes."""
    with start_small(tmp_path_factory.mktemp("clocked"), **TIMES._asdict()) as server:
        yield server


# Size

TOO_LARGE = {
    "one long line": START + b"X: " + b"a" * 70_000,
    "a long path": b"GET /" + b"a" * 70_000,
    "many lines": START + b"".join(b"X-%d: %s\r\n" % (number, b"a" * 900) for number in range(90)),
    "a whole head": START + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
    "a name without a value": START + b"x" * 70_000,
    "empty lines": b"\r\n" * 40_000,
    "a trailer": CHUNKED + b"1\r\nx\r\n0\r\nX: " + b"a" * 70_000,
    "an extension of a chunk": CHUNKED + b"1;" + b"a" * 70_000,
    "a size of a chunk": CHUNKED + b"0" * 70_000,
}


@pytest.mark.parametrize("request_", TOO_LARGE.values(), ids=list(TOO_LARGE))
def test_more_than_64_kb_beside_the_body_are_refused(small: Small, request_: bytes) -> None:
    with small.connect() as connection:
        send_all(connection, request_)
        status, document = refusal(connection)
    assert (status, document["code"]) in {(431, "BAD_USER_INPUT"), (400, "BAD_USER_INPUT")}
    assert "65536 bytes" in document["message"] or status == 400


TOO_MANY = {
    "fields": START + b"a:b\r\n" * 100 + b"\r\n",
    "trailers": CHUNKED + b"1\r\nx\r\n0\r\n" + b"a:b\r\n" * 101 + b"\r\n",
}


@pytest.mark.parametrize("request_", TOO_MANY.values(), ids=list(TOO_MANY))
def test_more_than_100_fields_are_refused(small: Small, request_: bytes) -> None:
    with small.connect() as connection:
        send_all(connection, request_)
        status, document = refusal(connection)
    assert status == 431
    assert "more than 100 header fields" in document["message"]


@given(fields=st.integers(0, 130), length=st.integers(0, 1200), pieces=st.lists(st.integers(1, 140_000), max_size=4))
@settings(max_examples=60)
def test_a_head_is_taken_if_it_is_within_both_bounds_however_it_arrives(
    small: Small, fields: int, length: int, pieces: list[int]
) -> None:
    head = START + b"".join(b"X-%03d: %s\r\n" % (number, b"a" * length) for number in range(fields)) + b"\r\n"
    within = fields + 1 <= BOUNDS.fields and len(head) <= BOUNDS.head
    with small.connect() as connection:
        ends = [*sorted({min(piece, len(head)) for piece in pieces}), len(head)]
        for first, end in zip([0, *ends], ends, strict=False):
            send_all(connection, head[first:end])
        answered = connection.recv(12)
    assert answered == (b"HTTP/1.1 200" if within else b"HTTP/1.1 431")


def test_200_mb_of_header_lines_take_no_memory(small: Small) -> None:
    before = small.memory()
    lines = b"X-A: y\r\n" * 32_768
    with small.connect() as connection:
        send_all(connection, START)
        for _ in range(800):
            send_all(connection, lines)
        read_all(connection)
    assert small.memory() - before < 8 * MEGABYTE
    assert small.is_answering()


@pytest.mark.parametrize(
    "endless", [START + b"X: ", CHUNKED + b"1\r\nx\r\n0\r\nX: ", CHUNKED + b"1;", b"GET /"], ids=range(4)
)
def test_a_line_without_an_end_takes_no_memory(small: Small, endless: bytes) -> None:
    before = small.memory()
    with small.connect() as connection:
        send_all(connection, endless)
        for _ in range(50):
            send_all(connection, b"a" * MEGABYTE)
        read_all(connection)
    assert small.memory() - before < 8 * MEGABYTE


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_a_body_in_small_chunks_is_read_whole(small: Small, size: int) -> None:
    """The frames of the chunks are many times as long as a head may be."""
    body = b"%x\r\n%s\r\n" % (size, b"x" * size) * 30_000 + b"0\r\n\r\n"
    with small.connect() as connection:
        connection.sendall(CHUNKED.replace(b"Host", b"Connection: close\r\nHost") + body)
        assert read_all(connection).endswith(b"\r\n\r\n%d" % (size * 30_000))


def test_a_large_body_is_no_part_of_the_head(small: Small) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", small.port, timeout=30)
    for _ in range(3):
        connection.request("POST", "/", b"x" * (2 * MEGABYTE))
        assert connection.getresponse().read() == b"%d" % (2 * MEGABYTE)
    connection.close()


def test_a_trailer_does_not_become_a_field_of_the_head(small: Small) -> None:
    with small.connect() as connection:
        connection.sendall(
            CHUNKED + b"1\r\nx\r\n0\r\nHost: evil.example\r\n\r\n" + START + b"Connection: close\r\n\r\n"
        )
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == 2


def test_requests_that_come_together_are_all_answered_up_to_a_bound(small: Small) -> None:
    with small.connect() as connection:
        connection.sendall((START + b"\r\n") * 20 + START + b"Connection: close\r\n\r\n")
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == 21
    with small.connect() as connection:
        send_all(connection, (START + b"\r\n") * 5000)
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == BOUNDS.pipelined + 1


# What is no HTTP


@pytest.mark.parametrize(
    "request_",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"nonsense\r\n\r\n", b"GET\r\n", b"CONNECT a:1 HTTP/1.1\r\n\r\n"],
)
def test_what_is_no_http_is_refused_in_json(small: Small, request_: bytes) -> None:
    with small.connect() as connection:
        connection.sendall(request_)
        status, document = refusal(connection)
    assert (status, document["code"]) == (400, "BAD_USER_INPUT")
    assert "not HTTP/1.1" in document["message"] or "CONNECT is for proxies" in document["message"]


def test_a_refusal_is_not_in_the_middle_of_another_answer(small: Small) -> None:
    with small.connect() as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n" + b"nonsense\r\n\r\n")
        answer = read_all(connection)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_what_clients_do_wrong_is_not_logged(small: Small) -> None:
    for request_ in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000):
        with small.connect() as connection:
            send_all(connection, request_)
            read_all(connection)
    assert small.log.read_text() == ""


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.2"])
def test_a_request_for_another_protocol_is_answered_in_this_one_and_not_logged(small: Small, protocol: bytes) -> None:
    upgrade = b"Upgrade: " + protocol + b"\r\nConnection: Upgrade\r\n"
    with small.connect() as connection:
        both = START + upgrade + b"\r\n" + START + b"Connection: close\r\n\r\n"
        connection.sendall(POST + upgrade + b"Content-Length: 3\r\n\r\nabc" + both)
        answer = read_all(connection)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.split(b"\r\n\r\n")[1].startswith(b"3")  # the body was read
    assert small.log.read_text() == ""


# Time


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", None),
        (b"\r\n", None),
        (b"GET /", 408),
        (START + b"X: half", 408),
        (POST + b"Content-Length: 10\r\n\r\n", 408),
        (POST + b"Content-Length: 10\r\n\r\nhalf", 408),
        (CHUNKED + b"5\r\nhalf", 408),
        (CHUNKED + b"1\r\nx\r\n0\r\nX: half", 408),
    ],
)
def test_a_client_that_falls_silent_is_left(clocked: Small, sent: bytes, status: int | None) -> None:
    with clocked.connect() as connection:
        connection.sendall(sent)
        clocked.advance(600)
        assert not has_answer(connection)
        clocked.advance(600)
        if status is None:
            assert read_all(connection) == b""
        else:
            answered, document = refusal(connection)
            assert (answered, document["code"]) == (status, "BAD_USER_INPUT")
            assert "1000 s" in document["message"]


@pytest.mark.parametrize(
    ("begin", "part", "bound"),
    [
        (b"GET /", b"a", TIMES.head_seconds),
        (CHUNKED, b"1\r\nx\r\n", TIMES.body_seconds),
        (b"\r\n", b"\r\n", TIMES.head_seconds),
    ],
    ids=["a head", "a body", "empty lines"],
)
def test_a_client_that_sends_a_byte_now_and_then_is_left_too(
    clocked: Small, begin: bytes, part: bytes, bound: float
) -> None:
    with clocked.connect() as connection:
        connection.sendall(begin)
        for _ in range(int(bound // 400)):
            clocked.advance(400)
            assert not has_answer(connection)
            connection.sendall(part)
        clocked.advance(400)
        assert read_all(connection)[:12] in {b"HTTP/1.1 408", b""}


def test_a_client_that_is_only_slow_is_served(clocked: Small) -> None:
    """Each part comes within its time, all of them do not."""
    with clocked.connect() as connection:
        for piece in (b"POST / HTTP/1.1\r\nConnection: close\r\n", b"Content-Length: 4\r\n\r\na", b"b", b"c", b"d"):
            connection.sendall(piece)
            clocked.advance(900)
        assert read_all(connection).endswith(b"\r\n\r\n4")


def test_a_connection_may_be_idle_between_requests_for_longer_than_a_head_may_take(clocked: Small) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", clocked.port, timeout=PATIENCE)
    connection.request("GET", "/")
    connection.getresponse().read()
    sock = connection.sock
    clocked.advance(2500)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"0"
    assert connection.sock is sock
    connection.close()


def test_a_connection_that_is_idle_for_longer_is_closed_without_a_word(clocked: Small) -> None:
    with clocked.connect() as connection:
        connection.sendall(START + b"\r\n" + CHUNKED + b"1\r\nx\r\n0\r\n\r\n")
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < 2 or not answers.endswith(b"\r\n\r\n1"):
            answers += connection.recv(65536)
        clocked.advance(2500)
        assert not has_answer(connection)
        clocked.advance(600)
        assert read_all(connection) == b""


def test_a_client_that_takes_nothing_of_its_answer_is_left(clocked: Small) -> None:
    def is_left_after_another_silence() -> bool:
        clocked.advance(TIMES.answer_silence)
        return clocked.memory() < before + 20 * MEGABYTE

    with clocked.connect() as connection:
        before = clocked.memory()
        connection.sendall(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert eventually(lambda: clocked.memory() > before + 40 * MEGABYTE, within=60)
        clocked.advance(1)  # the server has seen how much waits
        sockets = clocked.count_sockets()
        clocked.advance(TIMES.answer_silence / 2)
        assert clocked.count_sockets() == sockets
        assert eventually(is_left_after_another_silence, within=60)


def test_the_server_goes_on_after_all_of_this(clocked: Small, small: Small) -> None:
    assert clocked.is_answering()
    assert small.is_answering()
