"""The controls of webhooks: subscriptions, deliveries, and what makes the world tell of something."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

import msgspec
import orjson
from starlette.requests import Request

from mockserver.control.bodies import (
    AttemptFace,
    ChangeWebhook,
    DeliveryFace,
    DeliveryList,
    DeliveryQuery,
    EventMade,
    MakeEvent,
    NewWebhook,
    Replay,
    Replayed,
    WebhookFace,
    WebhookList,
)
from mockserver.control.controls import Controls, read_moment
from mockserver.control.expected import project_named
from mockserver.control.happenings import make_event
from mockserver.control.waiting import Waiting, until_left
from mockserver.errors import BadInput, NotFound, nearest, quoted
from mockserver.webhooks import subscriptions
from mockserver.webhooks.targets import parse_target
from mockserver.world.database import Clause, Connection
from mockserver.world.events import Event
from mockserver.world.moments import format_zulu
from mockserver.world.store import Store
from mockserver.world.webhooks import Attempt, Delivery, DeliveryState, Subscription, Topic

T = TypeVar("T")
LAST = "last"


class WebhookControls:
    """One method for each control of webhooks."""

    def __init__(self, controls: Controls, threads: Executor) -> None:
        self._workspace = controls.workspace
        self._threads, self._waiting = threads, Waiting(threads)

    def _webhook(self, request: Request) -> str:
        return self._named(request, Subscription, request.path_params["webhook"])

    def _delivery(self, request: Request) -> str:
        return self._named(request, Delivery, request.path_params["delivery"])

    def _named(self, request: Request, kind: type[Subscription | Delivery], name: str) -> str:
        """An id; LAST stands for that of the newest, so that a person need not copy ids. Raises NotFound."""
        if name != LAST:
            return name
        with self._workspace(request).store.reading() as connection:
            found = connection.select(kind, order="no DESC", first=1)
        if not found:
            raise NotFound(f"There is no {kind.__name__.lower()} in this workspace yet")
        return found[0].id

    def make_event(self, request: Request, body: MakeEvent) -> EventMade:
        """Make something happen in the world."""
        return make_event(self._workspace(request), body)

    def list_webhooks(self, request: Request, _body: None) -> WebhookList:
        """The workspace's webhooks, those made by GraphQL too."""
        with self._workspace(request).store.reading() as connection:
            return WebhookList([_face(item) for item in connection.select(Subscription, order="no")])

    def create_webhook(self, request: Request, body: NewWebhook) -> WebhookFace:
        """Subscribe a receiver."""
        workspace = self._workspace(request)
        parse_target(body.url)
        fields = {name: getattr(body, name) for name in body.__struct_fields__ if name != "project"}
        if body.project is not None:
            with workspace.store.reading() as connection:
                fields["project_id"] = project_named(connection, body.project).id
        return _face(subscriptions.subscribe(workspace.deliveries, **fields))

    def change_webhook(self, request: Request, body: ChangeWebhook) -> WebhookFace:
        """Change a webhook; a changed url counts for what is on its way, too."""
        if body.url is not msgspec.UNSET:
            parse_target(body.url)
        given: dict[str, Any] = {
            name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not msgspec.UNSET
        }
        deliveries = self._workspace(request).deliveries
        return _face(subscriptions.change(deliveries, self._webhook(request), **given))

    def delete_webhook(self, request: Request, _body: None) -> None:
        """Forget a webhook; what is on its way to it stops."""
        self._workspace(request).deliveries.unsubscribe(self._webhook(request))

    def replay(self, request: Request, body: Replay) -> Replayed:
        """Tell a webhook again of everything since a moment of the world."""
        since = read_moment(body.since, "since")
        workspace = self._workspace(request)
        return Replayed(workspace.outbox_writer.replay(workspace.deliveries, self._webhook(request), since))

    async def list_deliveries(self, request: Request, query: DeliveryQuery) -> DeliveryList:
        """Deliveries with every attempt, oldest first; `wait` holds the answer until nothing is due."""
        workspace = self._workspace(request)
        asked = await self._in_thread(self._asked, request, query)
        settled = await until_left(request, self._waiting.until_settled(workspace.deliveries, query.wait))
        return await self._in_thread(_listed, workspace.store, asked, query.first, settled)

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)

    def _asked(self, request: Request, query: DeliveryQuery) -> Clause:
        """Which deliveries. Raises BadInput, NotFound."""
        clause = Clause("no > :after", after=query.after)
        if query.webhook is not msgspec.UNSET:
            clause &= Clause("subscription_id = :webhook", webhook=self._named(request, Subscription, query.webhook))
        if query.id is not msgspec.UNSET:
            clause &= Clause("id = :id", id=self._named(request, Delivery, query.id))
        if query.state is not msgspec.UNSET:
            clause &= Clause("state = :state", state=_known("state", query.state, DeliveryState))
        if query.topic is not msgspec.UNSET:
            clause &= Clause("topic = :topic", topic=_known("topic", query.topic, Topic))
        return clause

    def redeliver(self, request: Request, _body: None) -> DeliveryFace:
        """Send a delivery again: the same bytes, headers and id."""
        workspace = self._workspace(request)
        again = workspace.deliveries.redeliver(self._delivery(request))
        with workspace.store.reading() as connection:
            return _shown(connection, [again])[0]


