"""What a subscription may say, whichever door it comes by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from mockserver.errors import BadInput, nearest, quoted
from mockserver.webhooks.exchange import TIMEOUT
from mockserver.webhooks.misbehaviour import check_name
from mockserver.webhooks.schedule import Schedule
from mockserver.world.changes.deliveries import Deliveries
from mockserver.world.database import JsonText
from mockserver.world.projects import Project
from mockserver.world.store import Store
from mockserver.world.webhooks import Subscription, SubscriptionStatus, Topic

Version = Literal["v1", "v2"]
CONCURRENCY = 16
"""Requests to one receiver at the same time, unless its subscription says otherwise."""


def subscribe(
    deliveries: Deliveries,
    *,
    url: str,
    secret: str,
    topics: Sequence[str],
    project_id: str | None = None,
    version: Version = "v1",
    retries: Schedule = "default",
    ordered: bool = False,
    concurrency: int = CONCURRENCY,
    timeout: float = TIMEOUT,
    misbehave: str | None = None,
) -> Subscription:
    """Raises BadInput, NotFound."""
    if project_id is not None:
        _check_project(deliveries.store, project_id)
    fields = checked({"url": url, "secret": secret, "topics": topics, "retries": retries, "misbehave": misbehave})
    return deliveries.subscribe(
        project_id=project_id,
        version=version,
        ordered=ordered,
        concurrency=concurrency,
        timeout=timeout,
        **fields,
    )


def change(deliveries: Deliveries, subscription_id: str, **given: Any) -> Subscription:
    """Only what is given. Raises BadInput, NotFound."""
    return deliveries.change_subscription(subscription_id, **checked(given))


def checked(given: dict[str, Any]) -> dict[str, Any]:
    """Fields by column; what is missing stays missing. Raises BadInput."""
    for name in ("url", "secret"):
        if name in given and not given[name].strip():
            raise BadInput(f"The webhook's {name} is {given[name]!r}; expected a text that is not empty")
    fields = dict(given)
    if "topics" in given:
        fields["topics"] = _text(_topics(given["topics"]))
    if "retries" in given:
        fields["retries"] = _text(given["retries"])
    if given.get("misbehave") is not None:
        check_name(given["misbehave"])
    if "status" in given:
        fields["status"] = _known(given["status"], SubscriptionStatus, "status")
    return fields


def _topics(topics: Sequence[str]) -> list[str]:
    if not topics:
        raise BadInput(f"The webhook has no topics; expected some of {quoted(Topic)}")
    return list(dict.fromkeys(_known(topic, Topic, "topic") for topic in topics))


def _known(word: str, known: type[Topic | SubscriptionStatus], what: str) -> str:
    if word not in set(known):
        raise BadInput(f"The webhook's {what} is {word!r}; the nearest known are {quoted(nearest(word, list(known)))}")
    return word


def _check_project(store: Store, project_id: str) -> None:
    with store.reading() as connection:
        connection.one_by_id(Project, project_id)


def _text(value: Any) -> JsonText:
    return JsonText(msgspec.json.encode(value).decode())
