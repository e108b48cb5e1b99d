"""The controls of webhooks: subscriptions, deliveries and replays."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import Any, TypeVar

import msgspec
import orjson
from starlette.requests import Request

from mockserver.control.controls import Controls
from mockserver.control.expected import find_project
from mockserver.control.moments import parse_body_moment
from mockserver.control.waiting import Waiting, wait_unless_disconnected
from mockserver.control.webhook_bodies import (
    MOST_BYTES,
    AttemptView,
    ChangeWebhook,
    DeliveryList,
    DeliveryQuery,
    DeliveryView,
    NewWebhook,
    RedeliverFailed,
    Replay,
    Replayed,
    Seconds,
    Statistics,
    WebhookList,
    WebhookView,
)
from mockserver.errors import BadInput, NotFound, nearest, quote
from mockserver.webhooks import subscriptions
from mockserver.webhooks.options import load_options
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.moments import format_zulu
from mockserver.world.queries import deliveries as queries
from mockserver.world.records.events import TOPICS, Event
from mockserver.world.records.webhooks import Attempt, Delivery, DeliveryState, Subscription
from mockserver.world.store import Store

T = TypeVar("T")
LAST = "last"
BATCH = 100
"""Deliveries whose attempts are read together."""


class WebhookControls:
    """One method for each control of webhooks."""

    def __init__(self, controls: Controls, threads: Executor) -> None:
        self._workspace = controls.workspace
        self._threads, self._waiting = threads, Waiting(threads)

    def _webhook_id(self, request: Request) -> str:
        return self._resolve_id(request, Subscription, request.path_params["webhook"])

    def _delivery_id(self, request: Request) -> str:
        return self._resolve_id(request, Delivery, request.path_params["delivery"])

    def _resolve_id(self, request: Request, kind: type[Subscription | Delivery], name: str) -> str:
        """Returns the id, or that of the newest record for LAST, so that a user need not copy ids. Raises NotFound."""
        if name != LAST:
            return name
        with self._workspace(request).store.reading() as connection:
            newest = connection.select(kind, order="no DESC", first=1)
        if not newest:
            raise NotFound(f"There is no {kind.__name__.lower()} in this workspace yet")
        return newest[0].id

    def list_webhooks(self, request: Request, _body: None) -> WebhookList:
        """Lists the workspace's webhooks, including those created by GraphQL."""
        with self._workspace(request).store.reading() as connection:
            return WebhookList([view_webhook(item) for item in connection.select(Subscription, order="no")])

    def create_webhook(self, request: Request, body: NewWebhook) -> WebhookView:
        """Subscribes a receiver."""
        workspace = self._workspace(request)
        warning = workspace.find_refusal(body.url)
        project_id = None
        if body.project is not None:
            with workspace.store.reading() as connection:
                project_id = find_project(connection, body.project).id
        return view_webhook(subscriptions.subscribe(workspace.deliveries, body.options, project_id), warning)

    def change_webhook(self, request: Request, body: ChangeWebhook) -> WebhookView:
        """Changes a webhook; deliveries that wait are sent to a changed url, too."""
        changes, workspace = body.changes, self._workspace(request)
        warning = workspace.find_refusal(changes["url"]) if "url" in changes else None
        changed = subscriptions.change(workspace.deliveries, self._webhook_id(request), **changes)
        return view_webhook(changed, warning)

    def delete_webhook(self, request: Request, _body: None) -> None:
        """Deletes a webhook; deliveries that wait are stopped."""
        self._workspace(request).deliveries.unsubscribe(self._webhook_id(request))

    def replay(self, request: Request, body: Replay) -> Replayed:
        """Sends all events since a date-time of the world to a webhook again."""
        since = parse_body_moment(body.since, "since")
        workspace = self._workspace(request)
        return Replayed(workspace.outbox_writer.replay(workspace.deliveries, self._webhook_id(request), since))

    def statistics(self, request: Request, _body: None) -> Statistics:
        """Counts the deliveries and attempts of a webhook, and how long its receiver takes to answer."""
        webhook = self._webhook_id(request)
        with contextlib.closing(self._workspace(request).store.snapshot()) as connection:
            connection.one_by_id(Subscription, webhook)
            return view_statistics(connection, webhook)

    def redeliver_failed(self, request: Request, body: RedeliverFailed) -> Replayed:
        """Sends all failed deliveries since a date-time again."""
        since = 0 if body.since is None else parse_body_moment(body.since, "since")
        webhook = None if body.webhook is None else self._resolve_id(request, Subscription, body.webhook)
        return Replayed(self._workspace(request).deliveries.redeliver_failed(since, webhook))

    async def list_deliveries(self, request: Request, query: DeliveryQuery) -> DeliveryList:
        """Deliveries with every attempt, oldest first; `wait` holds the answer until nothing is due."""
        workspace = self._workspace(request)
        condition = await self._run_in_thread(self._build_condition, request, query)
        settled = await wait_unless_disconnected(
            request, self._waiting.wait_until_settled(workspace.deliveries, query.wait)
        )
        return await self._run_in_thread(_list_deliveries, workspace.store, condition, query.first, settled)

    async def _run_in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)

    def _build_condition(self, request: Request, query: DeliveryQuery) -> Clause:
        """Builds the condition of the requested deliveries. Raises BadInput, NotFound."""
        condition = Clause("no > :after", after=query.after)
        if query.webhook is not msgspec.UNSET:
            webhook = self._resolve_id(request, Subscription, query.webhook)
            condition &= Clause("subscription_id = :webhook", webhook=webhook)
        if query.id is not msgspec.UNSET:
            condition &= Clause("id = :id", id=self._resolve_id(request, Delivery, query.id))
        if query.state is not msgspec.UNSET:
            condition &= Clause("state = :state", state=_check_known("state", query.state, DeliveryState))
        if query.topic is not msgspec.UNSET:
            condition &= Clause("topic = :topic", topic=_check_known("topic", query.topic, TOPICS))
        return condition

    def redeliver(self, request: Request, _body: None) -> DeliveryView:
        """Sends a delivery again: the same bytes, headers and id."""
        workspace = self._workspace(request)
        delivery = workspace.deliveries.redeliver(self._delivery_id(request))
        with workspace.store.reading() as connection:
            return view_deliveries(connection, [delivery])[0]


