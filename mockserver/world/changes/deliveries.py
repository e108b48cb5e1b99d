"""Webhook subscriptions, the outbox of deliveries, and their attempts: the changes and the queries of one store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any, NamedTuple

import msgspec

from mockserver.errors import Conflict
from mockserver.world.change import Change
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.record import Row
from mockserver.world.records.webhooks import (
    Attempt,
    AttemptResult,
    Delivery,
    DeliveryState,
    Subscription,
    SubscriptionStatus,
)
from mockserver.world.store import Store

MOST_SUBSCRIPTIONS = 200
"""The subscriptions of one workspace. Each event writes a message of some 10 kB for each of them, in the transaction of
the change."""
ACTIVE = Clause("status = :active", active=SubscriptionStatus.ACTIVE)


class Attempted(msgspec.Struct, frozen=True):
    """A delivery that was attempted: as it was before, the result, and its new state."""

    delivery: Delivery
    result: AttemptResult
    state: DeliveryState
    ended_because: str | None = None
    """Why its subscription is ended by this result; None if it is not."""


class DueDeliveries(msgspec.Struct, frozen=True):
    """The deliveries to send now, by subscription, and when to read again at the latest."""

    due: list[tuple[Subscription, list[Delivery]]]
    active: dict[str, Subscription]
    next_due: int | None
    newest: int
    """The number of the newest delivery, due or not; 0 if there is none."""


class Room(NamedTuple):
    """How many deliveries of a subscription may be read, and how many bytes their bodies may have together.

    The first is read however large it is."""

    deliveries: int
    bytes: int


class Deliveries:
    """The subscriptions and deliveries of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    # Subscriptions

    def subscribe(self, project_id: str | None, **options: Any) -> Subscription:
        """Creates an active subscription with these columns. Only a replay sends it events that are older. Raises
        Conflict if there are MOST_SUBSCRIPTIONS already."""
        with self.store.change() as change:
            if change.connection.count(Subscription) >= MOST_SUBSCRIPTIONS:
                raise Conflict(f"There are {MOST_SUBSCRIPTIONS} webhooks already; delete some of them")
            subscription = Subscription(
                no=change.number(Subscription), id=change.new_id(), project_id=project_id, **options,
                previous_secret=None, previous_until=None, status=SubscriptionStatus.ACTIVE, failing_since=None,
                ended_because=None, dropped=0,
                created_by=self.store.workspace.user_id, created_at=change.now, updated_at=change.now,
            )  # fmt: skip
            change.connection.insert([subscription])
            return subscription

    def change_subscription(self, subscription_id: str, *, overlap: int = 0, **values: Any) -> Subscription:
        """Sets columns of a subscription. A changed `url` holds for pending deliveries too, and they stop when the
        status is not ACTIVE. The secret before a changed one stays valid for `overlap` microseconds. Raises NotFound.
        """
        with self.store.change() as change:
            subscription = change.one(Subscription, subscription_id)
            if "secret" in values:
                values |= {"previous_secret": None, "previous_until": None}
            if "secret" in values and overlap:
                values |= {"previous_secret": subscription.secret, "previous_until": change.now + overlap}
            if values.get("status") == SubscriptionStatus.ACTIVE:
                values |= {"failing_since": None, "ended_because": None}
            row = Clause("id = :id", id=subscription_id)
            change.connection.update(Subscription, row, updated_at=change.now, **values)
            pending = Clause("subscription_id = :id AND due_at IS NOT NULL", id=subscription_id)
            if "url" in values:
                change.connection.update(Delivery, pending, url=values["url"])
            if values.get("status", SubscriptionStatus.ACTIVE) != SubscriptionStatus.ACTIVE:
                change.connection.update(Delivery, pending, state=DeliveryState.STOPPED, due_at=None)
            return change.one(Subscription, subscription_id)

    def unsubscribe(self, subscription_id: str) -> None:
        """Deletes a subscription; its deliveries stay to be looked at. Raises NotFound."""
        with self.store.change() as change:
            self.change_subscription(subscription_id, status=SubscriptionStatus.INACTIVE)
            change.connection.delete(Subscription, Clause("id = :id", id=subscription_id))

    # Sending

    def record_and_read_due(
        self, attempted: list[Attempted], room: Mapping[str, Room], most: Room, taken: Mapping[str, set[int]]
    ) -> DueDeliveries:
        """Records attempts; then reads the due deliveries of each active subscription, at most `most` of one unless
        `room` gives another limit.

        Deliveries whose numbers `taken` has for their subscription are being sent already.
        """
        if attempted:
            self._record(attempted)
        recorded = {item.delivery.no for item in attempted}
        with self.store.reading() as connection:
            now = self.store.clock.now()
            active = connection.select(Subscription, ACTIVE, order="no")
            due = []
            for subscription in active:
                limit = room.get(subscription.id, most)
                if limit.deliveries > 0:
                    sent = taken.get(subscription.id, set()) - recorded
                    due.append((subscription, _read_due(connection, subscription, now, limit, sent)))
            later = connection.value("SELECT MIN(due_at) FROM outbox WHERE due_at > :now", {"now": now})
            newest = connection.next_number(Delivery) - 1
        return DueDeliveries(due, {item.id: item for item in active}, later, newest)

    def _record(self, attempted: list[Attempted]) -> None:
        with self.store.change() as change:
            first = change.number(Attempt)
            change.connection.insert(
                Attempt(no=first + index, **msgspec.structs.asdict(item.result)) for index, item in enumerate(attempted)
            )
            change.connection.run_many(_UPDATE_ATTEMPTED, [_build_values(item) for item in attempted])
            by_subscription = {item.delivery.subscription_id: item for item in _sort_failures_first(attempted)}
            for item in by_subscription.values():
                self._update_receiver(change, item)

    def _update_receiver(self, change: Change, item: Attempted) -> None:
        """Notes since when a receiver has been failing, and ends its subscription if the attempt says so."""
        row = Clause("id = :id", id=item.delivery.subscription_id)
        if item.state == DeliveryState.DELIVERED:
            failing = row & Clause("failing_since IS NOT NULL")
            change.connection.update(Subscription, failing, failing_since=None)
            return
        first_failure = row & Clause("failing_since IS NULL")
        change.connection.update(Subscription, first_failure, failing_since=item.result.at)
        if item.ended_because is not None and change.connection.find(Subscription, row & ACTIVE):
            because = item.ended_because
            status = SubscriptionStatus.INACTIVE
            self.change_subscription(item.delivery.subscription_id, status=status, ended_because=because)

    def is_settled(self) -> bool:
        """Whether no delivery is to be sent now. An ordered subscription is blocked while its first delivery waits for
        a retry."""
        with self.store.reading() as connection:
            now = self.store.clock.now()
            return not any(
                _list_due(connection, subscription, now, 1, _WITH_SHORT_BODIES)
                for subscription in connection.select(Subscription, ACTIVE)
            )

    # Sending again

    def redeliver(self, delivery_id: str) -> Delivery:
        """Puts a delivery back into the queue: the same bytes, with a new schedule. Raises NotFound, or Conflict if its
        subscription is not active."""
        with self.store.change() as change:
            delivery = change.one(Delivery, delivery_id)
            self._get_active(change, delivery.subscription_id)
            _requeue(change, Clause("no = :no", no=delivery.no))
            return change.one(Delivery, delivery_id)

    def redeliver_since(self, change: Change, subscription_id: str, since: int) -> tuple[Subscription, int]:
        """Puts the deliveries of all events since a timestamp back into the queue; returns the subscription and how
        many deliveries there are. Raises NotFound, Conflict."""
        subscription = self._get_active(change, subscription_id)
        recent = Clause(
            "subscription_id = :id AND event_no IN (SELECT no FROM event WHERE at >= :since)",
            id=subscription_id,
            since=since,
        )
        return subscription, _requeue(change, recent)

    def redeliver_failed(self, since: int, subscription_id: str | None = None) -> int:
        """Puts the failed deliveries of all events since a timestamp back into the queue, of one subscription or of all
        that are active, and counts them. Raises NotFound, Conflict."""
        with self.store.change() as change:
            if subscription_id is not None:
                self._get_active(change, subscription_id)
            recent = Clause(
                "state = :failed AND event_no IN (SELECT no FROM event WHERE at >= :since)"
                " AND subscription_id IN (SELECT id FROM subscription WHERE status = :active)",
                failed=DeliveryState.FAILED, since=since, active=SubscriptionStatus.ACTIVE,
            )  # fmt: skip
            if subscription_id is not None:
                recent &= Clause("subscription_id = :id", id=subscription_id)
            return _requeue(change, recent)

    def _get_active(self, change: Change, subscription_id: str) -> Subscription:
        subscription = change.one(Subscription, subscription_id)
        if subscription.status != SubscriptionStatus.ACTIVE:
            raise Conflict(f"Webhook {subscription_id!r} is {subscription.status}; make it ACTIVE first")
        return subscription


