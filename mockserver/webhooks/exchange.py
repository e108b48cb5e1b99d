"""One HTTP exchange with a receiver: the request to send, and its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

import msgspec

TIMEOUT = 15.0
"""Seconds for a whole exchange: the lower end of what Standard Webhooks 1.0 advises."""


class Failure(StrEnum):
    """The reason for an exchange without an answer."""

    NO_URL = "no url"
    """The URL cannot be used; the service's GraphQL accepts any text as a URL."""
    NOT_ALLOWED = "not allowed"
    """The address is a public one that is not allowed by `--webhook-allow`."""
    NOT_FOUND = "not found"
    """The host's name does not resolve."""
    NOT_CONNECTED = "not connected"
    """No process listens at the address, or the network has no route to it."""
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"
    """The connection ended before the answer did."""
    NOT_HTTP = "not http"
    CUT = "cut"
    """The sender ended the connection itself, because of the request's `cut`."""


class Cut(msgspec.Struct, frozen=True):
    """Ends the connection after so many bytes of the body: by FIN (`close`) or by RST (`reset`)."""

    after: int
    how: Literal["close", "reset"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `headers` are sent in their order and spelling; Host and Content-Length are added unless included.

    `delay`: seconds to wait before it is sent. `concurrent`: it does not wait for the answer to the request before it.
    `declared_length`: the value of Content-Length, if not the true one. `half_close`: closes the sending side after the
    body, so that the receiver sees that the rest will not follow. `chunked`: Transfer-Encoding instead of a length.
    `parts` and `pause`: the body is written in so many parts, with so many seconds between two.
    """

    headers: Sequence[tuple[str, str]]
    body: bytes
    method: str = "POST"
    delay: float = 0.0
    concurrent: bool = False
    declared_length: int | None = None
    half_close: bool = False
    chunked: bool = False
    parts: int = 1
    pause: float = 0.0
    cut: Cut | None = None
    timeout: float = TIMEOUT


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one request. `answer` is cut at ANSWER_KEPT bytes, `answer_size` counts the bytes that were read.

    `connected` and `sent`: how far the request got. `incomplete_status`: the status of an answer whose body ended
    before its Content-Length; such an exchange has failed.
    """

    status: int | None = None
    headers: list[tuple[str, str]] = []
    answer: bytes = b""
    answer_size: int = 0
    failure: Failure | None = None
    reason: str = ""
    seconds: float = 0.0
    connected: bool = True
    sent: bool = True
    incomplete_status: int | None = None

    @property
    def succeeded(self) -> bool:
        """2xx and nothing else: a redirect is not followed, and is no success."""
        return self.status is not None and 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """The first header with this lower-case name."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class ExchangeError(Exception):
    """Raised inside a sender when an exchange ends without a whole answer."""

    def __init__(self, failure: Failure, reason: str, *, incomplete_status: int | None = None) -> None:
        super().__init__(reason)
        self.failure, self.reason, self.incomplete_status = failure, reason, incomplete_status
