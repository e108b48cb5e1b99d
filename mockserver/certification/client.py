"""The client of a certification: sends requests to one receiver, and gives each answer in the words of a report.

The webhook sender does the work; it runs on an event loop in a thread of its own, so that a certification can be called
from any code, with or without a loop.
"""

from __future__ import annotations

import asyncio
import http
import threading
from collections.abc import Callable, Sequence
from concurrent import futures
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from mockserver.errors import BadInput, StartupError
from mockserver.webhooks.connection import render_head
from mockserver.webhooks.exchange import Failure, Outcome, Request
from mockserver.webhooks.sending import Sender
from mockserver.webhooks.targets import Allowed, Everywhere, parse_target

T = TypeVar("T")
CHECK_EVERY = 0.5
"""Seconds from one call of a client's `check` to the next, while it waits."""
BODY_KEPT = 2000
"""Bytes of a body that are kept, of a message and of its answer."""


class Message(msgspec.Struct, frozen=True):
    """A request as it was sent: its head, and the beginning of its body with the number of all its bytes."""

    head: str
    body: bytes
    size: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver's answer. `status` None: there was none, and `trouble` says what happened instead.

    `waited`: no answer was received for as long as the client waits. `reached`: there was a connection at all.
    `message`: the request that it answers.
    """

    status: int | None
    seconds: float
    body: bytes = b""
    trouble: str = ""
    waited: bool = False
    reached: bool = True
    message: Message | None = None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def crashed(self) -> bool:
        """5xx, or a connection closed without an answer. 501 is an answer: that method is not served."""
        return self.status is None or (self.status >= 500 and self.status != http.HTTPStatus.NOT_IMPLEMENTED)

    @property
    def summary(self) -> str:
        return self.trouble if self.status is None else str(self.status)


class NotReached(Exception):
    """Raised when no server listens at the address; the message is the network's."""


class Client:
    """Sends requests to one URL, each on a connection of its own. A context manager."""

    def __init__(
        self, url: str, *, timeout: float, allowed: Allowed | None = None, check: Callable[[], None] | None = None
    ) -> None:
        """`timeout`: seconds without an answer. `allowed`: the addresses to send to, by default every one. `check` is
        called again and again while an answer is waited for: an error that it raises ends the wait. Raises
        StartupError for a URL to which nothing can be sent."""
        try:
            self._target = parse_target(url)
        except BadInput as error:
            raise StartupError(error.message) from None
        self._check = check or (lambda: None)
        self._url, self._timeout = url, timeout
        self._sender = Sender(allowed or Everywhere(), idle_seconds=0)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="certification", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._sender.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def send(self, requests: Sequence[Request]) -> list[Answer]:
        """The answers, in the order of the requests. Raises NotReached if a request that is sent alone has none."""
        batches = split_batches([self._prepare(request) for request in requests])
        return [answer for batch in batches for answer in self._send_batch(batch)]

    def _send_batch(self, batch: Sequence[Request]) -> list[Answer]:
        sending = asyncio.run_coroutine_threadsafe(self._sender.send_all(self._url, batch), self._loop)
        try:
            outcomes = self._wait_for(sending)
        finally:
            sending.cancel()
        answers = [
            msgspec.structs.replace(self._read(request, outcome), message=self._describe_message(request))
            for request, outcome in zip(batch, outcomes, strict=True)
        ]
        if len(answers) == 1 and not answers[0].reached:
            raise NotReached(answers[0].trouble)
        return answers

    def _wait_for(self, sending: Future[T]) -> T:
        """The result of what runs on the loop. Raises what `check` raises."""
        while not futures.wait([sending], CHECK_EVERY).done:
            self._check()
        return sending.result()

    def _prepare(self, request: Request) -> Request:
        """Closes the connection after the answer, or after a body that is too short; pauses do not count as waiting."""
        length = request.declared_length
        return msgspec.structs.replace(
            request,
            headers=[*request.headers, ("Connection", "close")],
            timeout=self._timeout + request.pause * (request.parts - 1),
            half_close=length is not None and length > len(request.body),  # or both would wait for the rest
        )

    def _read(self, request: Request, outcome: Outcome) -> Answer:
        if request.cut is not None:
            return Answer(status=None, seconds=outcome.seconds, trouble="cut by the sender")
        status = outcome.incomplete_status if outcome.status is None else outcome.status
        if status is not None:
            return Answer(status=status, seconds=outcome.seconds, body=outcome.answer[:BODY_KEPT])
        if not outcome.connected:
            trouble = f"{self._target.authority} cannot be reached: {outcome.reason}"
            return Answer(status=None, seconds=0.0, trouble=trouble, reached=False)
        waited = outcome.failure is Failure.TIMEOUT
        return Answer(status=None, seconds=outcome.seconds, trouble=self._describe(outcome), waited=waited)

    def _describe_message(self, request: Request) -> Message:
        head = render_head(self._target, request).decode("utf-8", "backslashreplace")
        return Message(head, bytes(request.body[:BODY_KEPT]), len(request.body))

    def _describe(self, outcome: Outcome) -> str:
        """The reason for a missing answer."""
        match outcome.failure:
            case Failure.TIMEOUT if outcome.sent:
                return f"no answer within {self._timeout:g} s"
            case Failure.TIMEOUT:
                return "the receiver stopped reading"
            case Failure.NOT_HTTP:
                return "the answer was not HTTP"
            case _ if outcome.sent:
                return "no answer: the connection was closed"
        return "the connection broke while the request was sent"

    def render_head(self, request: Request) -> bytes:
        """Request line and headers as they are sent."""
        return render_head(self._target, self._prepare(request))


def split_batches(requests: Sequence[Request]) -> list[list[Request]]:
    """The requests in batches: concurrent ones are in the batch of the request before them."""
    batches: list[list[Request]] = []
    for request in requests:
        if request.concurrent and batches:
            batches[-1].append(request)
        else:
            batches.append([request])
    return batches


def check_header(name: str, value: str) -> None:
    """Raises StartupError for a value that no header can carry."""
    if not value or not value.isascii() or not value.isprintable():
        raise StartupError(f"{name} is {value!r}; expected printable ASCII, because it is sent in a header")


def check_text(name: str, value: str) -> None:
    """Raises StartupError for a text that was not UTF-8 on the command line: Python keeps such bytes as surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise StartupError(f"{name} is {value!r}; expected UTF-8") from None
