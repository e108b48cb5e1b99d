"""Subscriptions, what is on its way to them, and every try: the changes and questions of one store."""

from __future__ import annotations

from typing import Any

import msgspec

from mockserver.errors import Conflict, NotFound
from mockserver.world.database import Clause, Connection, JsonText
from mockserver.world.store import Change, Store, next_number
from mockserver.world.webhooks import Attempt, Delivery, DeliveryState, Subscription, SubscriptionStatus

ACTIVE = Clause("status = :active", active=SubscriptionStatus.ACTIVE)


class Tried(msgspec.Struct, frozen=True):
    """A delivery that was tried: the attempt without its number in the table, and what became of the delivery."""

    delivery: Delivery
    attempt: Attempt
    state: DeliveryState
    ended_because: str | None = None
    """Why its subscription is told nothing more."""


class Turn(msgspec.Struct, frozen=True):
    """What is to be sent now, by subscription, and when to look again at the latest."""

    due: list[tuple[Subscription, list[Delivery]]]
    active: dict[str, Subscription]
    next_due: int | None
    newest: int
    """The number of the newest message, due or not; 0 without any."""


class Deliveries:
    """Belongs to a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Subscriptions

    def subscribe(
        self,
        *,
        project_id: str | None,
        url: str,
        secret: str,
        topics: JsonText,
        version: str,
        retries: JsonText,
        ordered: bool,
        concurrency: int,
        timeout: float,
        misbehave: str | None,
    ) -> Subscription:
        """An active subscription. What came before it is told by a replay only."""
        with self._store.change() as change:
            made = Subscription(
                next_number(change.connection, Subscription), self._store.new_id(change), project_id, url, secret,
                topics, version, SubscriptionStatus.ACTIVE, retries, ordered, concurrency, timeout, misbehave,
                None, None, 0, self._store.workspace.user_id, change.now, change.now,
            )  # fmt: skip
            change.connection.insert([made])
            return made

    def change_subscription(self, subscription_id: str, **values: Any) -> Subscription:
        """What is on its way goes to a changed `url` too, and stops when the status is not ACTIVE. Raises NotFound."""
        with self._store.change() as change:
            here = Clause("id = :id", id=subscription_id)
            if values.get("status") == SubscriptionStatus.ACTIVE:
                values |= {"failing_since": None, "ended_because": None}
            if not change.connection.update(Subscription, here, updated_at=change.now, **values):
                raise NotFound(f"Webhook {subscription_id!r} does not exist")
            pending = Clause("subscription_id = :id AND due_at IS NOT NULL", id=subscription_id)
            if "url" in values:
                change.connection.update(Delivery, pending, url=values["url"])
            if values.get("status", SubscriptionStatus.ACTIVE) != SubscriptionStatus.ACTIVE:
                change.connection.update(Delivery, pending, state=DeliveryState.STOPPED, due_at=None)
            return self._subscription(change.connection, subscription_id)

    def unsubscribe(self, subscription_id: str) -> None:
        """Forget a subscription; its deliveries stay to be looked at. Raises NotFound."""
        with self._store.change() as change:
            self.change_subscription(subscription_id, status=SubscriptionStatus.INACTIVE)
            change.connection.delete(Subscription, Clause("id = :id", id=subscription_id))

    def _subscription(self, connection: Connection, subscription_id: str) -> Subscription:
        found = connection.find(Subscription, Clause("id = :id", id=subscription_id))
        if found is None:
            raise NotFound(f"Webhook {subscription_id!r} does not exist")
        return found

    # Sending

    def turn(self, tried: list[Tried], room: dict[str, int], most: int, taken: set[int]) -> Turn:
        """Record what was tried; then what is due for subscriptions that have room, `most` each where `room` is silent.

        Deliveries numbered in `taken` are being sent already.
        """
        if tried:
            self._record(tried)
        done = {item.delivery.no for item in tried}
        with self._store.reading() as connection:
            now = self._store.clock.now()
            active = connection.select(Subscription, ACTIVE, order="no")
            due = []
            for subscription in active:
                wanted = room.get(subscription.id, most)
                if wanted > 0:
                    found = _due(connection, subscription, now, wanted, taken - done)
                    due.append((subscription, found))
            later = connection.value("SELECT MIN(due_at) FROM outbox WHERE due_at > :now", {"now": now})
            newest = next_number(connection, Delivery) - 1
        return Turn(due, {item.id: item for item in active}, later, newest)

    def _record(self, tried: list[Tried]) -> None:
        with self._store.change() as change:
            first = next_number(change.connection, Attempt)
            attempts = [msgspec.structs.replace(item.attempt, no=first + index) for index, item in enumerate(tried)]
            change.connection.insert(attempts)
            change.connection.run_many(_TRIED, [_outcome(item) for item in tried])
            for item in {item.delivery.subscription_id: item for item in _last_failures(tried)}.values():
                self._note_receiver(change, item)

    def _note_receiver(self, change: Change, item: Tried) -> None:
        """How long it has been failing, and whether it is told anything more."""
        here = Clause("id = :id", id=item.delivery.subscription_id)
        if item.state == DeliveryState.DELIVERED:
            failing = here & Clause("failing_since IS NOT NULL")
            change.connection.update(Subscription, failing, failing_since=None)
            return
        fresh = here & Clause("failing_since IS NULL")
        change.connection.update(Subscription, fresh, failing_since=item.attempt.at)
        if item.ended_because is not None and change.connection.find(Subscription, here & ACTIVE):
            because = item.ended_because
            status = SubscriptionStatus.INACTIVE
            self.change_subscription(item.delivery.subscription_id, status=status, ended_because=because)

    def settled(self) -> bool:
        """Whether nothing is to be sent now. In order, what is behind one that waits for its next try waits too."""
        with self._store.reading() as connection:
            now = self._store.clock.now()
            return not any(
                _due(connection, subscription, now, 1, set())
                for subscription in connection.select(Subscription, ACTIVE)
            )

    # Again

    def redeliver(self, delivery_id: str) -> Delivery:
        """Send the same bytes again, with a schedule of its own. Raises NotFound, or Conflict without a receiver."""
        with self._store.change() as change:
            found = change.connection.find(Delivery, Clause("id = :id", id=delivery_id))
            if found is None:
                raise NotFound(f"Delivery {delivery_id!r} does not exist in this workspace")
            self._check_active(change.connection, found.subscription_id)
            self._again(change, Clause("no = :no", no=found.no))
            return change.connection.select(Delivery, Clause("no = :no", no=found.no))[0]

    def _again(self, change: Change, clause: Clause) -> int:
        values = {"pending": DeliveryState.PENDING, "again_at": change.now}
        return change.connection.run(_AGAIN + clause.sql, values | clause.params)

    def _check_active(self, connection: Connection, subscription_id: str) -> Subscription:
        found = self._subscription(connection, subscription_id)
        if found.status != SubscriptionStatus.ACTIVE:
            raise Conflict(f"Webhook {subscription_id!r} is {found.status}; make it ACTIVE first")
        return found

    def send_again_since(self, change: Change, subscription_id: str, since: int) -> tuple[Subscription, int]:
        """Put every delivery of events since then on its way again; how many. Raises NotFound, Conflict."""
        subscription = self._check_active(change.connection, subscription_id)
        theirs = Clause(
            "subscription_id = :id AND event_no IN (SELECT no FROM event WHERE at >= :since)",
            id=subscription_id,
            since=since,
        )
        return subscription, self._again(change, theirs)


def _outcome(item: Tried) -> dict[str, Any]:
    """Parameters of _TRIED."""
    return {
        "state": item.state, "failed": int(item.state != DeliveryState.DELIVERED), "due": item.attempt.next_at,
        "no": item.delivery.no, "was": item.delivery.due_at,
    }  # fmt: skip


def _last_failures(tried: list[Tried]) -> list[Tried]:
    """In the order of their attempts, successes last: one success says that a receiver lives."""
    return sorted(tried, key=lambda item: (item.state == DeliveryState.DELIVERED, item.attempt.at))


def _due(connection: Connection, subscription: Subscription, now: int, wanted: int, taken: set[int]) -> list[Delivery]:
    """The next ones, without those in `taken`. In order, nothing overtakes one that waits for its next try."""
    mine = Clause("subscription_id = :id AND due_at IS NOT NULL", id=subscription.id)
    most = wanted + len(taken)
    if subscription.ordered:
        waiting = connection.select(Delivery, mine, order="no", first=most)
        for index, delivery in enumerate(waiting):
            if delivery.due_at is not None and delivery.due_at > now:
                waiting = waiting[:index]
                break
        found = waiting
    else:
        found = connection.select(Delivery, mine & Clause("due_at <= :now", now=now), order="due_at, no", first=most)
    return [delivery for delivery in found if delivery.no not in taken][:wanted]


_AGAIN = (
    "UPDATE outbox SET state = :pending, failures = 0,"
    " due_at = CASE WHEN due_at = :again_at THEN :again_at - 1 ELSE :again_at END WHERE "
)
"""Another moment than before, even if the clock stands still: what is being tried just now is sent once more then."""

_TRIED = (
    "UPDATE outbox SET state = CASE WHEN due_at = :was THEN :state ELSE state END,"
    " due_at = CASE WHEN due_at = :was THEN :due ELSE due_at END,"
    " attempts = attempts + 1, failures = failures + :failed WHERE no = :no"
)
"""What was stopped, or put on its way again while it was tried, stays so."""
