"""A lock that coroutines of any event loop take turns with."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future


class TurnLock:
    """Is held by one caller at a time, or by `most`, in the order of their calls. asyncio's lock belongs to one event
    loop; the requests of a remote database are answered on several (http/off_loop.py)."""

    def __init__(self, most: int = 1) -> None:
        self._guard = threading.Lock()
        self._free = most
        self._waiting: deque[Future[None]] = deque()

    def is_held(self) -> bool:
        """Whether the next caller has to wait."""
        return self._free == 0

    def _take_or_queue(self) -> Future[None] | None:
        """Takes the turn. If others hold it, queues up, and returns what is done when the turn has come."""
        with self._guard:
            if self._free:
                self._free -= 1
                return None
            turn = Future[None]()
            self._waiting.append(turn)
            return turn

    async def acquire(self) -> None:
        turn = self._take_or_queue()
        if turn is None:
            return
        try:
            await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            if not turn.cancel() and not turn.cancelled():  # the turn was given at the same time
                self.release()
            raise

    def acquire_in_thread(self) -> None:
        """Waits for the turn in a thread, which is no thread of an event loop."""
        turn = self._take_or_queue()
        if turn is not None:
            turn.result()

    def release(self) -> None:
        """Gives the turn to the next caller that still waits."""
        with self._guard:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            self._free += 1

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(self, *_error: object) -> None:
        self.release()
