"""What one subscriber is to be told now, and how many requests of all may be on their way."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from mockserver.webhooks import schedule
from mockserver.world.webhooks import Delivery, Subscription

AT_ONCE = 128
"""Requests of all workspaces that are on their way at the same time, beside the first of each subscription."""
FIRST_AT_ONCE = 256
"""Subscriptions whose first request is on its way whatever the others do: many receivers that hang stop nobody else."""
IN_MEMORY = 256
"""Deliveries of one subscription that were read and wait to be sent; more are read when half of them are gone."""


class Lane:
    """What one subscriber is to be told now: read, waiting, on its way."""

    def __init__(self, subscription: Subscription) -> None:
        self.waiting: deque[Delivery] = deque()
        self.workers = 0
        self.first_is_sent = False
        self.take(subscription)

    def take(self, subscription: Subscription) -> None:
        """As it is from now on."""
        self.subscription = subscription
        self.schedule: schedule.Schedule = schedule.read_schedule(subscription.retries)

    def changed_by(self, subscription: Subscription) -> bool:
        """Whether what was read for it is to be sent otherwise now."""
        was = self.subscription
        return (was.url, was.ordered) != (subscription.url, subscription.ordered)

    @property
    def most_workers(self) -> int:
        return 1 if self.subscription.ordered else self.subscription.concurrency

    @property
    def room(self) -> int:
        """How many more may be read. In order, none is read while another may still fail before it."""
        if self.subscription.ordered and (self.workers or self.waiting):
            return 0
        return IN_MEMORY - len(self.waiting) if len(self.waiting) <= IN_MEMORY // 2 else 0


class Limits:
    """How many requests are on their way at a time. Belongs to one event loop."""

    def __init__(self) -> None:
        self._together = asyncio.Semaphore(AT_ONCE)
        self._first = asyncio.Semaphore(FIRST_AT_ONCE)

    @contextlib.asynccontextmanager
    async def of(self, lane: Lane) -> AsyncIterator[None]:
        """Wait until one more may go."""
        if lane.first_is_sent or self._first.locked():
            async with self._together:
                yield
            return
        lane.first_is_sent = True
        try:
            async with self._first:
                yield
        finally:
            lane.first_is_sent = False
