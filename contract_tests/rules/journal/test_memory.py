"""The journals take no more memory than they count, so that `--journal-limit` is what it says."""

import asyncio
import gc
import tracemalloc
from typing import Any

import orjson
import pytest
from starlette.types import Message, Receive, Scope, Send

from mockserver.journal.journal import Journals
from mockserver.journal.layer import JournalLayer
from mockserver.journal.notes import Operation, Unknown, notes_of

REQUESTS = 300
MOST_BODY = 8192
OF_AN_SDK = {
    "authorization": "Bearer key",
    "user-agent": "python-requests/2.32.3",
    "accept-encoding": "gzip, deflate",
    "accept": "application/json",
    "connection": "keep-alive",
    "content-type": "application/json",
    "x-user-agent": "python-sdk 7.17.0",
    "x-python-version": "3.12.1",
    "content-length": "512",
}


def write_long_body(number: int) -> bytes:
    return bytes(orjson.dumps(str(number).zfill(3 * MOST_BODY)))


REQUESTS_OF = {
    "of an SDK": {},
    "with a long answer": {"answer": write_long_body},
    "with a long body": {"body": write_long_body},
    "with an answer in a buffer": {"answer": lambda number: bytearray(write_long_body(number))[:100]},
    "with an answer in a view": {"answer": lambda number: memoryview(write_long_body(number))[:100]},
    "with a long path": {"path": lambda number: f"/{number}/" + "a" * 3_000 + "🙂"},
    "with a long query": {"query": lambda number: b"%d" % number + b"a" * 3_000},
    "with long headers": {"headers": lambda number: {**OF_AN_SDK, "x-trace": str(number) + "a" * 3_000}},
    "answered with long headers": {"answer_headers": lambda number: {"location": str(number) + "a" * 3_000}},
    "of a long operation": {
        "operation": lambda number: Operation(f"{number}" * 1_000, "query", (f"{number}" * 1_000,))
    },
    "not understood": {
        "unknown": lambda number: [
            Unknown("field", f"{number}-{word}" * 100, (f"{number}-{word}" * 100,), f"{number}-{word}" * 300)
            for word in range(5)
        ]
    },
}


def encode_headers(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


class Sent:
    """One request with its answer, as a server and an application pass them to the layer."""

    def __init__(self, number: int, **makers: Any) -> None:
        self._number, self._makers = number, makers

    def make(self, name: str, default: Any) -> Any:
        return self._makers[name](self._number) if name in self._makers else default

    def build_scope(self) -> Scope:
        return {
            "type": "http", "method": "POST", "path": self.make("path", "/graphql"),
            "query_string": self.make("query", b""), "client": ("127.0.0.1", 40_000 + self._number),
            "headers": encode_headers(self.make("headers", OF_AN_SDK)),
        }  # fmt: skip

    async def receive(self) -> Message:
        return {"type": "http.request", "body": self.make("body", b"%d" % self._number), "more_body": False}

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        notes = notes_of(scope)
        notes.operation = self.make("operation", None)
        notes.add_unknown(self.make("unknown", ()))
        headers = encode_headers(self.make("answer_headers", {"content-type": "application/json"}))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.make("answer", orjson.dumps({"n": self._number}))})


async def drop(_message: Message) -> None:
    """Takes the place of a connection."""


async def record(journals: Journals, makers: dict[str, Any]) -> None:
    for number in range(REQUESTS):
        sent = Sent(number, **makers)
        layer = JournalLayer(sent.answer, journals, lambda _scope: None, [])
        await layer(sent.build_scope(), sent.receive, drop)


@pytest.mark.parametrize("makers", REQUESTS_OF.values(), ids=list(REQUESTS_OF))
def test_entries_take_the_memory_that_is_counted(makers: dict[str, Any]) -> None:
    journals = Journals(most_entries=REQUESTS, most_bytes=10**9, most_body=MOST_BODY)
    gc.collect()
    tracemalloc.start()
    try:
        asyncio.run(record(journals, makers))
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(journals.unclaimed.entries()) == REQUESTS
    assert journals.size / 2 < taken < journals.size
