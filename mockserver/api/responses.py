"""Answers outside GraphQL: JSON, errors in the shape the SDK reads, files streamed in pieces."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mockserver.api.ranges import part_of
from mockserver.errors import WireError

NDJSON = "application/x-ndjson; charset=utf-8"
JSON = "application/json"
READ = 128 * 1024
"""Bytes read and sent at a time. Larger reads are no faster and keep other requests waiting."""


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
    headers = {"Content-Type": content_type, "Accept-Ranges": "bytes", "ETag": entity_tag(content)}
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


class FilesResponse:
    """Files one after another as one body, with their length, read in pieces; constant memory."""

    def __init__(self, paths: Iterable[Path], size: int, content_type: str) -> None:
        self._paths, self._size, self._content_type = list(paths), size, content_type

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", self._content_type.encode()),
            (b"content-length", str(self._size).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["method"] != "HEAD":
            await self._send_files(send)
        await send({"type": "http.response.body", "body": b""})

    async def _send_files(self, send: Send) -> None:
        for path in self._paths:
            with path.open("rb", buffering=0) as file:
                while piece := file.read(READ):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                    # send() does not suspend while the client keeps up: without this others wait for the whole file.
                    await asyncio.sleep(0)
