"""Sends saved messages again: the same bytes and headers, at the pace at which they were received if requested."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from mockserver.certification.client import Client, NotReached
from mockserver.commands.saved_messages import SavedMessage
from mockserver.errors import StartupError
from mockserver.webhooks.exchange import Request
from mockserver.webhooks.messages import build_headers

PATIENCE = 30.0
"""Seconds to wait for an answer."""
NOT_SENT_AGAIN = frozenset({"host", "content-length", "connection", "transfer-encoding", "accept-encoding"})
"""Headers of the former connection."""

Echo = Callable[[str], None]


class ReplayOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `webhook replay`. `speed` 2 halves the pauses between messages; None leaves them out.

    With a `secret` messages are signed anew, for a receiver that has another one than the first.
    """

    url: str
    speed: float | None = None
    secret: str | None = None


def replay(messages: Sequence[SavedMessage], options: ReplayOptions, *, echo: Echo) -> bool:
    """Sends the messages in their order; returns whether every answer was 2xx. Raises StartupError."""
    accepted = True
    with Client(options.url, timeout=PATIENCE) as client:
        for number, message in enumerate(messages):
            if number and options.speed is not None:
                time.sleep(find_pause(messages[number - 1], message) / options.speed)
            request = build_request(message, secret=options.secret)
            try:
                [answer] = client.send([request])
            except NotReached as error:
                raise StartupError(f"{error}; start your receiver first, or correct the address") from None
            accepted = accepted and answer.accepted
            topic, delivery = message.header("x-labelbox-event"), message.header("x-labelbox-id")
            seconds = f"{answer.seconds * 1000:.0f} ms"
            echo(f"{topic} {delivery} {len(request.body)} bytes: {answer.summary} in {seconds}")
    return accepted


def find_pause(earlier: SavedMessage, later: SavedMessage) -> float:
    """Seconds between two messages; none if one of them does not say when it was received."""
    if earlier.received_at is None or later.received_at is None:
        return 0.0
    return max(0.0, later.received_at - earlier.received_at)


def build_request(message: SavedMessage, *, secret: str | None) -> Request:
    """The same request, or one with signatures by another secret."""
    headers = [(name, value) for name, value in message.headers if name.lower() not in NOT_SENT_AGAIN]
    if secret is not None:
        signed = build_headers("", "", message.content, secret=secret)
        names = {"x-hub-signature", "x-hub-signature-256"}
        headers = [(name, value) for name, value in headers if name.lower() not in names]
        headers += [(name, value) for name, value in signed.items() if name.lower() in names]
    return Request(headers=headers, body=message.content)
