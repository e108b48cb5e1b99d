"""The head of an answer waits for its body, and never longer than the loop's turn."""

import asyncio
import socket
from typing import cast
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from mockserver.serving.answers import CONTINUE, JOINED, AnswerTransport
from mockserver.testing import MockServer


class Recorder:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed_after: int | None = None

    def write(self, data: bytes) -> None:
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed_after is not None

    def close(self) -> None:
        self.closed_after = sum(map(len, self.writes))


async def write_all(pieces: list[bytes], turns: list[bool]) -> list[bytes]:
    """Returns the writes until the end of the last turn; `turns` says where the loop goes on between two pieces."""
    recorder = Recorder()
    answer = AnswerTransport(cast(asyncio.Transport, recorder), asyncio.get_running_loop())
    for piece, waits in zip(pieces, turns, strict=True):
        answer.write(piece)
        if waits:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    return recorder.writes


def test_head_and_body_are_sent_together() -> None:
    assert asyncio.run(write_all([b"head", b"body", b"more"], [False] * 3)) == [b"headbody", b"more"]


def test_an_interim_answer_is_sent_before_the_request_is_carried_out_and_its_answer_stays_together() -> None:
    pieces = [CONTINUE, b"head", b"body"]
    assert asyncio.run(write_all(pieces, [False] * 3)) == [CONTINUE, b"headbody"]
    assert asyncio.run(write_all(pieces, [True, False, False])) == [CONTINUE, b"headbody"]


def test_a_head_whose_body_is_not_there_is_sent_at_the_end_of_the_turn() -> None:
    assert asyncio.run(write_all([b"head", b"body"], [True, False])) == [b"head", b"body"]


def test_a_large_body_is_not_copied() -> None:
    large = b"x" * (JOINED + 1)
    assert asyncio.run(write_all([b"head", large], [False, False])) == [b"head", large]


@given(st.lists(st.tuples(st.binary(max_size=4), st.booleans()), max_size=6))
def test_all_bytes_are_sent_in_their_order(pieces: list[tuple[bytes, bool]]) -> None:
    texts, turns = [piece for piece, _ in pieces], [waits for _, waits in pieces]
    assert b"".join(asyncio.run(write_all(texts, turns))) == b"".join(texts)


def test_a_connection_ends_after_the_head() -> None:
    async def close_after_head() -> Recorder:
        recorder = Recorder()
        answer = AnswerTransport(cast(asyncio.Transport, recorder), asyncio.get_running_loop())
        answer.write(b"head")
        answer.close()
        return recorder

    recorder = asyncio.run(close_after_head())
    assert (recorder.writes, recorder.closed_after) == ([b"head"], 4)


def test_a_server_writes_the_interim_answer_in_these_bytes(server: MockServer) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=30) as client:
        client.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
            b"Content-Type: application/json\r\nAuthorization: Bearer mock-api-key\r\n\r\n"
        )
        with client.makefile("rb") as answer:
            assert answer.readline() + answer.readline() == CONTINUE
            client.sendall(b"{}")
            assert answer.readline().startswith(b"HTTP/1.1 4")
