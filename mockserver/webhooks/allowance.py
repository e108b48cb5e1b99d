"""How many messages one change may write. One for each event and each subscription can be too many."""

from __future__ import annotations

import logging
from collections import Counter

from mockserver.world.change import Change
from mockserver.world.changes.deliveries import count_dropped
from mockserver.world.records.webhooks import Subscription

LOG = logging.getLogger(__name__)


class Allowance:
    """The bytes of messages that a change may write. Further messages are dropped and counted, as are waiting ones
    (world/retention.py): nothing else would bound the file, since a change is one transaction."""

    def __init__(self, most: int) -> None:
        """`most` is in bytes."""
        self._most, self._bytes, self._messages = most, 0, 0
        self._dropped: Counter[str] = Counter()

    def spend(self, sizes: list[int]) -> None:
        """Counts messages of these sizes that were written."""
        self._bytes += sum(sizes)
        self._messages += len(sizes)

    def count_fitting(self, waiting: int) -> int:
        """How many of so many more messages fit, if they are as large as those before them."""
        left = max(self._most - self._bytes, 0)
        return min(waiting, left * self._messages // self._bytes) if self._bytes else waiting

    def drop(self, subscription: Subscription) -> None:
        """Counts a message that is not written."""
        self._dropped[subscription.id] += 1

    def record(self, change: Change) -> None:
        """Adds the dropped messages to the counts of their subscriptions."""
        for subscription_id, messages in self._dropped.items():
            count_dropped(change, subscription_id, messages)
        if self._dropped:
            LOG.warning(
                "%s messages of one change were dropped: those that it writes exceed --outbox-limit",
                self._dropped.total(),
            )
