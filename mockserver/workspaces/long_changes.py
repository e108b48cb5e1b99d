"""Changes of one workspace that can take seconds, and whoever has to wait for them without holding the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class LongChanges:
    """Long changes run one after the other in threads, in the order in which they came.

    A store has one writer. Whoever else is to change it from the event loop asks first whether it is free, or the loop
    would wait for the store's lock, and with it every other workspace.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """For a long change."""
        async with self._lock:
            yield

    async def over(self) -> None:
        """Return when the long changes that came before are over. None begins before the caller awaits something."""
        if self._lock.locked():
            async with self._lock:
                pass
