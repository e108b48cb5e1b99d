"""Writes messages into the outbox, inside the change of their events: both are committed, or neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from mockserver.links import Links
from mockserver.settings import DEFAULT_OUTBOX_LIMIT
from mockserver.webhooks.allowance import Allowance
from mockserver.webhooks.messages import Message, build_message
from mockserver.webhooks.rotation import SecretChooser
from mockserver.world.change import Change
from mockserver.world.changes.deliveries import ACTIVE, Deliveries
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.queries.events import match_unsent_events
from mockserver.world.queries.labels import measure_rows
from mockserver.world.record import encode_json
from mockserver.world.records.events import Event
from mockserver.world.records.webhooks import Delivery, DeliveryState, Subscription
from mockserver.world.retention import MEGABYTE, ROW

if TYPE_CHECKING:
    from mockserver.webhooks.payloads import Payloads

BATCH = 500
"""Messages that are rendered together."""
BATCH_BYTES = 8 * 1024 * 1024
"""Of the labels and texts of the data rows that they are about; one data row may have more."""
Match = tuple[Event, Subscription]


class OutboxWriter:
    """Writes the messages of one workspace. `host` is scheme and host of the URLs in bodies."""

    def __init__(self, links: Links, host: str, most_bytes: int = DEFAULT_OUTBOX_LIMIT * MEGABYTE) -> None:
        """`most_bytes` are those of the messages that one change writes."""
        self._links, self._host, self._most_bytes = links, host, most_bytes

    def before_commit(self, change: Change) -> None:
        """Renders the messages of these events, with the state that the change leaves behind."""
        subscriptions = change.connection.select(Subscription, ACTIVE, order="no")
        if subscriptions:
            allowance = Allowance(self._most_bytes)
            self._write(change, change.events, subscriptions, allowance, late=False)
            allowance.record(change)

    def replay(self, deliveries: Deliveries, subscription_id: str, since: int) -> int:
        """Sends a subscriber every message since then again, and counts them. Raises NotFound, Conflict.

        Existing deliveries go out again with the same bytes. Events without a delivery are rendered now, and marked.
        """
        with deliveries.store.change() as change:
            subscription, total = deliveries.redeliver_since(change, subscription_id, since)
            missed = Clause("at >= :since", since=since) & match_unsent_events(subscription_id)
            last, allowance = 0, Allowance(self._most_bytes)
            while batch := change.connection.select(
                Event, missed & Clause("no > :last", last=last), order="no", first=BATCH
            ):
                total += self._write(change, batch, [subscription], allowance, late=True)
                last = batch[-1].no
            allowance.record(change)
            return total

    def _write(
        self,
        change: Change,
        events: list[Event],
        subscriptions: list[Subscription],
        allowance: Allowance,
        *,
        late: bool,
    ) -> int:
        """Writes in batches: a bulk change has tens of thousands of bodies, too many for memory at a time. If they are
        more than a change may write, the newest are written, after those of the first batch."""
        subscribers = Subscribers(subscriptions)
        waiting = sum(len(subscribers.find(event)) for event in events)
        matches = ((event, each) for event in events for each in subscribers.find(event))
        total = 0
        while waiting:
            for _, subscription in islice(matches, waiting - allowance.count_fitting(waiting)):
                allowance.drop(subscription)
            waiting = allowance.count_fitting(waiting)
            window = list(islice(matches, BATCH))
            waiting -= len(window)
            for batch in divide(change.connection, window):
                total += self._write_batch(change, batch, allowance, late=late)
        return total

    def _write_batch(self, change: Change, matches: list[Match], allowance: Allowance, *, late: bool) -> int:
        payloads = self._payloads(change.connection, change.now)
        payloads.prepare([event for event, subscription in matches if subscription.version == "v2"])
        body = cache(payloads.body)  # the subscriptions of an event share its body
        with_bodies = [(event, each, body(event, each.version)) for event, each in matches]
        complete = [(event, each, content) for event, each, content in with_bodies if content is not None]
        first, secrets = change.number(Delivery), SecretChooser(change)
        deliveries: list[Delivery] = []
        for delivery_id, (event, subscription, content) in zip(change.new_ids(len(complete)), complete, strict=True):
            message = build_message(delivery_id, event.kind, content, secret=secrets.choose(subscription))
            number = first + len(deliveries)
            deliveries.append(self._build_delivery(change, number, event, subscription, message, late=late))
        change.connection.insert(deliveries)
        allowance.spend([len(delivery.body) + ROW for delivery in deliveries])
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


def divide(connection: Connection, matches: list[Match]) -> Iterator[list[Match]]:
    """Yields them in batches whose data rows have some megabytes together, or are one: its messages share its body."""
    sizes = measure_rows(connection, {event.data_row_id for event, _ in matches if event.data_row_id is not None})
    batch: list[Match] = []
    rows: set[str] = set()
    total = 0
    for event, subscription in matches:
        row = event.data_row_id or ""
        size = 0 if row in rows else sizes.get(row, 0)
        if rows and total + size > BATCH_BYTES:
            yield batch
            batch, rows, total, size = [], set(), 0, sizes.get(row, 0)
        rows.add(row)
        total += size
        batch.append((event, subscription))
    yield batch


class Subscribers:
    """Finds the subscriptions that include an event."""

    def __init__(self, subscriptions: Iterable[Subscription]) -> None:
        self._topics = [(each, set(msgspec.json.decode(each.topics))) for each in subscriptions]
        self._matching: dict[tuple[str | None, str], list[Subscription]] = {}

    def find(self, event: Event) -> list[Subscription]:
        """The subscriptions whose project and topics include this event."""
        key = event.project_id, event.kind
        if key not in self._matching:
            self._matching[key] = [
                each
                for each, topics in self._topics
                if each.project_id in {None, event.project_id} and event.kind in topics
            ]
        return self._matching[key]
