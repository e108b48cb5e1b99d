"""One attempt of a delivery: its requests, and what their outcome means for the delivery and its subscription."""

from __future__ import annotations

import http

import msgspec
import orjson

from mockserver.webhooks import schedule
from mockserver.webhooks.exchange import Failure, Outcome, Request
from mockserver.webhooks.messages import Message
from mockserver.webhooks.misbehaviour import misbehave_alone
from mockserver.webhooks.queues import SubscriptionQueue
from mockserver.world.changes.deliveries import Attempted
from mockserver.world.clock import DAY, SECOND
from mockserver.world.record import encode_json
from mockserver.world.records.webhooks import AttemptResult, Delivery, DeliveryState, Subscription


def build_requests(subscription: Subscription, delivery: Delivery) -> list[Request]:
    """The request of a delivery, or the requests of the subscription's misbehaviour."""
    headers = orjson.loads(delivery.headers)
    if subscription.misbehave is None:
        return [Request(headers=list(headers.items()), body=delivery.body, timeout=subscription.timeout)]
    message = Message(delivery.id, delivery.topic, delivery.body, headers)
    requests = misbehave_alone(subscription.misbehave, message, secret=subscription.secret, number=delivery.no)
    return [msgspec.structs.replace(request, timeout=subscription.timeout) for request in requests]


def evaluate_attempt(queue: SubscriptionQueue, delivery: Delivery, outcome: Outcome, at: int) -> Attempted:
    """Decides whether the delivery is delivered, has failed, or is retried, and when. `at` in microseconds."""
    next_at = None
    state = DeliveryState.DELIVERED
    ended = None
    if not outcome.succeeded:
        ended = _reason_to_deactivate(queue.subscription, outcome, at)
        hopeless = ended is not None or outcome.failure in {Failure.NOT_ALLOWED, Failure.NO_URL}
        wait = None if hopeless else schedule.retry_wait(queue.schedule, delivery.id, delivery.failures + 1, outcome)
        state = DeliveryState.FAILED if wait is None else DeliveryState.PENDING
        next_at = None if wait is None else at + round(outcome.seconds * SECOND) + wait
    result = AttemptResult(
        delivery_no=delivery.no, number=delivery.attempts + 1, at=at, url=delivery.url,
        seconds=outcome.seconds, status=outcome.status,
        answer_headers=encode_json(outcome.headers), answer=outcome.answer,
        answer_size=outcome.answer_size, failure=outcome.failure, reason=outcome.reason, next_at=next_at,
    )  # fmt: skip
    return Attempted(delivery, result, state, ended)


def _reason_to_deactivate(subscription: Subscription, outcome: Outcome, at: int) -> str | None:
    """The reason for which the subscription ends with this failure; None if it goes on."""
    if outcome.status == http.HTTPStatus.GONE:
        return "the receiver answered 410 Gone"
    since = subscription.failing_since
    if since is not None and at - since >= schedule.LONG_FAILURE:
        return f"every attempt failed for {schedule.LONG_FAILURE // DAY} days"
    return None
