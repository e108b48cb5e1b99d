"""Hands messages on to another program, byte for byte, and gives its answer back."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from mockserver.commands.saved_messages import spell_names
from mockserver.webhooks.exchange import Outcome, Request
from mockserver.webhooks.sending import Sender
from mockserver.webhooks.targets import Everywhere, parse_target

OF_THE_CONNECTION = frozenset({
    b"host", b"content-length", b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade",
    b"expect", b"proxy-connection",
})  # fmt: skip
"""Headers that belong to one connection and are not handed on (RFC 9110, 7.6.1); the others stay as they are."""
NOT_REACHED = 502


class Forwarder:
    """Sends to one URL. Runs beside the listener, whose loop it shares."""

    def __init__(self, url: str, *, timeout: float) -> None:
        """Raises BadInput for a URL to which nothing can be sent."""
        parse_target(url)
        self._url, self._timeout = url, timeout
        self._sender = Sender(Everywhere())

    async def start(self) -> None:
        """Needs nothing: connections are opened by messages."""

    async def stop(self) -> None:
        await self._sender.close()

    async def forward(self, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> tuple[Response, str]:
        """Returns the answer of the program, or a 502, and a description of what happened."""
        handed_on = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in headers
            if name.lower() not in OF_THE_CONNECTION
        ]
        outcome = await self._sender.send(
            self._url, Request(headers=spell_names(handed_on), body=body, timeout=self._timeout)
        )
        return _build_response(outcome), _describe(self._url, outcome)


def _build_response(outcome: Outcome) -> Response:
    if outcome.status is None:
        return Response(f"{outcome.reason}\n", NOT_REACHED, media_type="text/plain")
    names = {b.decode() for b in OF_THE_CONNECTION} | {"content-encoding", "date", "server"}
    response = Response(outcome.answer, outcome.status)
    for name, value in outcome.headers:
        if name.lower() not in names:
            response.headers.append(name, value)
    return response


def _describe(url: str, outcome: Outcome) -> str:
    what = outcome.failure if outcome.status is None else outcome.status
    return f"{url}: {what} in {outcome.seconds * 1000:.0f} ms"
