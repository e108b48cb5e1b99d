"""Runs endpoints in threads, where the database of the workspaces is remote and each statement waits for it.

An endpoint is a coroutine that reads and changes a workspace between its awaits. On the server's event loop it would
hold all other requests for as long as the database takes, so each thread has an event loop of its own for the endpoint
that it runs. The response is sent by the server's loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.types import Message

THREADS = 48
"""Requests that are answered at the same time. Some of them wait for exports or for a change of their workspace."""

R = TypeVar("R")
Answer = Callable[[Request], Coroutine[Any, Any, R]]


class OffLoop:
    """The threads of one server."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="requests")
        self._helpers = ThreadPoolExecutor(THREADS, thread_name_prefix="request-helpers")
        """Threads of the endpoints' own calls of `asyncio.to_thread`."""
        self._local = threading.local()

    def wrap(self, answer: Answer[R]) -> Answer[R]:
        """The endpoint, run in a thread."""

        async def run(request: Request) -> R:
            return await self.run(answer, request)

        return run

    async def run(self, answer: Answer[R], request: Request) -> R:
        """Answers a request in a thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._run, answer, request, asyncio.get_running_loop()
        )

    def _run(self, answer: Answer[R], request: Request, main: asyncio.AbstractEventLoop) -> R:
        async def receive() -> Message:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_receive(request), main))

        return self._loop.run_until_complete(answer(Request(request.scope, receive)))

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        loop: asyncio.AbstractEventLoop | None = getattr(self._local, "loop", None)
        if loop is None:
            loop = self._local.loop = asyncio.new_event_loop()
            loop.set_default_executor(self._helpers)
        return loop

    def close(self) -> None:
        """Waits for the endpoints that run."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._helpers.shutdown(wait=True)


async def _receive(request: Request) -> Message:
    return await request.receive()
