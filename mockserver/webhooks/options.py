"""The options of a webhook. The control's bodies and their OpenAPI document, the GraphQL mutation and the subscription
are derived from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from mockserver.webhooks.exchange import TIMEOUT
from mockserver.webhooks.misbehaviour import MISBEHAVIOURS
from mockserver.webhooks.schedule import Schedule
from mockserver.world.records.events import TOPICS
from mockserver.world.records.webhooks import Subscription

CONCURRENCY = 16
"""Requests to one receiver at the same time, unless its subscription has another limit."""

JSON_COLUMNS = ("topics", "retries")
"""The options that a subscription stores as JSON."""


def describe(**schema: Any) -> msgspec.Meta:
    """Describes a value in JSON Schema that is checked by our own code, with a better message than msgspec's."""
    return msgspec.Meta(extra_json_schema=schema)


Url = Annotated[str, msgspec.Meta(max_length=2000, extra_json_schema={"minLength": 1, "format": "uri"})]
Secret = Annotated[str, describe(pattern=r"\S")]
"""A text that is not only spaces."""
Topic = Annotated[str, describe(enum=list(TOPICS))]


class WebhookOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`retries` is "default", "none", or the seconds to wait after each failure. `ordered` sends one message after the
    other. `timeout` in seconds. `misbehave` names how the messages go wrong (docs/webhooks.md)."""

    url: Url
    secret: Secret
    topics: Annotated[list[Topic], describe(minItems=1)]
    version: Literal["v1", "v2"] = "v2"
    retries: Schedule = "default"
    ordered: bool = False
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=128)] = CONCURRENCY
    timeout: Annotated[float, msgspec.Meta(gt=0, le=300)] = TIMEOUT
    misbehave: Annotated[str, describe(enum=list(MISBEHAVIOURS))] | None = None


def load_options(subscription: Subscription) -> WebhookOptions:
    """Returns the options of a subscription."""
    stored = {name: getattr(subscription, name) for name in WebhookOptions.__struct_fields__}
    return WebhookOptions(**stored | {name: msgspec.json.decode(stored[name]) for name in JSON_COLUMNS})
