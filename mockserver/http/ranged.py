"""One body, sent whole, in part or compressed, whatever it is read from (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import asyncio
import logging
import re
import zlib
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from email.utils import formatdate
from typing import NamedTuple, Protocol

import orjson
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from mockserver.errors import MOST_SHOWN, shorten
from mockserver.http.ranges import Part, parse_range
from mockserver.http.responses import FILE_POLICY, JSON

LOG = logging.getLogger(__name__)

AHEAD = 1024 * 1024
"""Bytes that are read ahead of a source that is read in a thread: a part of a file in a database."""
_GZIP_LEVEL = 1
"""Six times as fast as the default, and rows still take a tenth of their size."""

Headers = list[tuple[bytes, bytes]]


class SourceBroken(Exception):
    """A source could not be read to its end: a file was deleted or cut while it was sent, or cannot be read."""


class RangedSource(Protocol):
    """A body whose bytes can be read from any of them on. Its bytes never change."""

    @property
    def tag(self) -> str:
        """The entity tag, without quotes: a source with other bytes has another tag."""

    @property
    def blocking(self) -> bool:
        """Whether reading takes so long that it is done in a thread."""

    @property
    def counting(self) -> bool:
        """Whether the bytes have to be read to count them: that is done in a thread, too."""

    def size(self, *, exact: bool) -> int | None:
        """Returns the number of bytes; None unless `exact` when counting them takes as long as reading them."""

    def chunks(self, first: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yields the bytes from `first` to before `end`. Raises SourceBroken when some of them are missing."""

    def close(self) -> None:
        """Gives back what the source holds open. It is not read afterwards."""


class Answer(NamedTuple):
    """The status, the headers and the body that answer one request."""

    status: int
    headers: Headers
    chunks: Iterable[bytes] = ()


class RangedResponse:
    """An ASGI application that answers GET and HEAD with a source, or with the requested part of it; constant memory.

    A part is sent as it is, never compressed: `requests` offers gzip with every request, also with those that continue
    an interrupted download. Of several requested ranges the whole body is sent, as a server may.
    """

    def __init__(
        self, source: RangedSource, content_type: str, *, modified: float | None = None, compressed: bool = False
    ) -> None:
        """`modified` in seconds since 1970; `compressed` for clients that accept gzip. Closes the source at the end."""
        self._source, self._content_type = source, content_type
        self._modified, self._compressed = modified, compressed

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            answer = await self._answer(request)
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            if request.method != "HEAD":
                await self._send_chunks(send, iter(answer.chunks))
            await send({"type": "http.response.body", "body": b""})
        except SourceBroken as error:
            # The end of the body is not sent: the server closes the connection, notes that in one line, and the client
            # knows that something is missing.
            LOG.info("a download was ended: %s", error)
        finally:
            self._source.close()

    async def _answer(self, request: Request) -> Answer:
        compressed = self._is_compressed_for(request)
        # Compressed bytes are another entity than the plain ones, so they have a tag of their own.
        tag = f'"{self._source.tag}-gzip"' if compressed else f'"{self._source.tag}"'
        shared = self._build_headers(tag)
        if is_known(request.headers.get("if-none-match", ""), tag):
            return Answer(304, shared)
        if compressed:
            return Answer(200, [*self._type(), (b"content-encoding", b"gzip"), *shared], self._gzip())
        return await self._plain_answer(request, tag, shared)

    async def _plain_answer(self, request: Request, tag: str, shared: Headers) -> Answer:
        size = await self._size(exact=False)
        wanted = _range_header(request, tag)
        if wanted is not None:
            total = await self._size(exact=True) or 0
            try:
                part = parse_range(wanted, total)
            except ValueError:
                return _unsatisfiable(wanted, total, shared)
            if part is not None:
                return self._part_answer(part, total, shared)
        length = [] if size is None else [content_length(size)]
        return Answer(200, [*self._type(), *length, *shared], self._source.chunks())

    def _part_answer(self, part: Part, total: int, shared: Headers) -> Answer:
        where = [content_range(f"{part.first}-{part.last}", total), content_length(part.size)]
        return Answer(206, [*self._type(), *where, *shared], self._source.chunks(part.first, part.last + 1))

    def _is_compressed_for(self, request: Request) -> bool:
        part_wanted = request.method == "GET" and "range" in request.headers
        return self._compressed and not part_wanted and accepts_gzip(request.headers.get("accept-encoding", ""))

    async def _size(self, *, exact: bool) -> int | None:
        if self._source.counting:
            return await asyncio.to_thread(self._source.size, exact=exact)
        return self._source.size(exact=exact)

    def _type(self) -> Headers:
        return [(b"content-type", self._content_type.encode())]

    def _build_headers(self, tag: str) -> Headers:
        headers: Headers = [
            (b"etag", tag.encode()),
            (b"accept-ranges", b"bytes"),
            (b"content-security-policy", FILE_POLICY.encode()),
        ]
        if self._modified is not None:
            headers.append((b"last-modified", formatdate(self._modified, usegmt=True).encode()))
        if self._compressed:
            headers.append((b"vary", b"Accept-Encoding"))
        return headers

    async def _send_chunks(self, send: Send, chunks: Iterator[bytes]) -> None:
        async with aclosing(_take_in_thread(chunks) if self._source.blocking else _take(chunks)) as taken:
            async for chunk in taken:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                # send() does not suspend while the client keeps up: without this others wait for the whole body.
                await asyncio.sleep(0)

    def _gzip(self) -> Iterator[bytes]:
        compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        yield from filter(None, map(compressor.compress, self._source.chunks()))
        yield compressor.flush()