def _requeue(change: Change, clause: Clause) -> int:
    values = {"pending": DeliveryState.PENDING, "again_at": change.now}
    return change.connection.run(_REQUEUE + clause.sql, values | clause.params)


def _build_values(item: Attempted) -> dict[str, Any]:
    """The parameters of _UPDATE_ATTEMPTED."""
    return {
        "state": item.state, "failed": int(item.state != DeliveryState.DELIVERED), "due": item.result.next_at,
        "no": item.delivery.no, "due_before": item.delivery.due_at,
    }  # fmt: skip


def _sort_failures_first(attempted: list[Attempted]) -> list[Attempted]:
    """Sorts attempts by time, but successes last: one success shows that a receiver lives."""
    return sorted(attempted, key=lambda item: (item.state == DeliveryState.DELIVERED, item.result.at))


def _read_due(
    connection: Connection, subscription: Subscription, now: int, room: Room, taken: set[int]
) -> list[Delivery]:
    """The next due deliveries for which there is room, without those in `taken`."""
    rows = _list_due(connection, subscription, now, room.deliveries + len(taken), _WITH_SHORT_BODIES)
    numbers = set(_choose(((row[_NO], row[-1]) for row in rows if row[_NO] not in taken), room))
    chosen = [list(row[:-1]) for row in rows if row[_NO] in numbers]
    long = [row[_NO] for row in chosen if row[_BODY] is None]
    if long:
        rows = connection.select_columns(Delivery, "no, body", Clause("no IN :numbers", numbers=long))
        bodies = {row[0]: row[1] for row in rows}
        for delivery in chosen:
            delivery[_BODY] = bodies.get(delivery[_NO], delivery[_BODY])
    return [Delivery.load(tuple(row)) for row in chosen]


