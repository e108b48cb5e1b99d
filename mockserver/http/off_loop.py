"""Runs endpoints in threads, where the database of the workspaces is remote and each statement waits for it.

An endpoint is a coroutine that reads and changes a workspace between its awaits. On the server's event loop it would
hold all other requests for as long as the database takes, so each thread has an event loop of its own for the endpoint
that it runs. The response is sent by the server's loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.types import Message

from mockserver.digits import parse_digits

THREADS = 48
"""Requests that are answered at the same time. Some of them wait for exports or for a change of their workspace."""
MOST_OF_ONE = 24
"""Requests with the same key that are answered at the same time: others have threads, too, whatever these wait for."""

MOST_DIGITS = 4
"""Of the length of a small body."""

R = TypeVar("R")
Answer = Callable[[Request], Coroutine[Any, Any, R]]


class Body:
    """The body of a request, received in a thread while the server's loop `main` runs."""

    def __init__(self, request: Request, main: asyncio.AbstractEventLoop, first: asyncio.Task[Message] | None) -> None:
        """`first` receives the first message, if that has begun."""
        self.request, self._main, self._first = request, main, first

    async def receive(self) -> Message:
        first, self._first = self._first, None
        if first is not None and first.done():
            return first.result()
        message = _receive(self.request) if first is None else _wait_for(first)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(message, self._main))


class Share:
    """The turns of the requests with one key, and how many requests have a turn or wait for one."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(MOST_OF_ONE)
        self.requests = 0


class OffLoop:
    """The threads of one server."""

    def __init__(self) -> None:
        self._shares: dict[str, Share] = {}
        """By key. They are used on the server's loop only."""
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="requests")
        self._helpers = ThreadPoolExecutor(THREADS, thread_name_prefix="request-helpers")
        """Threads of the endpoints' own calls of `asyncio.to_thread`."""
        self._local = threading.local()
        self._loops: list[asyncio.AbstractEventLoop] = []

    def wrap(self, answer: Answer[R]) -> Answer[R]:
        """The endpoint, run in a thread."""

        async def run(request: Request) -> R:
            return await self.run(answer, request)

        return run

    async def run(self, answer: Answer[R], request: Request) -> R:
        """Answers a request in a thread, when others with its key have left one."""
        async with self._take_turn(find_key(request)):
            return await self._run_in_thread(answer, request)

    @asynccontextmanager
    async def _take_turn(self, key: str) -> AsyncIterator[None]:
        share = self._shares.get(key)
        if share is None:
            share = self._shares[key] = Share()
        share.requests += 1
        try:
            async with share.turns:
                yield
        finally:
            share.requests -= 1
            if not share.requests:
                del self._shares[key]

    async def _run_in_thread(self, answer: Answer[R], request: Request) -> R:
        loop = asyncio.get_running_loop()
        if not has_small_body(request):
            return await loop.run_in_executor(self._threads, self._run, answer, Body(request, loop, None))
        first = loop.create_task(_receive(request))
        try:
            await asyncio.sleep(0)  # a small body is there by then, and costs the thread no question to this loop
            return await loop.run_in_executor(self._threads, self._run, answer, Body(request, loop, first))
        finally:
            first.cancel()

    def _run(self, answer: Answer[R], body: Body) -> R:
        return self._loop.run_until_complete(answer(Request(body.request.scope, body.receive)))

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        loop: asyncio.AbstractEventLoop | None = getattr(self._local, "loop", None)
        if loop is None:
            loop = self._local.loop = asyncio.new_event_loop()
            loop.set_default_executor(self._helpers)
            self._loops.append(loop)
        return loop

    def close(self) -> None:
        """Waits for the endpoints that run."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._helpers.shutdown(wait=True)
        for loop in self._loops:
            loop.close()


def find_key(request: Request) -> str:
    """The text by which a request names its workspace: its API key, however it is written, or the path of a link."""
    words = request.headers.get("authorization", "").split()
    sent = words[-1] if words else request.query_params.get("api_key")
    return sent or request.url.path.rpartition("/")[0]


def has_small_body(request: Request) -> bool:
    """Whether the body has probably arrived together with the head. Any other one is
    requested from its client (by 100 Continue) only when the endpoint reads it."""
    length = parse_digits(request.headers.get("content-length", ""), MOST_DIGITS)
    return length is not None and "expect" not in request.headers


async def _receive(request: Request) -> Message:
    return await request.receive()


async def _wait_for(message: asyncio.Task[Message]) -> Message:
    return await message
