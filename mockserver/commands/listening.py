"""The receiver of `webhook listen`: shows each message, verifies it, and answers, saves or forwards it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from mockserver.commands.forwarding import Forwarder
from mockserver.commands.received import Received, escape, format_clock_time
from mockserver.commands.saved_messages import SavedMessage, encode_body, save_message, spell_names
from mockserver.errors import BodyTooLarge
from mockserver.http.requests import read_body
from mockserver.webhooks.verification import Verification, verify

NOT_GENUINE = 401
MOST_BODY = 64 * 1024 * 1024
"""Bytes of a message. The largest one that is sent on purpose has 16 MiB, and a listener may be reached from outside
by a tunnel."""

Echo = Callable[[str], None]


class NoCompanion:
    """In the place of the dispatcher: a listener only answers."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class ListenOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `webhook listen`. `answers` are statuses in their order; the last one holds for all that follow.

    A message is genuine if it is signed with any of the `secrets`; without a secret none is checked.
    """

    secrets: Sequence[str] = ()
    answers: Sequence[int] = (200,)
    delay: float = 0.0
    count: int | None = None
    save: Path | None = None


class Listener:
    """An ASGI app that accepts POSTs on any path."""

    def __init__(
        self,
        options: ListenOptions,
        *,
        show: Callable[[Received], str],
        echo: Echo,
        stop: Callable[[], None],
        forwarder: Forwarder | None = None,
    ) -> None:
        self._options, self._show, self._echo, self._stop, self._forwarder = options, show, echo, stop, forwarder
        self._received = self._answered = 0
        self.failed = False
        """Whether a message was not genuine, or was refused by the program to which messages are forwarded."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.method != "POST":
            await PlainTextResponse("POST webhooks here\n", 405, {"Allow": "POST"})(scope, receive, send)
            return
        try:
            answer = await self._answer_message(request, await read_body(request, MOST_BODY))
        except BodyTooLarge as error:
            self._echo(f"{format_clock_time()} a message to {escape(request.url.path)} was refused: {error.message}")
            await PlainTextResponse(f"{error.message}\n", error.status)(scope, receive, send)
            return
        except ClientDisconnect:
            self._echo(f"{format_clock_time()} a message to {escape(request.url.path)} broke off")
            return
        await answer(scope, receive, send)
        self._answered += 1
        if self._options.count is not None and self._answered >= self._options.count:
            self._stop()

    async def _answer_message(self, request: Request, body: bytes) -> Response:
        self._received += 1
        number = self._received
        verification = find_verification(self._options.secrets, dict(request.headers), body)
        answer, forwarded = await self._choose_answer(number, request, body, verification)
        received = Received(
            number=number, received_at=time.time(), path=request.url.path, headers=list(request.headers.items()),
            body=body, verification=verification, status=answer.status_code, forwarded=forwarded,
        )  # fmt: skip
        self._judge(received)
        if self._options.save is not None:
            self._save(self._options.save, received)
        self._echo(self._show(received))
        return answer

    async def _choose_answer(
        self, number: int, request: Request, body: bytes, verification: Verification | None
    ) -> tuple[Response, str | None]:
        """The answer, and what the program to which the message was forwarded did."""
        await asyncio.sleep(self._options.delay)
        if verification is not None and not verification.genuine:
            return PlainTextResponse("", NOT_GENUINE), None
        if self._forwarder is not None:
            return await self._forwarder.forward(request.headers.raw, body)
        answers = self._options.answers
        return PlainTextResponse("", answers[min(number, len(answers)) - 1]), None

    def _judge(self, received: Received) -> None:
        refused = self._forwarder is not None and not 200 <= received.status < 300
        if refused or (received.verification is not None and not received.verification.genuine):
            self.failed = True

    def _save(self, folder: Path, received: Received) -> None:
        verification = received.verification
        message = SavedMessage(
            headers=spell_names(received.headers), received_at=received.received_at, path=received.path,
            genuine=None if verification is None else verification.genuine, answered=received.status,
            **encode_body(received.body),
        )  # fmt: skip
        save_message(folder, received.number, message)


def find_verification(secrets: Sequence[str], headers: dict[str, str], body: bytes) -> Verification | None:
    """The verification by the secret that fits, else by the first one; None without a secret."""
    verifications = [verify(headers, body, secret=secret) for secret in secrets]
    return next((one for one in verifications if one.genuine), verifications[0] if verifications else None)
