"""Subscriptions, the outbox and attempts, on both engines."""

import threading
from contextlib import closing

import pytest

from mockserver.errors import Conflict, NotFound
from mockserver.world.changes.deliveries import MOST_SUBSCRIPTIONS, SHORT_BODY, Attempted, Deliveries, Room
from mockserver.world.clause import Clause
from mockserver.world.record import JsonText
from mockserver.world.records.webhooks import (
    Attempt,
    AttemptResult,
    Delivery,
    DeliveryState,
    Subscription,
    SubscriptionStatus,
)
from mockserver.world.store import Hooks, Store

BYTES = 1_000_000
MOST = Room(10, BYTES)


def subscribe(store: Store, *, ordered: bool = False) -> Subscription:
    return Deliveries(store).subscribe(
        project_id=None, url="http://127.0.0.1/", secret="s", topics=JsonText('["LABEL_CREATED"]'), version="v2",
        retries=JsonText('"default"'), ordered=ordered, concurrency=16, timeout=1.0, misbehave=None,
    )  # fmt: skip


def put(store: Store, subscription: Subscription, *due: int) -> list[Delivery]:
    deliveries = [
        Delivery(
            no, f"d{no}", 1, subscription.id, "LABEL_CREATED", subscription.url, JsonText("{}"), b"{}",
            rendered_late=False, state=DeliveryState.PENDING, attempts=0, failures=0, due_at=moment, made_at=1,
        )
        for no, moment in enumerate(due, 1)
    ]  # fmt: skip
    with store.change() as change:
        change.connection.insert(deliveries)
    return deliveries


def build_attempted(
    delivery: Delivery, state: DeliveryState, *, next_at: int | None = None, ended: str | None = None
) -> Attempted:
    result = AttemptResult(
        delivery_no=delivery.no, number=delivery.attempts + 1, at=5, url=delivery.url, seconds=0.1, status=200,
        answer_headers=JsonText("[]"), answer=b"\xff\x00", answer_size=2, failure=None, reason="", next_at=next_at,
    )  # fmt: skip
    return Attempted(delivery, result, state, ended)


def due(store: Store, *, room: dict[str, Room] | None = None, taken: dict[str, set[int]] | None = None) -> list[int]:
    turn = Deliveries(store).record_and_read_due([], room or {}, MOST, taken or {})
    return [delivery.no for _, some in turn.due for delivery in some]


def delivery(store: Store, no: int) -> Delivery:
    with store.reading() as connection:
        return connection.select(Delivery, Clause("no = :no", no=no))[0]


def test_what_is_due_comes_first_due_first_and_without_what_is_being_sent(store: Store) -> None:
    store.clock.freeze()
    now = store.clock.now()
    subscription = subscribe(store)
    put(store, subscription, now, now - 9, now + 1, now - 5)
    assert due(store) == [2, 4, 1]
    assert due(store, taken={subscription.id: {2}}) == [4, 1]
    assert due(store, room={subscription.id: Room(1, BYTES)}) == [2]
    assert due(store, room={subscription.id: Room(0, 0)}) == []
    assert Deliveries(store).record_and_read_due([], {}, MOST, {}).next_due == now + 1


@pytest.mark.parametrize("ordered", [False, True])
def test_what_is_read_has_bounded_bytes_and_at_least_one_delivery(store: Store, *, ordered: bool) -> None:
    """Bodies may have megabytes: 256 of each of many receivers that hang are too many for memory."""
    now = store.clock.now()
    subscription = subscribe(store, ordered=ordered)
    first, *_ = put(store, subscription, now - 9, now - 8, now - 7, now - 6)
    size = len(first.body)
    assert due(store, room={subscription.id: Room(9, 1)}) == [1]
    assert due(store, room={subscription.id: Room(9, 3 * size)}) == [1, 2, 3]
    assert due(store, room={subscription.id: Room(9, 3 * size)}, taken={subscription.id: {2}}) == [1, 3, 4]


def test_long_and_short_bodies_are_read_as_they_were_written(store: Store) -> None:
    now = store.clock.now()
    deliveries = put(store, subscribe(store), now - 9, now - 8, now - 7)
    bodies = [b"{}", b"x" * SHORT_BODY, b"y" * (SHORT_BODY + 1)]
    with store.change() as change:
        for delivery, body in zip(deliveries, bodies, strict=True):
            change.connection.update(Delivery, Clause("no = :no", no=delivery.no), body=body)
    [(_, due_deliveries)] = Deliveries(store).record_and_read_due([], {}, MOST, {}).due
    assert [delivery.body for delivery in due_deliveries] == bodies
    assert due_deliveries[0] == deliveries[0]


def test_subscriptions_are_bounded(store: Store) -> None:
    for _ in range(MOST_SUBSCRIPTIONS):
        subscription = subscribe(store)
    with pytest.raises(Conflict, match="200 webhooks already; delete some"):
        subscribe(store)
    Deliveries(store).unsubscribe(subscription.id)
    subscribe(store)


