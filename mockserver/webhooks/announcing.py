"""Events become messages in the outbox, inside the change that they are events of: committed or lost together."""

from __future__ import annotations

import msgspec
import orjson

from mockserver.links import Links
from mockserver.webhooks.messages import message
from mockserver.webhooks.payloads import Payloads
from mockserver.world.database import Clause, Connection, JsonText
from mockserver.world.deliveries import ACTIVE, Deliveries
from mockserver.world.events import Event
from mockserver.world.store import Change, Store, next_number
from mockserver.world.webhooks import Delivery, DeliveryState, Subscription

TOGETHER = 500
"""Messages rendered together."""


class Announcer:
    """Tells the subscribers of one workspace. `host` is scheme and host of the URLs in bodies."""

    def __init__(self, store: Store, links: Links, host: str) -> None:
        self._store, self._links, self._host = store, links, host
        self._deliveries = Deliveries(store)

    def before_commit(self, change: Change, events: list[Event]) -> None:
        """Render what is told of these events, as they leave the world."""
        subscriptions = change.connection.select(Subscription, ACTIVE, order="no")
        if subscriptions:
            self._put(change, events, subscriptions, late=False)

    def replay(self, subscription_id: str, since: int) -> int:
        """Tell a subscriber again of all since then; how many deliveries that makes. Raises NotFound, Conflict.

        What it was told before goes out again in the same bytes. What it never was told is rendered now, and marked.
        """
        with self._store.change() as change:
            subscription, total = self._deliveries.send_again_since(change, subscription_id, since)
            missed = Clause(
                "at >= :since AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event_no = event.no"
                " AND o.subscription_id = :id)",
                since=since,
                id=subscription_id,
            )
            last = 0
            while piece := change.connection.select(
                Event, missed & Clause("no > :last", last=last), order="no", first=TOGETHER
            ):
                total += self._put(change, piece, [subscription], late=True)
                last = piece[-1].no
            return total

    def _put(self, change: Change, events: list[Event], subscriptions: list[Subscription], *, late: bool) -> int:
        """A part at a time: a bulk change has tens of thousands of bodies, which need not all be in memory."""
        wanted = [(event, one) for event in events for one in subscriptions if concerns(one, event)]
        total = 0
        for start in range(0, len(wanted), TOGETHER):
            total += self._put_part(change, wanted[start : start + TOGETHER], late=late)
        return total

    def _put_part(self, change: Change, wanted: list[tuple[Event, Subscription]], *, late: bool) -> int:
        payloads = self._payloads(change.connection, change.now)
        payloads.prepare([event for event, one in wanted if one.version == "v2"])
        first = next_number(change.connection, Delivery)
        made: list[Delivery] = []
        for event, subscription in wanted:
            body = payloads.body(event, subscription.version)
            if body is not None:
                made.append(self._delivery(change, first + len(made), event, subscription, body, late=late))
        change.connection.insert(made)
        return len(made)

    def _payloads(self, connection: Connection, now: int) -> Payloads:
        return Payloads(connection, links=self._links, host=self._host, now=now)

    def _delivery(
        self, change: Change, no: int, event: Event, subscription: Subscription, body: bytes, *, late: bool
    ) -> Delivery:
        signed = message(self._store.new_id(change), event.kind, body, secret=subscription.secret)
        return Delivery(
            no=no, id=signed.delivery_id, event_no=event.no, subscription_id=subscription.id, topic=event.kind,
            url=subscription.url, headers=JsonText(orjson.dumps(signed.headers).decode()), body=body,
            rendered_late=late, state=DeliveryState.PENDING, attempts=0, failures=0, due_at=change.now,
            made_at=change.now,
        )  # fmt: skip


def concerns(subscription: Subscription, event: Event) -> bool:
    """Whether a subscriber wants to hear of it."""
    return subscription.project_id in {None, event.project_id} and event.kind in msgspec.json.decode(
        subscription.topics
    )
