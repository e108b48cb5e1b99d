"""Files on disk as one HTTP body: whole, in part, or compressed (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import re
import zlib
from collections.abc import Iterable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import BinaryIO

from starlette.types import Receive, Scope, Send

from mockserver.http.ranges import part_of
from mockserver.http.responses import FILE_POLICY

LOG = logging.getLogger(__name__)

NDJSON = "application/x-ndjson; charset=utf-8"
READ = 128 * 1024
"""Bytes read and sent at a time. Larger reads are no faster and keep other requests waiting."""
_GZIP_LEVEL = 1
"""Six times as fast as the default, and rows still take a tenth of their size."""

OPENED_AHEAD = 8
"""Files of one download that are open from its beginning, so that it ends whole whatever is deleted meanwhile. An SDK
downloads file by file; a stream of a million rows has thousands, and so many descriptors nobody has."""

Headers = list[tuple[bytes, bytes]]
POLICY = (b"content-security-policy", FILE_POLICY.encode())


class Broken(Exception):
    """A file was deleted or cut, or cannot be read, while it was sent."""


class OpenFiles:
    """Files one after another, or a text in their place. Raises OSError when the first of them cannot be opened."""

    def __init__(self, paths: Iterable[Path] = (), text: bytes = b"") -> None:
        self._paths = list(paths)
        self._opened: dict[int, BinaryIO] = {}
        if not self._paths:
            self._paths, self._opened[0] = [Path()], io.BytesIO(text)
            return
        try:
            for index, path in enumerate(self._paths[:OPENED_AHEAD]):
                self._opened[index] = path.open("rb", buffering=0)
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        return "/".join("/".join(path.parts[-3:]) for path in self._paths)

    def close(self) -> None:
        for file in self._opened.values():
            file.close()

    def pieces(self, first: int, behind: int) -> Iterator[bytes]:
        """The bytes between, from whichever files they stand in. Raises Broken when they are not all there."""
        for index, path in enumerate(self._paths):
            if behind <= 0:
                return
            try:
                opened = self._opened.pop(index, None)
                with path.open("rb", buffering=0) if opened is None else opened as file:
                    size = file.seek(0, io.SEEK_END)
                    if first < size:
                        file.seek(first)
                        left = min(size, behind) - first
                        while left > 0 and (piece := file.read(min(READ, left))):
                            left -= len(piece)
                            yield piece
                        if left > 0:
                            raise Broken(f"{path} was cut while it was sent, {left} bytes too soon")
            except OSError as error:
                raise Broken(f"{path}: {error.strerror}") from error
            first, behind = max(0, first - size), behind - size
        if behind > 0:
            raise Broken(f"{self._paths[-1]} ends {behind} bytes too soon")


class FilesResponse:
    """Files one after another as one body, with their length, read in pieces; constant memory.

    They never change under their names, so name and size are the entity's tag. A part is sent as it is, never packed:
    `requests` offers gzip with every request, also with those that go on where a download broke off.
    """

    def __init__(
        self,
        files: OpenFiles,
        size: int,
        content_type: str,
        *,
        modified: float | None = None,
        compressed: bool = False,
    ) -> None:
        """Closes the files when it has answered. `modified` in seconds since 1970; `compressed` for clients that take
        gzip."""
        self._files, self._size, self._content_type = files, size, content_type
        self._modified, self._compressed = modified, compressed
        name = hashlib.blake2b(f"{files.name}/{size}".encode(), digest_size=12).hexdigest()
        self._tag, self._packed_tag = f'"{name}"', f'"{name}-gzip"'

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            await self._answer(scope, send)
        except Broken as error:
            # The end of the body is not sent: the server closes the connection, notes that in one line, and the client
            # knows that something is missing.
            LOG.info("a download was ended: %s", error)
        finally:
            self._files.close()

    async def _answer(self, scope: Scope, send: Send) -> None:
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
            pieces = self._files.pieces(0, self._size)
        else:
            stretch = content_range(f"{part.first}-{part.last}", self._size)
            await self._start(send, 206, [*self._type(), stretch, length(part.size)])
            pieces = self._files.pieces(part.first, part.last + 1)
        if body:
            await self._send(send, pieces)

    def _type(self) -> Headers:
        return [(b"content-type", self._content_type.encode())]

    async def _start(self, send: Send, status: int, headers: Headers) -> None:
        own: Headers = [(b"etag", self._tag.encode()), (b"accept-ranges", b"bytes"), POLICY]
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

    def _gzipped(self) -> Iterator[bytes]:
        packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        for piece in self._files.pieces(0, self._size):
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
