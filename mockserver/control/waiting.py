"""Requests that wait until no delivery of their workspace is due. They wait on the event loop and hold no thread."""

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
"""Requests; half of them may wait for one workspace."""
CHECK_INTERVAL = 0.01
"""Seconds from one check of a workspace to the next, however often it changes."""


class Waiting:
    """All requests that wait, by workspace. Those of one workspace share each check. Used on the event loop."""

    def __init__(self, threads: Executor, most: int = MOST_WAITING) -> None:
        self._threads, self._most = threads, most
        self._checks: dict[Deliveries, SettledCheck] = {}
        self._waiting = 0

    async def wait_until_settled(self, deliveries: Deliveries, seconds: float) -> bool:
        """Waits up to `seconds` until nothing is due in a world, and returns whether that is so.

        Raises Conflict when too many requests wait already, and when the store is closed.
        """
        if not seconds:
            return await asyncio.get_running_loop().run_in_executor(self._threads, deliveries.is_settled)
        check = self._checks.get(deliveries)
        if check is not None and check.waiting >= self._most // 2:
            raise Conflict(
                f"{self._most // 2} requests already wait for this workspace; retry later, or without `wait`"
            )
        if self._waiting >= self._most:
            raise Conflict(f"{self._most} requests already wait for deliveries; retry later, or without `wait`")
        self._waiting += 1
        try:
            return await self._wait(deliveries, seconds)
        finally:
            self._waiting -= 1

    async def _wait(self, deliveries: Deliveries, seconds: float) -> bool:
        check = self._checks.get(deliveries)
        if check is None:
            check = self._checks[deliveries] = SettledCheck(deliveries, self._threads)
        check.waiting += 1
        try:
            # Shielded, because others may wait for the same check.
            await asyncio.wait_for(asyncio.shield(check.settled), seconds)
        except TimeoutError:
            return False
        finally:
            check.waiting -= 1
            if check.settled.done() or not check.waiting:
                check.settled.cancel()
                if self._checks.get(deliveries) is check:
                    del self._checks[deliveries]
        return True


async def wait_unless_disconnected(request: Request, answer: Coroutine[Any, Any, T]) -> T:
    """Waits for an answer while the client is connected. Raises ClientDisconnect when it has disconnected.

    The body must have been read.
    """
    answering, leaving = asyncio.ensure_future(answer), asyncio.ensure_future(_wait_for_disconnect(request))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            return answering.result()
        raise ClientDisconnect
    finally:
        answering.cancel()
        leaving.cancel()


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class SettledCheck:
    """Checks one workspace after every change of it, until nothing is due."""

    def __init__(self, deliveries: Deliveries, threads: Executor) -> None:
        self._deliveries, self._threads = deliveries, threads
        self.waiting = 0
        self.settled = asyncio.create_task(self._check_until_settled())
        """Done when nothing is due any more; fails with Conflict when the store is closed."""

    async def _check_until_settled(self) -> None:
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        settled = self._deliveries.is_settled

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(changed.set)

        with self._deliveries.store.watch(wake):
            while not await loop.run_in_executor(self._threads, settled):
                await asyncio.sleep(CHECK_INTERVAL)
                await changed.wait()
                changed.clear()
