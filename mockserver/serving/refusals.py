"""The bounds of a connection, and the answers to requests that exceed them or are not HTTP."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

import httptools
import orjson

from mockserver.errors import MOST_SHOWN, shorten


class Bounds(NamedTuple):
    """Limits of one connection: sizes in bytes, counts, and times in seconds."""

    head: int = 64 * 1024
    """Bytes of a request besides its body: request line, fields, trailers, and the frames of chunks."""
    fields: int = 100
    """Fields of a head, and of a trailer. SDKs send some ten."""
    pipelined: int = 32
    """Requests that wait for the answers to earlier ones. No known client sends a second one."""
    head_seconds: float = 10.0
    """From the connection to its first byte, and from the first byte of a head to its end."""
    idle: float = 75.0
    """From an answer to the next request. Longer than the 60 s for which clients and proxies keep connections."""
    body_silence: float = 60.0
    """Without a byte inside a body."""
    body_seconds: float = 600.0
    """From the end of a head to the end of its body. The largest body, 4 MiB, needs 7 kB/s."""
    answer_silence: float = 600.0
    """In which a client reads nothing of its answer. A user who debugs a client may stop it for minutes."""
    linger: float = 2.0
    """In which a refused client may go on sending. A connection closed immediately is reset, and the answer lost."""


class Refusal(NamedTuple):
    """An answer that ends a connection."""

    status: HTTPStatus
    message: str


def head_too_large(bounds: Bounds) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        f"The request has more than {bounds.head} bytes besides its body; send a shorter URL or fewer header fields",
    )


def too_many_fields(bounds: Bounds) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        f"The request has more than {bounds.fields} header fields; send fewer",
    )


def too_many_requests(bounds: Bounds) -> Refusal:
    return Refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"More than {bounds.pipelined} requests were received before earlier ones were answered; wait for the answers",
    )


def head_too_slow(bounds: Bounds) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_TIMEOUT,
        f"The head of the request was not complete within {bounds.head_seconds:g} s; send it in one piece",
    )


def body_too_slow(bounds: Bounds) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_TIMEOUT,
        f"The body of the request is not complete: it may pause for {bounds.body_silence:g} s and take "
        f"{bounds.body_seconds:g} s; send as many bytes as Content-Length says, or the last chunk",
    )


NO_PROXY = Refusal(
    HTTPStatus.BAD_REQUEST, "CONNECT is for proxies, and this server is not one; send GET or POST to its own paths"
)


def refuse_non_http(error: httptools.HttpParserError) -> Refusal:
    """Builds the refusal of bytes that are not HTTP, with the reason of the parser or of one of its callbacks."""
    why = shorten(str(error.__context__ or error), MOST_SHOWN)
    return Refusal(HTTPStatus.BAD_REQUEST, f"The request is not HTTP/1.1 as RFC 9112 describes it: {why}")


def render_answer(refusal: Refusal, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Renders a whole HTTP answer that closes the connection, in the shape of other refusals outside GraphQL."""
    body = orjson.dumps({"message": refusal.message, "code": "BAD_USER_INPUT"})
    lines = [
        f"HTTP/1.1 {refusal.status.value} {refusal.status.phrase}".encode(),
        *(name + b": " + value for name, value in headers),
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        b"connection: close",
        b"",
        body,
    ]
    return b"\r\n".join(lines)
