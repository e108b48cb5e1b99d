"""Evaluates the outcome of a request: the attempt to record, and the new state of delivery and subscription."""

from __future__ import annotations

import http

import orjson

from mockserver.webhooks import schedule
from mockserver.webhooks.exchange import Exchange, Failure
from mockserver.webhooks.queues import SubscriptionQueue
from mockserver.world.changes.deliveries import Attempted
from mockserver.world.clock import DAY, SECOND
from mockserver.world.database import JsonText
from mockserver.world.webhooks import AttemptResult, Delivery, DeliveryState, Subscription


def evaluate_attempt(queue: SubscriptionQueue, delivery: Delivery, exchange: Exchange, at: int) -> Attempted:
    """Decides whether the delivery is delivered, has failed, or is retried, and when. `at` in microseconds."""
    next_at = None
    state = DeliveryState.DELIVERED
    ended = None
    if not exchange.succeeded:
        ended = _reason_to_deactivate(queue.subscription, exchange, at)
        hopeless = ended is not None or exchange.failure in {Failure.NOT_ALLOWED, Failure.NO_URL}
        wait = None if hopeless else schedule.retry_wait(queue.schedule, delivery.id, delivery.failures + 1, exchange)
        state = DeliveryState.FAILED if wait is None else DeliveryState.PENDING
        next_at = None if wait is None else at + round(exchange.seconds * SECOND) + wait
    result = AttemptResult(
        delivery_no=delivery.no, number=delivery.attempts + 1, at=at, url=delivery.url,
        seconds=exchange.seconds, status=exchange.status,
        answer_headers=JsonText(orjson.dumps(exchange.headers).decode()), answer=exchange.answer,
        answer_size=exchange.answer_size, failure=exchange.failure, reason=exchange.reason, next_at=next_at,
    )  # fmt: skip
    return Attempted(delivery, result, state, ended)


def _reason_to_deactivate(subscription: Subscription, exchange: Exchange, at: int) -> str | None:
    """Why the subscription ends with this failure; None if it goes on."""
    if exchange.status == http.HTTPStatus.GONE:
        return "the receiver answered 410 Gone"
    since = subscription.failing_since
    if since is not None and at - since >= schedule.LONG_FAILURE:
        return f"every attempt failed for {schedule.LONG_FAILURE // DAY} days"
    return None