async def _take(chunks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    for chunk in chunks:
        yield chunk


async def _take_in_thread(chunks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Takes the first chunk, and then some at a time, since a change of threads takes as long as a chunk. They are read
    while those before them are sent; when it is closed in between, it waits for that reader."""
    batch = await asyncio.to_thread(_take_batch, chunks, 0)
    while batch:
        reading = asyncio.create_task(asyncio.to_thread(_take_batch, chunks, AHEAD))
        try:
            for chunk in batch:
                yield chunk
        except BaseException:
            await asyncio.wait({reading})
            reading.exception()  # nobody needs it, and unread it would be logged
            raise
        batch = await reading


def _take_batch(chunks: Iterator[bytes], most: int) -> list[bytes]:
    """At least one chunk, and more until they have `most` bytes; none at the end."""
    batch, size = [], 0
    for chunk in chunks:
        batch.append(chunk)
        size += len(chunk)
        if size >= most:
            break
    return batch


def _range_header(request: Request, tag: str) -> str | None:
    """The Range header, if it counts: only GET has parts, and If-Range wants one only of the entity that it names."""
    if request.method != "GET" or request.headers.get("if-range", tag) != tag:
        return None
    return request.headers.get("range")


def _unsatisfiable(wanted: str, total: int, shared: Headers) -> Answer:
    message = (
        f"The body has {total} bytes, and the Range header is {shorten(wanted, MOST_SHOWN)!r}; request a range that "
        "begins within the body"
    )
    body = orjson.dumps({"message": message, "code": "BAD_USER_INPUT"})
    where = [content_range("*", total), content_length(len(body))]
    return Answer(416, [(b"content-type", JSON.encode()), *where, *shared], [body])


def is_known(if_none_match: str, tag: str) -> bool:
    """Whether an If-None-Match header says that the client has the entity with this tag (with its quotes)."""
    known = {item.strip().removeprefix("W/") for item in if_none_match.split(",")}
    return tag in known or known == {"*"}


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header names gzip and does not refuse it."""
    for part in header.split(","):
        name, _, quality = part.partition(";")
        if name.strip().lower() in {"gzip", "*"}:
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", quality)
    return False


def content_length(size: int) -> tuple[bytes, bytes]:
    return b"content-length", str(size).encode()


def content_range(part: str, size: int) -> tuple[bytes, bytes]:
    return b"content-range", f"bytes {part}/{size}".encode()
