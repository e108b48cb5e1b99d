"""Requests that wait until no webhook of their workspace is due. They wait on the event loop and hold no thread."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from mockserver.errors import Conflict
from mockserver.world.changes.deliveries import Deliveries

T = TypeVar("T")

MOST_WAITING = 1_000
"""Of these, half may wait for one workspace."""
LOOK_AGAIN = 0.01
"""Seconds from one look at a workspace to the next, however much happens in it."""


class Waiting:
    """All requests that wait, by workspace. Those of one workspace share each look at it. Used on the event loop."""

    def __init__(self, threads: Executor, most: int = MOST_WAITING) -> None:
        self._threads, self._most = threads, most
        self._looking: dict[Deliveries, Looking] = {}
        self._waiting = 0

    async def until_settled(self, deliveries: Deliveries, seconds: float) -> bool:
        """Wait until nothing is due in a world, at most so long; whether it came so far. Raises Conflict when too many
        wait already, and when the store is closed."""
        if not seconds:
            return await asyncio.get_running_loop().run_in_executor(self._threads, deliveries.is_settled)
        looking = self._looking.get(deliveries)
        if looking is not None and looking.waiting >= self._most // 2:
            raise Conflict(f"{self._most // 2} requests wait for this workspace already; ask without `wait`, or later")
        if self._waiting >= self._most:
            raise Conflict(f"{self._most} requests wait for deliveries already; ask without `wait`, or later")
        self._waiting += 1
        try:
            return await self._wait(deliveries, seconds)
        finally:
            self._waiting -= 1

    async def _wait(self, deliveries: Deliveries, seconds: float) -> bool:
        looking = self._looking.get(deliveries)
        if looking is None:
            looking = self._looking[deliveries] = Looking(deliveries, self._threads)
        looking.waiting += 1
        try:
            # Shielded, for others may wait for the same look.
            await asyncio.wait_for(asyncio.shield(looking.settled), seconds)
        except TimeoutError:
            return False
        finally:
            looking.waiting -= 1
            if looking.settled.done() or not looking.waiting:
                looking.settled.cancel()
                if self._looking.get(deliveries) is looking:
                    del self._looking[deliveries]
        return True


async def until_left(request: Request, answer: Coroutine[Any, Any, T]) -> T:
    """Wait for an answer as long as somebody waits for it. Raises ClientDisconnect when the client has left.

    The body must have been read.
    """
    asked, left = asyncio.ensure_future(answer), asyncio.ensure_future(_leaving(request))
    try:
        await asyncio.wait({asked, left}, return_when=asyncio.FIRST_COMPLETED)
        if asked.done():
            return asked.result()
        raise ClientDisconnect
    finally:
        asked.cancel()
        left.cancel()


async def _leaving(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class Looking:
    """Looks at one workspace after every change of it, until nothing is due."""

    def __init__(self, deliveries: Deliveries, threads: Executor) -> None:
        self._deliveries, self._threads = deliveries, threads
        self.waiting = 0
        self.settled = asyncio.create_task(self._look_until_settled())
        """Done when nothing is due any more; fails with Conflict when the store is closed."""

    async def _look_until_settled(self) -> None:
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        settled = self._deliveries.is_settled

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(changed.set)

        with self._deliveries.store.watched(wake):
            while not await loop.run_in_executor(self._threads, settled):
                await asyncio.sleep(LOOK_AGAIN)
                await changed.wait()
                changed.clear()
