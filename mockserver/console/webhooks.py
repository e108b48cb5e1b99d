"""The webhooks of a workspace, and what was sent to them: each delivery with its request and every attempt's answer."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from starlette.responses import Response

from mockserver.console.calls import build_webhook_call, list_delivery_calls
from mockserver.console.headers import HEADERS
from mockserver.console.subjects import Subject, find_subject
from mockserver.console.view import View
from mockserver.console.words import encode_json
from mockserver.webhooks.misbehaviour import MISBEHAVIOURS
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.database import Connection
from mockserver.world.moments import format_zulu
from mockserver.world.queries.conditions import LIVE, match_subquery
from mockserver.world.records.events import TOPICS, Event
from mockserver.world.records.projects import Project
from mockserver.world.records.webhooks import Attempt, Delivery, DeliveryState, Subscription

MOST_LISTED = 50
MOST_PROJECTS = 500
WORDS = {
    DeliveryState.PENDING: "warn",
    DeliveryState.DELIVERED: "good",
    DeliveryState.FAILED: "bad",
    DeliveryState.STOPPED: "",
}
"""State -> how its word is coloured."""


class ListedWebhook(NamedTuple):
    """A webhook without its secret, which is never shown again."""

    subscription: Subscription
    topics: list[str]
    project: str | None


class ShownDelivery(NamedTuple):
    """A delivery with its attempts, oldest first."""

    delivery: Delivery
    attempts: list[Attempt]

    @property
    def headers(self) -> dict[str, str]:
        headers: dict[str, str] = orjson.loads(self.delivery.headers)
        return headers

    @property
    def body(self) -> str:
        return self.delivery.body.decode("utf-8", "replace")

    @property
    def last(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None


def show_webhooks(view: View) -> Response:
    """Shows the webhooks and the newest deliveries, or those alone for the script, or when the next one is due; with
    the path of a project those of its events. Raises NotFound."""
    if view.query.get("part") == "due":
        return send_next_due(view)
    with view.snapshot() as connection:
        subject = find_subject(view, connection) if "project" in view.request.path_params else None
        projects = connection.select(Project, LIVE, order="created_at, id", first=MOST_PROJECTS)
        names = {project.id: project.name for project in projects}
        mine = EVERYTHING if subject is None else Clause("project_id = :id OR project_id IS NULL", id=subject.id)
        subscriptions = connection.select(Subscription, mine, order="no DESC", first=MOST_LISTED)
        deliveries = load_deliveries(connection, build_condition(view, subject))
    project_id = subject.id if subject is not None else projects[0].id if projects else None
    return view.render(
        "delivery_list.html" if view.query.get("part") == "list" else "webhooks.html",
        webhooks=[
            ListedWebhook(item, orjson.loads(item.topics), names.get(item.project_id or "", item.project_id))
            for item in subscriptions
        ],
        projects=projects, deliveries=deliveries, words=WORDS, topics=TOPICS, given=view.query, most=MOST_LISTED,
        misbehaviours={name: item.summary for name, item in MISBEHAVIOURS.items()}, states=list(DeliveryState),
        call=build_webhook_call(view, project_id), subject=subject,
    )  # fmt: skip


def send_next_due(view: View) -> Response:
    """Sends the time of the next delivery that waits for a later time, for the clock; null without one."""
    with view.snapshot() as connection:
        waiting = Clause(
            "state = :state AND due_at > :now", state=DeliveryState.PENDING, now=view.workspace.store.clock.now()
        )
        due = connection.select_columns(Delivery, "due_at", waiting, order="due_at", first=1)
    return Response(
        encode_json({"next_at": format_zulu(due[0][0]) if due else None}), headers=HEADERS,
        media_type="application/json",
    )  # fmt: skip


def build_condition(view: View, subject: Subject | None) -> Clause:
    """Builds the condition of the deliveries that the address names. An unknown word matches none."""
    condition = EVERYTHING
    if subject is not None:
        condition = match_subquery("event_no", Event, "no", Clause("project_id = :project", project=subject.id))
    for name, column in (("webhook", "subscription_id"), ("state", "state"), ("topic", "topic")):
        if view.query.get(name):
            condition &= Clause(f"{column} = :value", value=view.query[name])
    return condition


def load_deliveries(connection: Connection, condition: Clause) -> list[ShownDelivery]:
    """Loads the newest deliveries with their attempts."""
    deliveries = connection.select(Delivery, condition, order="no DESC", first=MOST_LISTED)
    attempts: dict[int, list[Attempt]] = {delivery.no: [] for delivery in deliveries}
    for attempt in connection.select(
        Attempt, Clause("delivery_no IN :numbers", numbers=list(attempts)), order="delivery_no, number"
    ):
        attempts[attempt.delivery_no].append(attempt)
    return [ShownDelivery(delivery, attempts[delivery.no]) for delivery in deliveries]


def show_delivery(view: View) -> Response:
    """Shows one delivery: its request, its signature, and the answer to every attempt. Raises NotFound."""
    with view.snapshot() as connection:
        delivery = connection.one_by_id(Delivery, view.request.path_params["delivery"])
        [loaded] = load_deliveries(connection, Clause("no = :no", no=delivery.no))
    return view.render(
        "delivery.html", item=loaded, words=WORDS, pretty=_indent(loaded.body),
        lines=list_delivery_calls(view, delivery.id), answers=[read_answer(attempt) for attempt in loaded.attempts],
    )  # fmt: skip


def read_answer(attempt: Attempt) -> dict[str, Any]:
    """Reads the answer to an attempt: its headers, and the beginning of its body as text."""
    return {"headers": orjson.loads(attempt.answer_headers), "body": attempt.answer.decode("utf-8", "replace")}


def _indent(body: str) -> str:
    """The body with indents, for reading; as it is, if it is not JSON."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return body
