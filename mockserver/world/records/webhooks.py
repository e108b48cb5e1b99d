"""Webhooks: subscriptions, deliveries in the outbox, and their attempts."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from mockserver.world.record import JsonText, Record


class SubscriptionStatus(StrEnum):
    """SDK webhook.py. INACTIVE is set by its `delete`, and by the server when a receiver is gone or always fails."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    REVOKED = "REVOKED"


class Subscription(Record, frozen=True):
    """A subscription of a project, or without a project one of the organization. `topics` is a JSON list, `retries` is
    JSON (webhooks/schedule.py).

    `ordered` sends one at a time, each before the next; else up to `concurrency` are sent at the same time. Each has
    `timeout` seconds. `misbehave` names how its messages go wrong (webhooks/misbehaviour.py).
    `previous_secret` also signs messages until `previous_until` (webhooks/rotation.py).
    `failing_since` is the time of the first failure after the last success; `ended_because` says why the server ended
    the subscription. `dropped` messages were given up because too many waited (world/retention.py).
    """

    TABLE: ClassVar[str] = "subscription"
    NOUN: ClassVar[str] = "Webhook"
    no: int
    id: str
    project_id: str | None
    url: str
    secret: str
    previous_secret: str | None
    previous_until: int | None
    topics: JsonText
    version: str
    status: str
    retries: JsonText
    ordered: bool
    concurrency: int
    timeout: float
    misbehave: str | None
    failing_since: int | None
    ended_because: str | None
    dropped: int
    created_by: str
    created_at: int
    updated_at: int


class DeliveryState(StrEnum):
    PENDING = "PENDING"
    """It is due now or later, as `due_at` says."""
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    """No attempt is left."""
    STOPPED = "STOPPED"
    """Its subscription is not active any more."""


class Delivery(Record, frozen=True):
    """One signed message on its way to one subscriber; `due_at` None means no further attempt.

    `failures` counts those since it was last queued, `attempts` all of them. `rendered_late` says that its
    body was not rendered with its event but for a replay.
    """

    TABLE: ClassVar[str] = "outbox"
    no: int
    id: str
    event_no: int
    subscription_id: str
    topic: str
    url: str
    headers: JsonText
    body: bytes
    rendered_late: bool
    state: str
    attempts: int
    failures: int
    due_at: int | None
    made_at: int


class AttemptResult(Record, frozen=True):
    """One attempt of a delivery and its result: an HTTP status, or a `failure` with its `reason`.

    `at` is in the world's time, `seconds` is real. `answer_headers` is a JSON list of pairs, `answer` is cut
    (webhooks/connection.py ANSWER_KEPT), `answer_size` is not.
    """

    delivery_no: int
    number: int
    at: int
    url: str
    seconds: float
    status: int | None
    answer_headers: JsonText
    answer: bytes
    answer_size: int
    failure: str | None
    reason: str
    next_at: int | None


class Attempt(AttemptResult, frozen=True):
    """An attempt as it is recorded."""

    TABLE: ClassVar[str] = "attempt"
    no: int
