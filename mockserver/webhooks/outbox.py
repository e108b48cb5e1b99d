"""Writes messages into the outbox, inside the change of their events: both are committed, or neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mockserver.links import Links
from mockserver.webhooks.messages import Message, build_message
from mockserver.webhooks.rotation import SecretChooser
from mockserver.world.change import Change
from mockserver.world.changes.deliveries import ACTIVE, Deliveries
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.events import Event
from mockserver.world.queries.events import match_unsent_events
from mockserver.world.record import encode_json
from mockserver.world.webhooks import Delivery, DeliveryState, Subscription

if TYPE_CHECKING:
    from mockserver.webhooks.payloads import Payloads

BATCH = 500
"""Messages that are rendered together."""


class OutboxWriter:
    """Writes the messages of one workspace. `host` is scheme and host of the URLs in bodies."""

    def __init__(self, links: Links, host: str) -> None:
        self._links, self._host = links, host

    def before_commit(self, change: Change) -> None:
        """Renders the messages of these events, with the state that the change leaves behind."""
        subscriptions = change.connection.select(Subscription, ACTIVE, order="no")
        if subscriptions:
            self._write(change, change.events, subscriptions, late=False)

    def replay(self, deliveries: Deliveries, subscription_id: str, since: int) -> int:
        """Sends a subscriber every message since then again, and counts them. Raises NotFound, Conflict.

        Existing deliveries go out again with the same bytes. Events without a delivery are rendered now, and marked.
        """
        with deliveries.store.change() as change:
            subscription, total = deliveries.redeliver_since(change, subscription_id, since)
            missed = Clause("at >= :since", since=since) & match_unsent_events(subscription_id)
            last = 0
            while batch := change.connection.select(
                Event, missed & Clause("no > :last", last=last), order="no", first=BATCH
            ):
                total += self._write(change, batch, [subscription], late=True)
                last = batch[-1].no
            return total

    def _write(self, change: Change, events: list[Event], subscriptions: list[Subscription], *, late: bool) -> int:
        """Writes in batches: a bulk change has tens of thousands of bodies, too many for memory at a time."""
        matches = [(event, each) for event in events for each in subscriptions if is_subscribed(each, event)]
        total = 0
        for start in range(0, len(matches), BATCH):
            total += self._write_batch(change, matches[start : start + BATCH], late=late)
        return total

    def _write_batch(self, change: Change, matches: list[tuple[Event, Subscription]], *, late: bool) -> int:
        payloads = self._payloads(change.connection, change.now)
        payloads.prepare([event for event, subscription in matches if subscription.version == "v2"])
        with_bodies = [(event, each, payloads.body(event, each.version)) for event, each in matches]
        complete = [(event, each, body) for event, each, body in with_bodies if body is not None]
        first, secrets = change.number(Delivery), SecretChooser(change)
        deliveries: list[Delivery] = []
        for delivery_id, (event, subscription, body) in zip(change.new_ids(len(complete)), complete, strict=True):
            message = build_message(delivery_id, event.kind, body, secret=secrets.choose(subscription))
            number = first + len(deliveries)
            deliveries.append(self._build_delivery(change, number, event, subscription, message, late=late))
        change.connection.insert(deliveries)
        return len(deliveries)

    def _payloads(self, connection: Connection, now: int) -> Payloads:
        from mockserver.webhooks.payloads import Payloads  # noqa: PLC0415  few worlds have subscriptions

        return Payloads(connection, links=self._links, host=self._host, now=now)

    def _build_delivery(
        self, change: Change, no: int, event: Event, subscription: Subscription, message: Message, *, late: bool
    ) -> Delivery:
        return Delivery(
            no=no, id=message.delivery_id, event_no=event.no, subscription_id=subscription.id, topic=event.kind,
            url=subscription.url, headers=encode_json(message.headers), body=message.body,
            rendered_late=late, state=DeliveryState.PENDING, attempts=0, failures=0, due_at=change.now,
            made_at=change.now,
        )  # fmt: skip


def is_subscribed(subscription: Subscription, event: Event) -> bool:
    """Whether the subscription's project and topics include this event."""
    return subscription.project_id in {None, event.project_id} and event.kind in msgspec.json.decode(
        subscription.topics
    )