def _list_deliveries(store: Store, condition: Clause, first: int, settled: bool) -> DeliveryList:
    # Not on the store's own connection: a long list would block deliveries and changes.
    with contextlib.closing(store.snapshot()) as connection:
        deliveries, next_after = queries.list_page(connection, condition, first, MOST_BYTES)
        return DeliveryList(view_deliveries(connection, deliveries), settled, next_after)


def _check_known(name: str, word: str, known: Iterable[str]) -> str:
    if word not in set(known):
        raise BadInput(f"{name} is {word!r}; the nearest known are {quote(nearest(word, known))}")
    return word


def _format_moment(moment: int | None) -> str | None:
    return None if moment is None else format_zulu(moment)


def view_webhook(subscription: Subscription, warning: str | None = None) -> WebhookView:
    options = msgspec.structs.asdict(load_options(subscription))
    del options["secret"]
    return WebhookView(
        **options,
        id=subscription.id,
        project_id=subscription.project_id,
        status=subscription.status,
        failing_since=_format_moment(subscription.failing_since),
        ended_because=subscription.ended_because,
        dropped=subscription.dropped,
        created_at=format_zulu(subscription.created_at),
        updated_at=format_zulu(subscription.updated_at),
        previous_secret_until=_format_moment(subscription.previous_until),
        warning=warning,
    )


def view_statistics(connection: Connection, webhook: str) -> Statistics:
    results = queries.count_by_result(connection, webhook)
    attempts = sum(results.values())
    succeeded = sum(count for result, count in results.items() if len(result) == 3 and result.startswith("2"))
    seconds = queries.list_seconds(connection, webhook)
    last_success, last_failure = queries.find_last_attempts(connection, webhook)
    return Statistics(
        webhook_id=webhook,
        deliveries=queries.count_by_state(connection, webhook),
        topics=queries.count_by_topic(connection, webhook),
        attempts=attempts,
        results=results,
        success_rate=round(succeeded / attempts, 4) if attempts else None,
        seconds=_summarize(seconds) if seconds else None,
        last_success_at=_format_moment(last_success),
        last_failure_at=_format_moment(last_failure),
    )


def _summarize(seconds: list[float]) -> Seconds:
    return Seconds(seconds[len(seconds) // 2], seconds[len(seconds) * 95 // 100], seconds[-1])


def view_deliveries(connection: Connection, deliveries: list[Delivery]) -> list[DeliveryView]:
    """Reads the attempts and events of many deliveries together."""
    attempts: dict[int, list[AttemptView]] = {delivery.no: [] for delivery in deliveries}
    events: dict[int, Event] = {}
    for start in range(0, len(deliveries), BATCH):
        batch = deliveries[start : start + BATCH]
        of_batch = Clause("delivery_no IN :nos", nos=[delivery.no for delivery in batch])
        for attempt in connection.select(Attempt, of_batch, order="delivery_no, number"):
            attempts[attempt.delivery_no].append(view_attempt(attempt))
        reported = Clause("no IN :nos", nos=[delivery.event_no for delivery in batch])
        events |= {event.no: event for event in connection.select(Event, reported)}
    return [view_delivery(item, events.get(item.event_no), attempts[item.no]) for item in deliveries]


def view_delivery(item: Delivery, event: Event | None, attempts: list[AttemptView]) -> DeliveryView:
    if event is None:
        raise NotFound(f"Delivery {item.id!r} reports an event that has been deleted")
    return DeliveryView(
        id=item.id,
        webhook_id=item.subscription_id,
        topic=item.topic,
        event_no=item.event_no,
        project_id=event.project_id,
        data_row_id=event.data_row_id,
        label_id=event.label_id,
        url=item.url,
        headers=orjson.loads(item.headers),
        body=item.body.decode(),
        rendered_late=item.rendered_late,
        state=item.state,
        made_at=format_zulu(item.made_at),
        next_at=_format_moment(item.due_at),
        attempts=attempts,
    )


def view_attempt(item: Attempt) -> AttemptView:
    return AttemptView(
        number=item.number,
        at=format_zulu(item.at),
        url=item.url,
        seconds=item.seconds,
        status=item.status,
        failure=item.failure,
        reason=item.reason,
        answer_headers=[(name, value) for name, value in orjson.loads(item.answer_headers)],
        answer=item.answer.decode("utf-8", "replace"),
        answer_size=item.answer_size,
        next_at=_format_moment(item.next_at),
    )