_FIELDS = Delivery.__struct_fields__
_NO, _BODY, _DUE_AT = map(_FIELDS.index, ("no", "body", "due_at"))
SHORT_BODY = 16 * 1024
"""Bytes of a body that is read together with its delivery: most have less."""
_SHORT = f"CASE WHEN length(body) <= {SHORT_BODY} THEN body END"
_WITH_SHORT_BODIES = ", ".join([*(_SHORT if name == "body" else name for name in _FIELDS), "length(body)"])
"""The columns of a delivery, in their order, without a long body, and the bytes of its body."""


def _list_due(connection: Connection, subscription: Subscription, now: int, most: int, names: str) -> list[Row]:
    """The named columns, like those above, of due deliveries; of an ordered subscription those in front of the first
    that waits for a retry."""
    clause = Clause("subscription_id = :id AND due_at IS NOT NULL", id=subscription.id)
    if not subscription.ordered:
        clause &= Clause("due_at <= :now", now=now)
    rows = connection.select_columns(Delivery, names, clause, order=_find_order(subscription), first=most)
    return list(takewhile(lambda row: row[_DUE_AT] <= now, rows))


def _find_order(subscription: Subscription) -> str:
    return "no" if subscription.ordered else "due_at, no"


def _choose(waiting: Iterable[tuple[int, int]], room: Room) -> list[int]:
    """The numbers of the first deliveries for which there is room. `waiting` has their numbers and bytes."""
    numbers: list[int] = []
    total = 0
    for number, size in waiting:
        total += size
        if numbers and (len(numbers) == room.deliveries or total > room.bytes):
            break
        numbers.append(number)
    return numbers


def count_dropped(change: Change, subscription_id: str, messages: int) -> None:
    """Adds messages that were given up to the count of their subscription."""
    change.connection.run(_DROPPED, {"id": subscription_id, "messages": messages})


_DROPPED = "UPDATE subscription SET dropped = dropped + :messages WHERE id = :id"
_REQUEUE = (
    "UPDATE outbox SET state = :pending, failures = 0,"
    " due_at = CASE WHEN due_at = :again_at THEN :again_at - 1 ELSE :again_at END WHERE "
)
"""Always changes due_at, even when the clock is frozen, so that a delivery that is in flight is sent again."""

_UPDATE_ATTEMPTED = (
    "UPDATE outbox SET state = CASE WHEN due_at = :due_before THEN :state ELSE state END,"
    " due_at = CASE WHEN due_at = :due_before THEN :due ELSE due_at END,"
    " attempts = attempts + 1, failures = failures + :failed WHERE no = :no"
)
"""Updates state and due_at only if nobody stopped or re-queued the delivery while it was being attempted."""
