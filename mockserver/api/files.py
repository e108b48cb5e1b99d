"""Files on disk as one HTTP body: whole, in part, or compressed (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import asyncio
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from email.utils import formatdate
from pathlib import Path

from starlette.types import Receive, Scope, Send

from mockserver.api.ranges import part_of

NDJSON = "application/x-ndjson; charset=utf-8"
READ = 128 * 1024
"""Bytes read and sent at a time. Larger reads are no faster and keep other requests waiting."""
_GZIP_LEVEL = 1
"""Six times as fast as the default, and rows still take a tenth of their size."""

Headers = list[tuple[bytes, bytes]]


class FilesResponse:
    """Files one after another as one body, with their length, read in pieces; constant memory.

    They never change under their names, so name and size are the entity's tag. A part is sent as it is, never packed:
    `requests` offers gzip with every request, also with those that go on where a download broke off.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        size: int,
        content_type: str,
        *,
        modified: float | None = None,
        compressed: bool = False,
    ) -> None:
        """`modified` in seconds since 1970; `compressed` for clients that take gzip."""
        self._paths, self._size, self._content_type = list(paths), size, content_type
        self._modified, self._compressed = modified, compressed
        names = "/".join("/".join(path.parts[-3:]) for path in self._paths)
        name = hashlib.blake2b(f"{names}/{size}".encode(), digest_size=12).hexdigest()
        self._tag, self._packed_tag = f'"{name}"', f'"{name}-gzip"'

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        asked = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = scope["method"] != "HEAD"
        packed = self._compressed and takes_gzip(asked.get("accept-encoding", "")) and not (body and "range" in asked)
        if packed:  # another entity than the plain one, so with a tag of its own
            self._tag = self._packed_tag
        if is_known(asked.get("if-none-match", ""), self._tag):
            await self._start(send, 304, [])
        elif packed:
            await self._start(send, 200, [*self._type(), (b"content-encoding", b"gzip")])
            if body:
                await self._send(send, self._gzipped())
        else:
            await self._send_identity(send, asked, body=body)
        await send({"type": "http.response.body", "body": b""})

    async def _send_identity(self, send: Send, asked: dict[str, str], *, body: bool) -> None:
        meant = body and asked.get("if-range", self._tag) == self._tag
        try:
            part = part_of(asked.get("range") if meant else None, self._size)
        except ValueError:
            await self._start(send, 416, [content_range("*", self._size), length(0)])
            return
        if part is None:
            await self._start(send, 200, [*self._type(), length(self._size)])
            pieces = self._pieces(0, self._size)
        else:
            stretch = content_range(f"{part.first}-{part.last}", self._size)
            await self._start(send, 206, [*self._type(), stretch, length(part.size)])
            pieces = self._pieces(part.first, part.last + 1)
        if body:
            await self._send(send, pieces)

    def _type(self) -> Headers:
        return [(b"content-type", self._content_type.encode())]

    async def _start(self, send: Send, status: int, headers: Headers) -> None:
        own: Headers = [(b"etag", self._tag.encode()), (b"accept-ranges", b"bytes")]
        if self._modified is not None:
            own.append((b"last-modified", formatdate(self._modified, usegmt=True).encode()))
        if self._compressed:
            own.append((b"vary", b"Accept-Encoding"))
        await send({"type": "http.response.start", "status": status, "headers": headers + own})

    async def _send(self, send: Send, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            # send() does not suspend while the client keeps up: without this others wait for the whole file.
            await asyncio.sleep(0)

    def _pieces(self, first: int, behind: int) -> Iterator[bytes]:
        """The bytes between, from whichever files they stand in."""
        for path in self._paths:
            if behind <= 0:
                return
            with path.open("rb", buffering=0) as file:
                size = path.stat().st_size
                if first < size:
                    file.seek(first)
                    left = min(size, behind) - first
                    while left > 0 and (piece := file.read(min(READ, left))):
                        left -= len(piece)
                        yield piece
            first, behind = max(0, first - size), behind - size

    def _gzipped(self) -> Iterator[bytes]:
        packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        for piece in self._pieces(0, self._size):
            yield packer.compress(piece)
        yield packer.flush()


def is_known(if_none_match: str, tag: str) -> bool:
    """Whether an If-None-Match says that the client has this entity."""
    known = {item.strip().removeprefix("W/") for item in if_none_match.split(",")}
    return tag in known or known == {"*"}


def takes_gzip(header: str) -> bool:
    """Whether an Accept-Encoding names gzip and does not refuse it."""
    for part in header.split(","):
        name, _, quality = part.partition(";")
        if name.strip().lower() in {"gzip", "*"}:
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", quality)
    return False


def length(size: int) -> tuple[bytes, bytes]:
    return b"content-length", str(size).encode()


def content_range(part: str, size: int) -> tuple[bytes, bytes]:
    return b"content-range", f"bytes {part}/{size}".encode()
