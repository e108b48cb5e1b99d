"""Builds one message from the options of `webhook send`, sends it, and shows the answer."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import msgspec
import orjson

from mockserver.certification.client import Answer, Client, NotReached, check_header
from mockserver.certification.documents import Version, load_documents, with_field, with_ids
from mockserver.errors import StartupError
from mockserver.webhooks.exchange import Request
from mockserver.webhooks.messages import Message, build_message
from mockserver.webhooks.misbehaviour import MISBEHAVIOURS, build_request, misbehave
from mockserver.world import ids

PATIENCE = 30.0
"""Seconds to wait for an answer."""
MOST_SHOWN = 300
"""Characters of an answer that are shown."""

Echo = Callable[[str], None]


class SendOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `webhook send`."""

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
    new_fields: tuple[str, ...] = ()
    misbehave: str | None = None
    show: bool = False


def send(options: SendOptions, *, echo: Echo) -> bool:
    """Sends the message; returns whether every answer was 2xx. Raises StartupError, BadInput."""
    client = Client(options.url, timeout=PATIENCE)
    requests = build_requests(options)
    if options.show:
        for request in requests:
            echo(render_request(client, request))
        return True
    try:
        with client:
            answers = client.send(requests)
    except NotReached as error:
        raise StartupError(f"{error}; start your receiver first, or correct the address") from None
    for request, answer in zip(requests, answers, strict=True):
        echo(format_answer(request, answer))
    return all(answer.accepted for answer in answers)


def build_requests(options: SendOptions) -> list[Request]:
    """The request of the message, or the requests of its misbehaviour. Raises StartupError, BadInput."""
    if not options.secret:
        raise StartupError("--secret is empty; the service refuses webhooks without one")
    check_header("--topic", options.topic)
    body = orjson.dumps(build_document(options))
    first = sign_message(options, options.topic, body)
    if options.misbehave is None:
        return [build_request(first)]
    messages = [first]
    if options.misbehave in MISBEHAVIOURS and MISBEHAVIOURS[options.misbehave].messages > 1:
        messages.append(sign_message(msgspec.structs.replace(options, delivery_id=None), "LABEL_UPDATED", body))
    return misbehave(options.misbehave, messages, secret=options.secret)


def sign_message(options: SendOptions, topic: str, body: bytes) -> Message:
    delivery_id = options.delivery_id
    if delivery_id is None:
        delivery_id = ids.cuid(time.time_ns() // 1000, "delivery", secrets.token_hex(8))
    check_header("--id", delivery_id)
    return build_message(delivery_id, topic, body, secret=options.secret)


def build_document(options: SendOptions) -> dict[str, object]:
    documents = load_documents(
        options.scenario, seed=options.seed, ends=options.ends, project=options.project, version=options.version
    )
    if options.row >= len(documents):
        raise StartupError(f"--row is {options.row}; there are {len(documents)} labelled data rows, counted from 0")
    ids_by_kind = {"data_row": options.data_row_id, "project": options.project_id, "label": options.label_id}
    document = with_ids(documents[options.row], {kind: own for kind, own in ids_by_kind.items() if own is not None})
    for assignment in options.fields:
        document = with_field(document, assignment)
    for assignment in options.new_fields:
        document = with_field(document, assignment, new=True)
    return document


def format_answer(request: Request, answer: Answer) -> str:
    """`LABEL_CREATED c… 6146 bytes: 200 in 3 ms`, and the body of the answer."""
    headers = dict(request.headers)
    line = (
        f"{headers['X-Labelbox-Event']} {headers['X-Labelbox-Id']} {len(request.body)} bytes:"
        f" {answer.summary} in {answer.seconds * 1000:.0f} ms"
    )
    text = answer.body.decode("utf-8", "replace")[:MOST_SHOWN].strip()
    return f"{line}\n{text}" if text else line


def render_request(client: Client, request: Request) -> str:
    """Head and body as they would be sent."""
    head = client.render_head(request).decode("latin-1").replace("\r\n", "\n")
    return head + request.body.decode("utf-8", "replace") + "\n"


def list_misbehaviours() -> str:
    """A line for each misbehaviour."""
    return "\n".join(f"{name:<20} {each.summary}" for name, each in MISBEHAVIOURS.items())
