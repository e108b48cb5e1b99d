"""The controls of webhooks: subscriptions, deliveries, and what makes the world tell of something."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import orjson
from starlette.requests import Request

from mockserver.api.engine import written_moment
from mockserver.control.bodies import (
    AttemptFace,
    ChangeWebhook,
    DeliveryFace,
    DeliveryList,
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
from mockserver.errors import BadInput, NotFound, nearest, quoted
from mockserver.webhooks import subscriptions
from mockserver.webhooks.targets import target_of
from mockserver.world.database import EVERYTHING, Clause, Connection, where
from mockserver.world.events import Event
from mockserver.world.webhooks import Attempt, Delivery, DeliveryState, Subscription, Topic

MOST_SHOWN = 1000
"""Deliveries in one answer."""
LONGEST_WAIT = 60.0
LAST = "last"
DELIVERY_QUERIES = ("wait", "first", "after", "webhook", "state", "topic", "id")


class Hooks:
    """One method for each control of webhooks."""

    def __init__(self, controls: Controls) -> None:
        self._workspace = controls.workspace

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
        store = self._workspace(request).store
        target_of(body.url)
        fields = {name: getattr(body, name) for name in body.__struct_fields__ if name != "project"}
        if body.project is not None:
            with store.reading() as connection:
                fields["project_id"] = project_named(connection, body.project).id
        return _face(subscriptions.subscribe(store, **fields))

    def change_webhook(self, request: Request, body: ChangeWebhook) -> WebhookFace:
        """Change a webhook; a changed url counts for what is on its way, too."""
        if body.url is not msgspec.UNSET:
            target_of(body.url)
        given: dict[str, Any] = {
            name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not msgspec.UNSET
        }
        store = self._workspace(request).store
        return _face(subscriptions.change(store, self._webhook(request), **given))

    def delete_webhook(self, request: Request, _body: None) -> None:
        """Forget a webhook; what is on its way to it stops."""
        self._workspace(request).deliveries.unsubscribe(self._webhook(request))

    def replay(self, request: Request, body: Replay) -> Replayed:
        """Tell a webhook again of everything since a moment of the world."""
        since = read_moment(body.since, "since")
        return Replayed(self._workspace(request).announcer.replay(self._webhook(request), since))

    def list_deliveries(self, request: Request, _body: None) -> DeliveryList:
        """Deliveries with every attempt, oldest first; `wait` holds the answer until nothing is due."""
        workspace = self._workspace(request)
        seconds = _number(request, "wait", 0, LONGEST_WAIT)
        first, after = _whole(request, "first", MOST_SHOWN, MOST_SHOWN), _whole(request, "after", 0, 2**62)
        clause = where("no > :after", after=after) & self._asked(request)
        settled = workspace.settle(seconds)
        # Not on the store's own connection: a long list would hold up whoever wants to send or change something.
        with contextlib.closing(workspace.store.snapshot()) as connection:
            found = connection.select(Delivery, clause, order="no", first=first)
            shown = _shown(connection, found)
        return DeliveryList(shown, settled, found[-1].no if len(found) == first and found else None)

    def _asked(self, request: Request) -> Clause:
        """Which deliveries. Raises BadInput, NotFound."""
        asked = request.query_params
        clause = EVERYTHING
        if (webhook := asked.get("webhook")) is not None:
            clause &= where("subscription_id = :webhook", webhook=self._named(request, Subscription, webhook))
        if (delivery := asked.get("id")) is not None:
            clause &= where("id = :id", id=self._named(request, Delivery, delivery))
        if (state := asked.get("state")) is not None:
            clause &= where("state = :state", state=_known("state", state, DeliveryState))
        if (topic := asked.get("topic")) is not None:
            clause &= where("topic = :topic", topic=_known("topic", topic, Topic))
        return clause

    def redeliver(self, request: Request, _body: None) -> DeliveryFace:
        """Send a delivery again: the same bytes, headers and id."""
        workspace = self._workspace(request)
        again = workspace.deliveries.redeliver(self._delivery(request))
        with workspace.store.reading() as connection:
            return _shown(connection, [again])[0]


def _number(request: Request, name: str, default: float, most: float) -> float:
    """A query parameter. Raises BadInput."""
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= most:
        raise BadInput(f"{name} is {text!r}; expected a number from 0 to {most:g}")
    return number


def _whole(request: Request, name: str, default: int, most: int) -> int:
    """A query parameter without a fraction. Raises BadInput."""
    number = _number(request, name, default, most)
    if number != int(number):
        raise BadInput(f"{name} is {number}; expected a whole number")
    return int(number)


def _known(name: str, word: str, known: type[DeliveryState | Topic]) -> str:
    if word not in set(known):
        raise BadInput(f"{name} is {word!r}; the nearest known are {quoted(nearest(word, list(known)))}")
    return word


def _moment(moment: int | None) -> str | None:
    return None if moment is None else written_moment(moment)


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
        created_at=written_moment(item.created_at),
        updated_at=written_moment(item.updated_at),
    )


def _shown(connection: Connection, deliveries: list[Delivery]) -> list[DeliveryFace]:
    """With their attempts and events, read together."""
    attempts: dict[int, list[AttemptFace]] = {item.no: [] for item in deliveries}
    events: dict[int, Event] = {}
    for start in range(0, len(deliveries), 100):
        piece = deliveries[start : start + 100]
        tried = where("delivery_no IN :nos", nos=[item.no for item in piece])
        for attempt in connection.select(Attempt, tried, order="delivery_no, number"):
            attempts[attempt.delivery_no].append(_attempt(attempt))
        told = where("no IN :nos", nos=[item.event_no for item in piece])
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
        made_at=written_moment(item.made_at),
        next_at=_moment(item.due_at),
        attempts=attempts,
    )


def _attempt(item: Attempt) -> AttemptFace:
    return AttemptFace(
        number=item.number,
        at=written_moment(item.at),
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