def test_in_order_what_waits_holds_back_what_is_behind_it(store: Store) -> None:
    now = store.clock.now()
    put(store, subscribe(store, ordered=True), now - 1, now + 10**12, now - 9)
    assert due(store) == [1]


def test_a_turn_records_what_was_tried_before_it_looks(store: Store) -> None:
    now = store.clock.now()
    subscription = subscribe(store)
    first, second, third = put(store, subscription, now - 3, now - 2, now - 1)
    results = [
        build_attempted(first, DeliveryState.DELIVERED),
        build_attempted(second, DeliveryState.PENDING, next_at=now + 10**12),
    ]
    turn = Deliveries(store).record_and_read_due(results, {}, MOST, {subscription.id: {1, 2, 3}})
    assert [some for _, some in turn.due] == [[]]
    assert turn.next_due == now + 10**12
    assert due(store) == [third.no]
    one, two = delivery(store, 1), delivery(store, 2)
    assert (one.state, one.due_at, one.attempts, one.failures) == (DeliveryState.DELIVERED, None, 1, 0)
    assert (two.state, two.attempts, two.failures) == (DeliveryState.PENDING, 1, 1)
    with store.reading() as connection:
        assert [item.answer for item in connection.select(Attempt, order="no")] == [b"\xff\x00"] * 2


def test_what_was_stopped_while_it_was_tried_stays_stopped(store: Store) -> None:
    subscription = subscribe(store)
    [first] = put(store, subscription, store.clock.now())
    Deliveries(store).change_subscription(subscription.id, status=SubscriptionStatus.REVOKED)
    Deliveries(store).record_and_read_due(
        [build_attempted(first, DeliveryState.PENDING, next_at=1)], {}, MOST, {subscription.id: {1}}
    )
    assert (delivery(store, 1).state, delivery(store, 1).due_at) == (DeliveryState.STOPPED, None)


def test_a_receiver_fails_from_its_first_failure_until_a_success(store: Store) -> None:
    subscription = subscribe(store)
    first, second = put(store, subscription, store.clock.now(), store.clock.now())
    turn = Deliveries(store).record_and_read_due([build_attempted(first, DeliveryState.FAILED)], {}, MOST, {})
    assert turn.active[subscription.id].failing_since == 5
    turn = Deliveries(store).record_and_read_due([build_attempted(second, DeliveryState.DELIVERED)], {}, MOST, {})
    assert turn.active[subscription.id].failing_since is None


def test_an_ended_subscription_says_why_and_stops_what_waits(store: Store) -> None:
    subscription = subscribe(store)
    first, _ = put(store, subscription, store.clock.now(), store.clock.now())
    turn = Deliveries(store).record_and_read_due(
        [build_attempted(first, DeliveryState.FAILED, ended="gone")], {}, MOST, {}
    )
    assert turn.active == {}
    with store.reading() as connection:
        ended = connection.select(Subscription)[0]
    assert (ended.status, ended.ended_because) == (SubscriptionStatus.INACTIVE, "gone")
    assert delivery(store, 2).state == DeliveryState.STOPPED


def test_redelivery_begins_a_schedule_of_its_own(store: Store) -> None:
    subscription = subscribe(store)
    [first] = put(store, subscription, store.clock.now())
    Deliveries(store).record_and_read_due([build_attempted(first, DeliveryState.FAILED)], {}, MOST, {})
    again = Deliveries(store).redeliver("d1")
    assert (again.state, again.failures, again.attempts) == (DeliveryState.PENDING, 0, 1)
    with pytest.raises(NotFound, match="'d9'"):
        Deliveries(store).redeliver("d9")
    Deliveries(store).change_subscription(subscription.id, status=SubscriptionStatus.INACTIVE)
    with pytest.raises(Conflict, match="make it ACTIVE first"):
        Deliveries(store).redeliver("d1")


def test_who_unsubscribes_is_forgotten_and_what_was_sent_is_not(store: Store) -> None:
    subscription = subscribe(store)
    put(store, subscription, store.clock.now())
    Deliveries(store).unsubscribe(subscription.id)
    assert due(store) == []
    assert delivery(store, 1).state == DeliveryState.STOPPED
    with pytest.raises(NotFound, match="Webhook"):
        Deliveries(store).unsubscribe(subscription.id)


def test_a_change_can_be_read_by_others_when_its_hook_is_called(store: Store) -> None:
    read: list[int] = []

    def read_in_a_thread(changed: Store) -> None:
        thread = threading.Thread(target=lambda: read.append(len(due(changed))))
        thread.start()
        thread.join(60)

    subscription = subscribe(store)
    with closing(Store.open(store.database, hooks=Hooks(after_commit=read_in_a_thread))) as hooked:
        put(hooked, subscription, hooked.clock.now())
    assert read == [1]
