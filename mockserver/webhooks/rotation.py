"""Two secrets of one webhook: while the secret is being replaced, messages are signed with either.

How the service changes a secret is not known; the SDK cannot. A service of many machines signs with both for a while,
because its machines learn of the new one at different times: *inferred*. Every other message is signed with the
previous secret, so that a test needs no luck to see both.
"""

from __future__ import annotations

from mockserver.world.change import Change
from mockserver.world.queries.deliveries import count_deliveries
from mockserver.world.records.webhooks import Subscription


class SecretChooser:
    """Chooses the secret for each new message of one change, in the order of the messages."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self._counts: dict[str, int] = {}

    def choose(self, subscription: Subscription) -> str:
        """Returns the secret to sign the next message of a subscription with: the new one first, then in turns."""
        if subscription.previous_secret is None or self._change.now >= (subscription.previous_until or 0):
            return subscription.secret
        if subscription.id not in self._counts:
            self._counts[subscription.id] = count_deliveries(self._change.connection, subscription.id)
        self._counts[subscription.id] += 1
        return subscription.secret if self._counts[subscription.id] % 2 else subscription.previous_secret
