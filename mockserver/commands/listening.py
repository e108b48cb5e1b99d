"""The receiver of `webhook listen`: shows each message and says whether it is genuine."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Mapping

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from mockserver.webhooks.verification import verify

MOST_SHOWN = 400
"""Characters of a body that are shown."""
UNVERIFIED = "not checked: no --secret"

Echo = Callable[[str], None]


class NoCompanion:
    """In the place of the dispatcher: a listener only answers."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Listener:
    """An ASGI app that accepts POSTs on any path. `failing`: so many messages are answered with 500 first."""

    def __init__(
        self,
        *,
        secret: str | None,
        echo: Echo,
        stop: Callable[[], None],
        status: int = 200,
        failing: int = 0,
        count: int | None = None,
        whole: bool = False,
    ) -> None:
        self._secret, self._echo, self._stop = secret, echo, stop
        self._status, self._failing, self._count, self._whole = status, failing, count, whole
        self._received = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.method != "POST":
            answer = PlainTextResponse("POST webhooks here\n", 405, {"Allow": "POST"})
        else:
            try:
                answer = self._answer_message(request, await request.body())
            except ClientDisconnect:
                self._echo(f"{format_clock_time()} a message to {escape(request.url.path)} broke off")
                return
        await answer(scope, receive, send)
        if self._count is not None and self._received >= self._count:
            self._stop()

    def _answer_message(self, request: Request, body: bytes) -> PlainTextResponse:
        self._received += 1
        headers = dict(request.headers)
        verdict, genuine = self._verify(headers, body)
        status = self._choose_status(genuine)
        self._echo(format_message(request.url.path, headers, body, verdict, status, whole=self._whole))
        return PlainTextResponse("", status)

    def _verify(self, headers: Mapping[str, str], body: bytes) -> tuple[str, bool]:
        if self._secret is None:
            return UNVERIFIED, True
        verification = verify(headers, body, secret=self._secret)
        verdict = f"X-Hub-Signature {verification.sha1}, X-Hub-Signature-256 {verification.sha256}"
        return verdict, verification.genuine

    def _choose_status(self, genuine: bool) -> int:
        if self._received <= self._failing:
            return 500
        return self._status if genuine else 401


def format_message(
    path: str, headers: Mapping[str, str], body: bytes, verdict: str, status: int, *, whole: bool
) -> str:
    """Time, topic, id, path, size and answer; then the verdict; then the body."""
    topic = headers.get("x-labelbox-event", "no topic")
    delivery = headers.get("x-labelbox-id", "no id")
    title = f"{escape(topic)} {escape(delivery)} to {escape(path)}"
    text = format_body(body, whole=whole)
    return f"{format_clock_time()} {title}, {len(body)} bytes, answered {status}\n   {verdict}\n   {text}"


def format_clock_time() -> str:
    """The local time of this machine, for the user at the terminal."""
    return datetime.datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]


def format_body(body: bytes, *, whole: bool) -> str:
    """The whole body, indented, or its beginning. Control characters are escaped."""
    if whole:
        with contextlib.suppress(ValueError):  # a body that is not JSON is shown unchanged
            body = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)
    text = body.decode("utf-8", "replace")
    excerpt = text if whole else text[:MOST_SHOWN]
    return "\n".join(map(escape, excerpt.split("\n"))) + ("" if len(excerpt) == len(text) else " …")


def escape(text: str) -> str:
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
