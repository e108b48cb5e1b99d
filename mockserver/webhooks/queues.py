"""The deliveries of one subscription that were read from the outbox, and how many requests may be sent concurrently."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from mockserver.webhooks import schedule
from mockserver.world.changes.deliveries import Room
from mockserver.world.records.webhooks import Delivery, Subscription

CONCURRENT_REQUESTS = 128
"""Requests of all workspaces that are sent concurrently, beside the first of each subscription."""
CONCURRENT_FIRST_REQUESTS = 256
"""Subscriptions whose first request is sent whatever the others do: many receivers that hang block nobody else."""
QUEUE_SIZE = 256
"""Deliveries of one subscription that are in memory; more are read when half of them have been sent."""
QUEUE_BYTES = 4 * 1024 * 1024
"""Bytes of their bodies."""
ALL_QUEUES_BYTES = 64 * 1024 * 1024
"""Bytes of the bodies of a workspace. Each subscription may have the same part, so that receivers that hang take
nothing from the others."""


class SubscriptionQueue:
    """The deliveries of one subscription that were read and wait to be sent, and how many workers send them."""

    def __init__(self, subscription: Subscription) -> None:
        self.waiting: deque[Delivery] = deque()
        self.workers = 0
        self.first_is_sent = False
        self.replace_subscription(subscription)

    def replace_subscription(self, subscription: Subscription) -> None:
        """Uses this version of the subscription from now on."""
        self.subscription = subscription
        self.schedule: schedule.Schedule = schedule.parse_schedule(subscription.retries)

    def is_outdated_by(self, subscription: Subscription) -> bool:
        """Whether deliveries that were read must be read again, as the URL or the ordering has changed."""
        current = self.subscription
        return (current.url, current.ordered) != (subscription.url, subscription.ordered)

    @property
    def max_workers(self) -> int:
        return 1 if self.subscription.ordered else self.subscription.concurrency

    def find_room(self, most: Room) -> Room:
        """How many more deliveries may be read, where the queue may have `most`: none before half of them are sent. An
        ordered queue reads none while an earlier one may still fail."""
        size = sum(len(delivery.body) for delivery in self.waiting)
        is_full = len(self.waiting) > most.deliveries // 2 or size > most.bytes // 2
        if is_full or (self.subscription.ordered and (self.workers or self.waiting)):
            return Room(0, 0)
        return Room(most.deliveries - len(self.waiting), most.bytes - size)


def share_room(subscriptions: int) -> Room:
    """How many deliveries each of so many subscriptions may have in memory."""
    return Room(QUEUE_SIZE, min(QUEUE_BYTES, ALL_QUEUES_BYTES // max(subscriptions, 1)))


class ConcurrencyLimits:
    """Limits the requests that are sent concurrently. Belongs to one event loop."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(CONCURRENT_REQUESTS)
        self._first = asyncio.Semaphore(CONCURRENT_FIRST_REQUESTS)

    @contextlib.asynccontextmanager
    async def acquire(self, queue: SubscriptionQueue) -> AsyncIterator[None]:
        """Waits until the queue may send one more request."""
        if queue.first_is_sent or self._first.locked():
            async with self._all:
                yield
            return
        queue.first_is_sent = True
        try:
            async with self._first:
                yield
        finally:
            queue.first_is_sent = False
