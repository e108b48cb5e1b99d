"""The bodies and queries of the controls of webhooks and deliveries. Those of webhooks derive from their options."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from mockserver.control.bodies import Body, DateTime, Query
from mockserver.webhooks.options import Topic, WebhookOptions, describe
from mockserver.world.records.webhooks import DeliveryState, SubscriptionStatus

LONGEST_WAIT = 60
"""Seconds that a request may wait for deliveries."""
LONGEST_OVERLAP = 365 * 86_400
"""Seconds for which a secret stays valid beside the one that replaces it."""
MOST_DELIVERIES = 1000
"""Deliveries in one answer."""
MOST_BYTES = 4 * 1024 * 1024
"""Of their bodies, and of the answers to their attempts."""

OPTIONS = msgspec.structs.fields(WebhookOptions)


class NewWebhook(WebhookOptions, frozen=True, kw_only=True):
    """A webhook of a project (name or id), or without one of the whole organization.

    `retries` is "default", "none", or the seconds to wait after each failure. `ordered` sends one message after the
    other. `misbehave` names how its messages go wrong (docs/webhooks.md).
    """

    project: str | None = None

    @property
    def options(self) -> WebhookOptions:
        return WebhookOptions(**{option.name: getattr(self, option.name) for option in OPTIONS})


_OptionChanges: Any = msgspec.defstruct(
    "_OptionChanges",
    [(option.name, option.type | msgspec.UnsetType, msgspec.UNSET) for option in OPTIONS],
    bases=(Body,),
    frozen=True,
    kw_only=True,
)


class ChangeWebhook(_OptionChanges):  # type: ignore[misc]  # derived at run time
    """Changes only the options in the body, and the status. The secret before a new one is valid for `overlap` seconds
    of the workspace's clock (docs/webhooks.md)."""

    status: Annotated[str, describe(enum=list(SubscriptionStatus))] | msgspec.UnsetType = msgspec.UNSET
    overlap: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_OVERLAP)] | msgspec.UnsetType = msgspec.UNSET

    @property
    def changes(self) -> dict[str, Any]:
        """The columns to change, by name."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not msgspec.UNSET}


_VisibleOptions: Any = msgspec.defstruct(
    "_VisibleOptions",
    [(option.name, option.type) for option in OPTIONS if option.name not in {"url", "secret"}],
    frozen=True,
    kw_only=True,
)


class WebhookView(_VisibleOptions):  # type: ignore[misc]  # derived at run time
    """A subscription without its secret, which is never shown again."""

    id: str
    url: str
    """Any text: GraphQL checks no URL."""
    project_id: str | None
    status: str
    failing_since: str | None
    ended_because: str | None
    dropped: int
    created_at: str
    updated_at: str
    previous_secret_until: str | None
    """When the secret before the present one stops being used; None if there is no such secret."""
    warning: str | None = None
    """Why nothing would arrive at a new `url`, in the answer that sets it."""


class WebhookList(msgspec.Struct, frozen=True):
    webhooks: list[WebhookView]


class AttemptView(msgspec.Struct, frozen=True):
    """One attempt. `answer` is cut at 4,096 bytes, `answer_size` is how many were read."""

    number: int
    at: str
    url: str
    seconds: float
    status: int | None
    failure: str | None
    reason: str
    answer_headers: list[tuple[str, str]]
    answer: str
    answer_size: int
    next_at: str | None


class DeliveryView(msgspec.Struct, frozen=True):
    """A message with its attempts. `body` is the text that was signed, byte for byte in UTF-8."""

    id: str
    webhook_id: str
    topic: str
    event_no: int
    project_id: str | None
    data_row_id: str | None
    label_id: str | None
    url: str
    headers: dict[str, str]
    body: str
    rendered_late: bool
    state: str
    made_at: str
    next_at: str | None
    attempts: list[AttemptView]


class DeliveryList(msgspec.Struct, frozen=True):
    """`settled` says that nothing was due any more when this was read. `next_after` requests the next page."""

    deliveries: list[DeliveryView]
    settled: bool
    next_after: int | None


class DeliveryQuery(Query, frozen=True, kw_only=True):
    """The requested deliveries, and the seconds to wait for them. `last` names the newest webhook or delivery."""

    wait: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_WAIT)] = 0.0
    first: Annotated[int, msgspec.Meta(ge=0, le=MOST_DELIVERIES)] = MOST_DELIVERIES
    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0
    webhook: str | msgspec.UnsetType = msgspec.UNSET
    state: Annotated[str, describe(enum=list(DeliveryState))] | msgspec.UnsetType = msgspec.UNSET
    topic: Topic | msgspec.UnsetType = msgspec.UNSET
    id: str | msgspec.UnsetType = msgspec.UNSET


class Replay(Body, frozen=True, kw_only=True):
    """The date-time of the world from which events are sent again."""

    since: DateTime


class RedeliverFailed(Body, frozen=True, kw_only=True):
    """Since which date-time of the world, by default since ever; of one webhook (`last` is the newest), or of all."""

    since: DateTime | None = None
    webhook: str | None = None


class Seconds(msgspec.Struct, frozen=True):
    median: float
    p95: float
    most: float


class Statistics(msgspec.Struct, frozen=True):
    """The deliveries of a webhook by state and topic, its attempts by HTTP status or failure, and how long the answers
    took."""

    webhook_id: str
    deliveries: dict[str, int]
    topics: dict[str, int]
    attempts: int
    results: dict[str, int]
    success_rate: float | None
    seconds: Seconds | None
    last_success_at: str | None
    last_failure_at: str | None


class Replayed(msgspec.Struct, frozen=True):
    deliveries: int