def _listed(store: Store, asked: Clause, first: int, settled: bool) -> DeliveryList:
    # Not on the store's own connection: a long list would hold up whoever wants to send or change something.
    with contextlib.closing(store.snapshot()) as connection:
        found = connection.select(Delivery, asked, order="no", first=first)
        shown = _shown(connection, found)
    return DeliveryList(shown, settled, found[-1].no if len(found) == first and found else None)


def _known(name: str, word: str, known: type[DeliveryState | Topic]) -> str:
    if word not in set(known):
        raise BadInput(f"{name} is {word!r}; the nearest known are {quoted(nearest(word, list(known)))}")
    return word


def _moment(moment: int | None) -> str | None:
    return None if moment is None else format_zulu(moment)


def _face(item: Subscription) -> WebhookFace:
    return WebhookFace(
        id=item.id,
        url=item.url,
        topics=orjson.loads(item.topics),
        project_id=item.project_id,
        version=item.version,
        status=item.status,
        retries=orjson.loads(item.retries),
        ordered=item.ordered,
        concurrency=item.concurrency,
        timeout=item.timeout,
        misbehave=item.misbehave,
        failing_since=_moment(item.failing_since),
        ended_because=item.ended_because,
        dropped=item.dropped,
        created_at=format_zulu(item.created_at),
        updated_at=format_zulu(item.updated_at),
    )


def _shown(connection: Connection, deliveries: list[Delivery]) -> list[DeliveryFace]:
    """With their attempts and events, read together."""
    attempts: dict[int, list[AttemptFace]] = {item.no: [] for item in deliveries}
    events: dict[int, Event] = {}
    for start in range(0, len(deliveries), 100):
        piece = deliveries[start : start + 100]
        tried = Clause("delivery_no IN :nos", nos=[item.no for item in piece])
        for attempt in connection.select(Attempt, tried, order="delivery_no, number"):
            attempts[attempt.delivery_no].append(_attempt(attempt))
        told = Clause("no IN :nos", nos=[item.event_no for item in piece])
        events |= {event.no: event for event in connection.select(Event, told)}
    return [_delivery(item, events.get(item.event_no), attempts[item.no]) for item in deliveries]


def _delivery(item: Delivery, event: Event | None, attempts: list[AttemptFace]) -> DeliveryFace:
    if event is None:
        raise NotFound(f"Delivery {item.id!r} tells of an event that is gone")
    return DeliveryFace(
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
        next_at=_moment(item.due_at),
        attempts=attempts,
    )


def _attempt(item: Attempt) -> AttemptFace:
    return AttemptFace(
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
        next_at=_moment(item.next_at),
    )
