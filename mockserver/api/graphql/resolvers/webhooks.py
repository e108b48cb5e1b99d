"""Webhooks as SDKs make them (wire.md §5: webhook.py of every version). Their payloads are V1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.pages import Window
from mockserver.api.graphql.resolvers.people import get_organization
from mockserver.api.graphql.resolvers.projects import find_creator
from mockserver.api.graphql.texts import check_texts
from mockserver.webhooks import subscriptions
from mockserver.webhooks.options import WebhookOptions
from mockserver.world.clause import Clause
from mockserver.world.records.projects import Project
from mockserver.world.records.webhooks import Subscription


def add_to(fields: Fields) -> None:
    fields.add_attributes("Webhook", Subscription, "id url topics status createdAt updatedAt")
    fields.add("Webhook", "createdBy", find_creator)
    fields.add("Webhook", "organization", lambda _source, call: get_organization(None, call))
    fields.add("Webhook", "project", lambda source, call: call.find(Project, source.project_id))
    fields.add("Query", "webhook", find_webhook)
    fields.add("Organization", "webhooks", list_webhooks_of_organization)
    fields.add("Project", "webhooks", list_webhooks_of_project)
    fields.add("Mutation", "createWebhook", create_webhook)
    fields.add("Mutation", "updateWebhook", update_webhook)


def find_webhook(_source: Any, call: Call, where: Mapping[str, Any]) -> Subscription:
    return call.get_unique(Subscription, where, "Webhook")


def list_webhooks_of_organization(
    _source: Any, call: Call, where: Any = None, **window: Unpack[Window]
) -> list[Subscription]:
    """All of them, those of projects too (inferred)."""
    return call.search(Subscription, where, order="no", **window)


def list_webhooks_of_project(
    source: Project, call: Call, where: Any = None, **window: Unpack[Window]
) -> list[Subscription]:
    return call.search(Subscription, where, Clause("project_id = :project", project=source.id), order="no", **window)


def create_webhook(_source: Any, call: Call, data: Mapping[str, Any]) -> Subscription:
    """Any text is a URL here, as SDK tests send `https:/` with an id (test_webhook.py); sending to it fails."""
    check_texts(data)
    return subscriptions.subscribe(
        call.workspace.deliveries,
        WebhookOptions(
            url=data.get("url") or "",
            secret=data.get("secret") or "",
            topics=(data.get("topics") or {}).get("set") or [],
            version="v1",
        ),
        project_id=(data.get("project") or {}).get("id"),
    )


def update_webhook(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> Subscription:
    """Only what is given; a project cannot be changed (no client tries)."""
    webhook = read_id(where, "updateWebhook")
    check_texts(data)
    changes = {name: data[name] for name in ("url", "secret", "status") if data.get(name) is not None}
    if (topics := (data.get("topics") or {}).get("set")) is not None:
        changes["topics"] = topics
    return subscriptions.change(call.workspace.deliveries, webhook, **changes)
