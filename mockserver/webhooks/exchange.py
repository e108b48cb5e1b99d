"""One HTTP request that is to go out, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

import msgspec

TIMEOUT = 15.0
"""Seconds for a whole exchange: the lower end of what Standard Webhooks 1.0 advises."""


class Failure(StrEnum):
    """Why there is no answer."""

    NO_URL = "no url"
    """Nothing can be sent to such a URL; the service's GraphQL takes any text for one."""
    NOT_ALLOWED = "not allowed"
    """The address is a public one that nobody named."""
    NOT_FOUND = "not found"
    """The host's name does not resolve."""
    NOT_CONNECTED = "not connected"
    """Nobody listens there, or the network does not lead there."""
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"
    """The connection ended before the answer did."""
    NOT_HTTP = "not http"
    CUT = "cut"
    """We ended it ourselves, as the request's `cut` said."""


class Pace(msgspec.Struct, frozen=True):
    """The body in pieces of `size` bytes with `seconds` between them."""

    size: int
    seconds: float


class Cut(msgspec.Struct, frozen=True):
    """End the connection after so many bytes of the body: by FIN or by RST."""

    after: int
    how: Literal["close", "reset"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`headers` go out in their order and spelling; Host and Content-Length are added unless they are among them.

    `declared_length` stands in Content-Length instead of the body's own.
    """

    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    method: str = "POST"
    declared_length: int | None = None
    pace: Pace | None = None
    cut: Cut | None = None
    timeout: float = TIMEOUT


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one request. `answer` is cut at ANSWER_KEPT bytes, `answer_size` is what was read of it."""

    status: int | None = None
    headers: list[tuple[str, str]] = []
    answer: bytes = b""
    answer_size: int = 0
    failure: Failure | None = None
    reason: str = ""
    seconds: float = 0.0

    @property
    def succeeded(self) -> bool:
        """2xx and nothing else: a redirect is not followed, and is no success."""
        return self.status is not None and 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


class Failed(Exception):
    """Inside of a sender: how an exchange ended without an answer."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure, self.reason = failure, reason
