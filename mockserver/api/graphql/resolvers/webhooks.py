"""Webhooks as SDKs make them (wire.md §5: webhook.py of every version). Their payloads are V1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.api.graphql.call import call_of
from mockserver.api.graphql.filters import condition, unique
from mockserver.api.graphql.resolvers.fields import Fields
from mockserver.api.graphql.resolvers.people import organization
from mockserver.api.graphql.resolvers.projects import created_by
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput
from mockserver.webhooks import subscriptions
from mockserver.world.database import Clause
from mockserver.world.projects import Project
from mockserver.world.webhooks import Subscription


def add_to(fields: Fields) -> None:
    fields.attributes("Webhook", Subscription, "id url topics status createdAt updatedAt")
    fields.add(
        Webhook_createdBy=created_by,
        Webhook_organization=lambda _source, info: organization(None, info),
        Webhook_project=lambda source, info: call_of(info).find(Project, source.project_id),
        Query_webhook=webhook,
        Organization_webhooks=webhooks_of_organization,
        Project_webhooks=webhooks_of_project,
        Mutation_createWebhook=create_webhook,
        Mutation_updateWebhook=update_webhook,
    )


def webhook(_source: Any, info: Any, where: Mapping[str, Any]) -> Subscription:
    return call_of(info).one(Subscription, unique(Subscription, where), f"Webhook {where.get('id')!r}")


def webhooks_of_organization(
    _source: Any, info: Any, where: Any = None, skip: int = 0, first: int | None = None
) -> list[Subscription]:
    """All of them, those of projects too (inferred)."""
    return call_of(info).select(Subscription, condition(Subscription, where), order="no", skip=skip, first=first)


def webhooks_of_project(
    source: Project, info: Any, where: Any = None, skip: int = 0, first: int | None = None
) -> list[Subscription]:
    mine = condition(Subscription, where) & Clause("project_id = :project", project=source.id)
    return call_of(info).select(Subscription, mine, order="no", skip=skip, first=first)


def create_webhook(_source: Any, info: Any, data: Mapping[str, Any]) -> Subscription:
    """Any text is a URL here, as SDK tests send `https:/` with an id (test_webhook.py); sending to it fails."""
    check_texts(data)
    return subscriptions.subscribe(
        call_of(info).store,
        url=data.get("url") or "",
        secret=data.get("secret") or "",
        topics=(data.get("topics") or {}).get("set") or [],
        project_id=(data.get("project") or {}).get("id"),
    )


def update_webhook(_source: Any, info: Any, where: Mapping[str, Any], data: Mapping[str, Any]) -> Subscription:
    """Only what is given; a project cannot be changed (no client tries)."""
    if not where.get("id"):
        raise BadInput("updateWebhook came without where.id; expected updateWebhook(where: {id: …} …)")
    check_texts(data)
    given = {name: data[name] for name in ("url", "secret", "status") if data.get(name) is not None}
    if (topics := (data.get("topics") or {}).get("set")) is not None:
        given["topics"] = topics
    return subscriptions.change(call_of(info).store, str(where["id"]), **given)
