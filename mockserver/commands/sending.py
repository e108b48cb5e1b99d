"""One message, put together as asked, sent, and what came of it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import msgspec
import orjson

from mockserver.certification.documents import Version, documents_of, with_field, with_ids
from mockserver.certification.wire import Answer, NotReached, Target, Wire, check_header
from mockserver.errors import StartupError
from mockserver.webhooks.messages import Message, build_message
from mockserver.webhooks.misbehaviour import MISBEHAVIOURS, Shot, misbehave, shot
from mockserver.world import ids

PATIENCE = 30.0
"""Seconds that an answer is waited for."""
MOST_SHOWN = 300
"""Characters of an answer that are shown."""

Echo = Callable[[str], None]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What `webhook send` was asked for."""

    url: str
    secret: str
    topic: str
    scenario: str = "default"
    seed: int = 0
    ends: str | None = None
    project: str | None = None
    version: Version = "v2"
    row: int = 0
    delivery_id: str | None = None
    data_row_id: str | None = None
    project_id: str | None = None
    label_id: str | None = None
    fields: tuple[str, ...] = ()
    misbehave: str | None = None
    show: bool = False


def send(order: Order, *, echo: Echo) -> bool:
    """Whether every answer was 2xx. Raises StartupError, BadInput."""
    target = Target.of(order.url)
    wire = Wire(target, timeout=PATIENCE)
    shots = shots_of(order)
    if order.show:
        for each in shots:
            echo(as_text(wire, each))
        return True
    try:
        answers = wire.fire(shots)
    except NotReached as error:
        raise StartupError(f"{error}; start your receiver first, or correct the address") from None
    for each, answer in zip(shots, answers, strict=True):
        echo(told(each, answer))
    return all(answer.accepted for answer in answers)


def shots_of(order: Order) -> list[Shot]:
    """The message, or what its misbehaviour makes of it. Raises StartupError, BadInput."""
    if not order.secret:
        raise StartupError("--secret is empty; the service refuses webhooks without one")
    check_header("--topic", order.topic)
    body = orjson.dumps(document_of(order))
    first = message_of(order, order.topic, body)
    if order.misbehave is None:
        return [shot(first)]
    events = [first]
    if order.misbehave in MISBEHAVIOURS and MISBEHAVIOURS[order.misbehave].messages > 1:
        events.append(message_of(msgspec.structs.replace(order, delivery_id=None), "LABEL_UPDATED", body))
    return misbehave(order.misbehave, events, secret=order.secret)


def message_of(order: Order, topic: str, body: bytes) -> Message:
    own = order.delivery_id
    delivery = ids.cuid(time.time_ns() // 1000, "delivery", secrets.token_hex(8)) if own is None else own
    check_header("--id", delivery)
    return build_message(delivery, topic, body, secret=order.secret)


def document_of(order: Order) -> dict[str, object]:
    found = documents_of(order.scenario, seed=order.seed, ends=order.ends, project=order.project, version=order.version)
    if order.row >= len(found):
        raise StartupError(f"--row is {order.row}; there are {len(found)} labelled data rows, counted from 0")
    given = {"data_row": order.data_row_id, "project": order.project_id, "label": order.label_id}
    document = with_ids(found[order.row], {what: own for what, own in given.items() if own is not None})
    for assignment in order.fields:
        document = with_field(document, assignment)
    return document


def told(sent: Shot, answer: Answer) -> str:
    """`LABEL_CREATED c… 6146 bytes: 200 in 3 ms`, and what the receiver said."""
    headers = dict(sent.headers)
    line = (
        f"{headers['X-Labelbox-Event']} {headers['X-Labelbox-Id']} {len(sent.body)} bytes:"
        f" {answer.told} in {answer.seconds * 1000:.0f} ms"
    )
    said = answer.body.decode("utf-8", "replace")[:MOST_SHOWN].strip()
    return f"{line}\n{said}" if said else line


def as_text(wire: Wire, sent: Shot) -> str:
    """Head and body as they would go out."""
    return wire.head(sent).decode("latin-1").replace("\r\n", "\n") + sent.body.decode("utf-8", "replace") + "\n"


def misbehaviours() -> str:
    """A line for each."""
    return "\n".join(f"{name:<20} {each.told}" for name, each in MISBEHAVIOURS.items())
