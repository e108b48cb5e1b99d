"""A lock that coroutines of any event loop take turns with."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future


class TurnLock:
    """Is held by one caller at a time, in the order of their calls. asyncio's lock belongs to one event loop; the
    requests of a remote database are answered on several (http/off_loop.py)."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: deque[Future[None]] = deque()

    def is_held(self) -> bool:
        return self._held

    async def acquire(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = Future[None]()
            self._waiting.append(turn)
        try:
            await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            if not turn.cancel() and not turn.cancelled():  # the turn was given at the same time
                self.release()
            raise

    def release(self) -> None:
        """Gives the turn to the next caller that still waits."""
        with self._guard:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            self._held = False

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(self, *_error: object) -> None:
        self.release()
