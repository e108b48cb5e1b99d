"""Creates and changes subscriptions, after a check of their options."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from mockserver.errors import BadInput, nearest, quote
from mockserver.webhooks.misbehaviour import check_name
from mockserver.webhooks.options import JSON_COLUMNS, WebhookOptions
from mockserver.world.changes.deliveries import Deliveries
from mockserver.world.record import JsonText
from mockserver.world.records.events import TOPICS
from mockserver.world.records.projects import Project
from mockserver.world.records.webhooks import Subscription, SubscriptionStatus


def subscribe(deliveries: Deliveries, options: WebhookOptions, project_id: str | None = None) -> Subscription:
    """Creates a subscription of a project, or of the organization. Raises BadInput, NotFound."""
    if project_id is not None:
        with deliveries.store.reading() as connection:
            connection.one_by_id(Project, project_id)
    return deliveries.subscribe(project_id, **to_columns(msgspec.structs.asdict(options)))


def change(
    deliveries: Deliveries, subscription_id: str, *, overlap: float | None = None, **values: Any
) -> Subscription:
    """Changes only the options in `values`, and the status if it is one of them. Raises BadInput, NotFound.

    `overlap`: seconds of the world's clock for which the secret before a new one stays valid.
    """
    if overlap is not None and "secret" not in values:
        raise BadInput(
            "The webhook's overlap is given without a secret; expected both, because the overlap is the time for which "
            "the present secret stays valid beside a new one"
        )
    overlap_microseconds = round((overlap or 0) * 1_000_000)
    return deliveries.change_subscription(subscription_id, overlap=overlap_microseconds, **to_columns(values))


def to_columns(values: dict[str, Any]) -> dict[str, Any]:
    """Checks options, and returns them as columns of a subscription. Raises BadInput."""
    for name in ("url", "secret"):
        if name in values and not values[name].strip():
            raise BadInput(f"The webhook's {name} is {values[name]!r}; expected a text that is not empty")
    columns = dict(values)
    if "topics" in values:
        columns["topics"] = _check_topics(values["topics"])
    if values.get("misbehave") is not None:
        check_name(values["misbehave"])
    if "status" in values:
        columns["status"] = _check_known(values["status"], SubscriptionStatus, "status")
    encoded = {name: _encode(columns[name]) for name in JSON_COLUMNS if name in columns}
    return columns | encoded


def _check_topics(topics: Sequence[str]) -> list[str]:
    if not topics:
        raise BadInput(f"The webhook has no topics; expected some of {quote(TOPICS)}")
    return list(dict.fromkeys(_check_known(topic, TOPICS, "topic") for topic in topics))


def _check_known(word: str, known: Iterable[str], noun: str) -> str:
    if word not in set(known):
        raise BadInput(f"The webhook's {noun} is {word!r}; the nearest known are {quote(nearest(word, known))}")
    return word


def _encode(value: Any) -> JsonText:
    return JsonText(msgspec.json.encode(value).decode())
