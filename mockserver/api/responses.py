"""Answers outside GraphQL: JSON, errors in the shape the SDK reads, files streamed in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

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
