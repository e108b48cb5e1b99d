"""Endpoints that are run in threads receive the bodies of requests from the server's loop."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.types import Message

from mockserver.http.off_loop import MOST_OF_ONE, THREADS, OffLoop, find_key

PARTS = [b"first", b"", b"last"]
SMALL, LARGE = {"content-length": "9"}, {"content-length": "90000"}
WAITING = {"content-length": "9", "expect": "100-continue"}


@pytest.fixture
def off_loop() -> Iterator[OffLoop]:
    off_loop = OffLoop()
    yield off_loop
    off_loop.close()


class Client:
    """Sends the parts of a body, each when the test has let it."""

    def __init__(self, headers: dict[str, str], *, ready: bool) -> None:
        self.sent = 0
        self.cancelled = False
        self.asked = asyncio.Event()
        self.may_send = asyncio.Event()
        if ready:
            self.may_send.set()
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": pairs}
        self.request = Request(scope, self.receive)

    async def receive(self) -> Message:
        self.asked.set()
        try:
            await self.may_send.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        self.sent += 1
        return {"type": "http.request", "body": PARTS[self.sent - 1], "more_body": self.sent < len(PARTS)}


async def read(request: Request) -> bytes:
    return await request.body()


async def refuse(_request: Request) -> bytes:
    return b"refused"


@pytest.mark.parametrize("headers", [{}, SMALL, LARGE, WAITING])
@pytest.mark.parametrize("ready", [True, False])
def test_a_body_is_received_whole_whenever_it_arrives(off_loop: OffLoop, headers: dict[str, str], ready: bool) -> None:
    async def send() -> bytes:
        client = Client(headers, ready=ready)
        answer = asyncio.create_task(off_loop.run(read, client.request))
        await client.asked.wait()
        client.may_send.set()
        return await answer

    assert asyncio.run(send()) == b"firstlast"


@pytest.mark.parametrize("headers", [{}, SMALL, LARGE, WAITING])
def test_a_request_is_refused_before_its_body_arrives(off_loop: OffLoop, headers: dict[str, str]) -> None:
    async def send() -> Client:
        client = Client(headers, ready=False)
        assert await off_loop.run(refuse, client.request) == b"refused"
        await asyncio.sleep(0)
        return client

    client = asyncio.run(send())
    assert client.asked.is_set() == client.cancelled == (headers is SMALL), "others are not told to send"


def build_request(key: str) -> Request:
    headers = [(b"authorization", f"Bearer {key}".encode())]
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers})


def test_a_client_whose_requests_all_wait_leaves_threads_to_others(off_loop: OffLoop) -> None:
    released, begun = threading.Event(), threading.Semaphore(0)

    async def wait(_request: Request) -> str:
        begun.release()
        assert released.wait(60)
        return "late"

    async def answer(_request: Request) -> str:
        return "immediately"

    async def send() -> list[str]:
        waiting = [asyncio.create_task(off_loop.run(wait, build_request("greedy"))) for _ in range(2 * THREADS)]
        try:
            for _ in range(MOST_OF_ONE):
                assert await asyncio.to_thread(begun.acquire, timeout=60)
            assert await off_loop.run(answer, build_request("other")) == "immediately"
        finally:
            released.set()
        return await asyncio.gather(*waiting)

    assert asyncio.run(send()) == ["late"] * 2 * THREADS
    assert off_loop._shares == {}, "nothing is kept of clients that have gone"


@pytest.mark.parametrize("header", ["Bearer key", "bearer  key", " Bearer key ", "key"])
def test_a_client_has_one_share_however_it_writes_its_key(header: str) -> None:
    headers = [(b"authorization", header.encode())]
    scope = {"type": "http", "method": "GET", "path": "/graphql", "query_string": b"", "headers": headers}
    assert find_key(Request(scope)) == "key"


@pytest.mark.parametrize(
    ("path", "query"), [("/_mock/clock", b"api_key=key"), ("key/file", b""), ("key/file", b"api_key=")]
)
def test_a_request_without_a_header_is_known_by_its_query_or_path(path: str, query: bytes) -> None:
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": [], "server": ("a", 80)}
    assert find_key(Request(scope)).endswith("key")
