"""The receiver of `webhook listen`: shows what comes and says whether it is genuine."""

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


class NothingBeside:
    """No dispatcher: a listener only answers."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Listener:
    """An ASGI app that takes POSTs on any path. `failing`: so many messages are answered 500 first."""

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
        self._came = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.method != "POST":
            answer = PlainTextResponse("POST webhooks here\n", 405, {"Allow": "POST"})
        else:
            try:
                answer = self._received(request, await request.body())
            except ClientDisconnect:
                self._echo(f"{clock_time()} a message to {printable(request.url.path)} broke off")
                return
        await answer(scope, receive, send)
        if self._count is not None and self._came >= self._count:
            self._stop()

    def _received(self, request: Request, body: bytes) -> PlainTextResponse:
        self._came += 1
        headers = dict(request.headers)
        verdict, genuine = self._verdict(headers, body)
        status = self._answer(genuine)
        self._echo(described(request.url.path, headers, body, verdict, status, whole=self._whole))
        return PlainTextResponse("", status)

    def _verdict(self, headers: Mapping[str, str], body: bytes) -> tuple[str, bool]:
        if self._secret is None:
            return UNVERIFIED, True
        found = verify(headers, body, secret=self._secret)
        return f"X-Hub-Signature {found.sha1}, X-Hub-Signature-256 {found.sha256}", found.genuine

    def _answer(self, genuine: bool) -> int:
        if self._came <= self._failing:
            return 500
        return self._status if genuine else 401


def described(path: str, headers: Mapping[str, str], body: bytes, verdict: str, status: int, *, whole: bool) -> str:
    """When, what, whether genuine, and the body."""
    topic = headers.get("x-labelbox-event", "no topic")
    delivery = headers.get("x-labelbox-id", "no id")
    what = f"{printable(topic)} {printable(delivery)} to {printable(path)}"
    return f"{clock_time()} {what}, {len(body)} bytes, answered {status}\n   {verdict}\n   {shown(body, whole=whole)}"


def clock_time() -> str:
    """Of this machine: a person is watching."""
    return datetime.datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]


def shown(body: bytes, *, whole: bool) -> str:
    """Indented when whole, else its beginning. What a terminal would obey is escaped."""
    if whole:
        with contextlib.suppress(ValueError):  # what is no JSON is shown as it is
            body = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)
    text = body.decode("utf-8", "replace")
    cut = text if whole else text[:MOST_SHOWN]
    return "\n".join(map(printable, cut.split("\n"))) + ("" if len(cut) == len(text) else " …")


def printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
