"""The retention of events, deliveries and attempts, on both engines."""

from typing import Any

import pytest

from contract_tests.rules.world.test_deliveries import subscribe
from mockserver.world import retention
from mockserver.world.clock import DAY
from mockserver.world.record import JsonText
from mockserver.world.records.events import Event
from mockserver.world.records.webhooks import Attempt, Delivery, DeliveryState, Subscription
from mockserver.world.retention import DAYS, DONE_SHARE, MEGABYTE, WHEN_BUSY, Retention
from mockserver.world.store import Store

BODY = 10_000
"""Bytes of each body."""


def insert_deliveries(
    store: Store, subscription: Subscription, count: int, state: DeliveryState, *, tries: int = 1
) -> None:
    """Inserts deliveries with an event each, and the attempts of those that are done."""
    with store.change() as change:
        event, delivery, attempt = (change.number(kind) for kind in (Event, Delivery, Attempt))
        waits = state == DeliveryState.PENDING
        records: list[Event | Delivery | Attempt] = []
        for index in range(count):
            number = delivery + index
            records += [
                    Event(event + index, "LABEL_CREATED", change.now, None, None, None, JsonText("{}")),
                    Delivery(
                        number, f"d{number}", event + index, subscription.id, "LABEL_CREATED", subscription.url,
                        JsonText("{}"), b"x" * BODY, rendered_late=False, state=state, attempts=0 if waits else tries,
                        failures=0, due_at=change.now if waits else None, made_at=change.now,
                    ),
                ]  # fmt: skip
            for each in range(0 if waits else tries):
                no = attempt + index * tries + each
                answer = Attempt(
                    no=no, delivery_no=number, number=each + 1, at=change.now, url="", seconds=0.1, status=200,
                    answer_headers=JsonText("[]"), answer=b"", answer_size=0, failure=None, reason="", next_at=None,
                )  # fmt: skip
                records.append(answer)
        change.connection.insert(records)


def prune(store: Store, limit: int = DONE_SHARE * MEGABYTE, *, idle: bool = True) -> Retention:
    pruning = Retention(store, limit)
    assert pruning.is_due(0, 0), "the first look is at once"
    while (pause := pruning.prune(idle=idle)) not in {None, WHEN_BUSY}:
        pass
    assert pruning.is_due(count(store, Delivery), 0) == (pause == WHEN_BUSY), "what is too much goes when it is idle"
    return pruning


def count(store: Store, kind: type[Any]) -> int:
    with store.reading() as connection:
        return connection.count(kind)


def numbers(store: Store) -> list[int]:
    with store.reading() as connection:
        return [delivery.no for delivery in connection.select(Delivery, order="no")]


@pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.STOPPED])
def test_the_oldest_that_are_done_go_with_their_tries_and_events_stay(store: Store, state: DeliveryState) -> None:
    insert_deliveries(store, subscribe(store), 300, state, tries=2)
    prune(store)
    remaining = numbers(store)
    assert remaining == list(range(remaining[0], 301))
    assert 0.9 * MEGABYTE < len(remaining) * BODY < MEGABYTE
    assert count(store, Attempt) == 2 * len(remaining)
    assert count(store, Event) == 300


def test_what_is_within_the_limit_stays(store: Store) -> None:
    insert_deliveries(store, subscribe(store), 90, DeliveryState.DELIVERED)
    prune(store)
    assert len(numbers(store)) == 90


def test_while_there_is_something_to_send_four_times_as_much_is_kept(store: Store) -> None:
    insert_deliveries(store, subscribe(store), 300, DeliveryState.DELIVERED)
    prune(store, idle=False)
    assert len(numbers(store)) == 300
    insert_deliveries(store, subscribe(store), 300, DeliveryState.DELIVERED)
    prune(store, idle=False)
    assert 3.6 * MEGABYTE < len(numbers(store)) * BODY < 4 * MEGABYTE


