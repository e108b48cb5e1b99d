"""The head of an answer waits for its body, and never longer than the loop's turn."""

import asyncio
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from mockserver.serving.answers import JOINED, AnswerTransport


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
