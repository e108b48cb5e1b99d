"""Waiting for the tasks that a mutation has started."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future

from mockserver.jobs.long_changes import give_up

PATIENCE = 2.0
"""Seconds that a mutation waits for its tasks: a task that is not COMPLETE in the answer costs an SDK two seconds."""


async def wait_for(futures: Iterable[Future[None]]) -> None:
    """Waits for tasks for a while, in which others may change the world."""
    if waiting := [asyncio.wrap_future(future) for future in futures]:
        with give_up():
            await asyncio.wait(waiting, timeout=PATIENCE)