def test_what_waits_stays_whatever_is_done(store: Store) -> None:
    subscription = subscribe(store)
    insert_deliveries(store, subscription, 100, DeliveryState.PENDING)
    insert_deliveries(store, subscription, 300, DeliveryState.DELIVERED)
    prune(store)
    remaining = numbers(store)
    assert remaining[:100] == list(range(1, 101))
    assert len(remaining) < 200


def test_what_waits_over_the_limit_is_dropped_oldest_first_and_counted(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = subscribe(store), subscribe(store)
    insert_deliveries(store, one, 50, DeliveryState.PENDING)
    insert_deliveries(store, other, 100, DeliveryState.PENDING)
    prune(store, MEGABYTE)
    remaining = numbers(store)
    assert remaining == list(range(remaining[0], 151))
    assert 0.9 * MEGABYTE < len(remaining) * BODY < MEGABYTE
    with store.reading() as connection:
        dropped = {item.id: item.dropped for item in connection.select(Subscription)}
    assert dropped == {
        one.id: 50 if len(remaining) <= 100 else 150 - len(remaining),
        other.id: max(100 - len(remaining), 0),
    }
    assert sum(dropped.values()) == 150 - len(remaining)
    assert "were dropped before they were delivered" in caplog.text


def test_what_is_older_than_thirty_days_of_the_worlds_clock_goes(store: Store) -> None:
    subscription = subscribe(store)
    store.clock.freeze()
    insert_deliveries(store, subscription, 20, DeliveryState.DELIVERED)
    store.clock.advance(DAYS * DAY)
    insert_deliveries(store, subscription, 5, DeliveryState.DELIVERED)
    pruning = prune(store)
    assert len(numbers(store)) == 25
    store.clock.advance(DAY)
    assert pruning.is_due(25, 0), "a day has passed"
    while pruning.prune(idle=True) is not None:
        pass
    assert numbers(store) == [21, 22, 23, 24, 25]
    assert count(store, Event) == 5
    assert count(store, Attempt) == 5


def test_an_old_event_stays_as_long_as_a_message_reports_it(store: Store) -> None:
    store.clock.freeze()
    insert_deliveries(store, subscribe(store), 5, DeliveryState.PENDING)
    with store.change() as change:
        change.connection.insert([Event(no, "x", change.now, None, None, None, JsonText("{}")) for no in range(6, 9)])
    store.clock.advance((DAYS + 1) * DAY)
    prune(store)
    with store.reading() as connection:
        assert [event.no for event in connection.select(Event, order="no")] == [1, 2, 3, 4, 5, 8], "8 is the newest"


def test_events_without_messages_are_bounded_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "EVENTS", 250)
    with store.change() as change:
        events = [Event(no, "x", change.now, None, None, None, JsonText("{}")) for no in range(1, 1001)]
        change.connection.insert(events)
    prune(store)
    assert count(store, Event) == 250


def test_numbers_never_come_again(store: Store) -> None:
    store.clock.freeze()
    insert_deliveries(store, subscribe(store), 120, DeliveryState.DELIVERED)
    store.clock.advance((DAYS + 1) * DAY)
    prune(store)
    with store.reading() as connection:
        assert (connection.next_number(Delivery), connection.next_number(Event)) == (121, 121)


def test_of_a_message_that_is_tried_again_and_again_the_last_hundred_tries_are_kept(store: Store) -> None:
    insert_deliveries(store, subscribe(store), 2, DeliveryState.DELIVERED, tries=250)
    prune(store)
    with store.reading() as connection:
        tries = connection.select(Attempt, order="delivery_no, number")
    assert [attempt.number for attempt in tries] == [*range(151, 251)] * 2


def test_what_comes_later_is_counted_too(store: Store) -> None:
    subscription = subscribe(store)
    insert_deliveries(store, subscription, 80, DeliveryState.DELIVERED)
    pruning = prune(store)
    insert_deliveries(store, subscription, 80, DeliveryState.DELIVERED)
    assert pruning.is_due(160, 80)
    while pruning.prune(idle=True) is not None:
        pass
    assert 0.9 * MEGABYTE < len(numbers(store)) * BODY < MEGABYTE
