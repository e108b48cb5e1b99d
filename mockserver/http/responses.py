"""Answers outside GraphQL: JSON, and errors in the shape the SDK reads or the storage writes."""

from __future__ import annotations

import hashlib
from html import escape
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from mockserver.errors import LinkExpired, LinkRefused, NotFound, WireError
from mockserver.http.ranges import part_of

JSON = "application/json"
FILE_POLICY = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self' data:; style-src 'unsafe-inline'"
"""The content policy of every file that is served. A data row may be HTML, and comes from the same origin as the
control API: in a sandbox it has an origin of its own, runs no script and loads nothing from elsewhere. Pages of other
origins may show it in a frame, as they may what the service keeps in its storage."""


def json_response(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status, headers, "application/json")


def error_response(error: WireError) -> Response:
    """REST errors carry `message` (SDK: `response.json()["message"]`)."""
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return json_response({"message": error.message, "code": error.code, **error.extensions}, error.status, headers)


def content_response(request: Request, content: bytes, content_type: str) -> Response:
    """A file that is held in memory, or the range of it that is asked for (RFC 9110, section 14).

    Of several ranges the whole is sent, as a server may. HEAD is told of what GET would send, and nothing is sent.
    """
    headers = {
        "Content-Type": content_type,
        "Accept-Ranges": "bytes",
        "ETag": entity_tag(content),
        "Content-Security-Policy": FILE_POLICY,
    }
    asked = request.headers.get("range") if request.method == "GET" else None
    try:
        part = part_of(asked, len(content))
    except ValueError:
        message = f"The file has {len(content)} bytes, and Range asked for {asked}"
        nowhere = {"Content-Range": f"bytes */{len(content)}"}
        return json_response({"message": message, "code": "BAD_USER_INPUT"}, 416, nowhere)
    if part is None:
        return Response(content, headers=headers)
    headers["Content-Range"] = f"bytes {part.first}-{part.last}/{len(content)}"
    return Response(content[part.first : part.last + 1], 206, headers)


def entity_tag(content: bytes) -> str:
    """The same for the same bytes."""
    return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def storage_error(error: WireError) -> Response:
    """A refused link as the storage behind the service says it, in XML (its codes and statuses: documented by it).

    `Details` are our own words.
    """
    status, code, message = next(told for kind, told in _STORAGE.items() if isinstance(error, kind))
    document = (
        "<?xml version='1.0' encoding='UTF-8'?>"
        f"<Error><Code>{code}</Code><Message>{message}</Message><Details>{escape(error.message)}</Details></Error>"
    )
    headers = {"Content-Security-Policy": FILE_POLICY}
    return Response(document, status, headers, media_type="application/xml; charset=UTF-8")


_STORAGE: dict[type[WireError], tuple[int, str, str]] = {
    LinkExpired: (400, "ExpiredToken", "The provided token has expired."),
    LinkRefused: (403, "SignatureDoesNotMatch", "The signature does not match."),
    NotFound: (404, "NoSuchKey", "The specified key does not exist."),
}
