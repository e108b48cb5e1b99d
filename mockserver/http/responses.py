"""Responses outside GraphQL: JSON, and errors in the shape that the SDK reads or that the storage writes."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from mockserver.errors import LinkExpired, LinkRefused, NotFound, WireError

JSON = "application/json"
NDJSON = "application/x-ndjson; charset=utf-8"
FILE_POLICY = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self' data:; style-src 'unsafe-inline'"
"""The content policy of every file that is served. A data row may be HTML, and comes from the same origin as the
control API: in a sandbox it has an origin of its own, runs no script and loads nothing from elsewhere. Pages of other
origins may show it in a frame, as they may what the service keeps in its storage."""


def json_response(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status, headers, "application/json")


def error_response(error: WireError) -> Response:
    """Builds the response to a REST error, with `message` (SDK: `response.json()["message"]`)."""
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return json_response({"message": error.message, "code": error.code, **error.extensions}, error.status, headers)


def storage_error(error: WireError) -> Response:
    """Builds the XML with which the storage behind the service refuses a link (codes and statuses: documented by it).

    `Details` is the message of this server.
    """
    from html import escape  # noqa: PLC0415  it imports a table of all entities, which a start has no use for

    status, code, message = next(row for kind, row in _STORAGE.items() if isinstance(error, kind))
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
