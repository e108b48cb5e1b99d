"""One connection to another replica: it sends a request in its envelope and reads the frames of the answer."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any
from urllib.parse import urlsplit

import httptools

from mockserver.forwarding.envelope import CONTENT_TYPE, NOT_OWNER_HEADER, PATH, SECRET_HEADER, Frame, FrameReader
from mockserver.storage.interface import Remote

MOST_UNREAD = 256 * 1024
"""Bytes of an answer that are held for a client that reads slowly, before the connection is not read any more."""
BEGUN = 100
"""The interim status by which the owner says that it has begun a request."""


class ReplicaLost(Exception):
    """The connection ended, or the lease of the replica, before the answer was whole."""


class RequestRefused(Exception):
    """The replica did not take the request."""

    def __init__(self, status: int, *, not_owner: bool) -> None:
        super().__init__(f"status {status}")
        self.status, self.not_owner = status, not_owner


class ReplicaConnection(asyncio.Protocol):
    """A connection, which is used by one request at a time. The parser calls the `on_` methods."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._lost: str | None = None
        self._writable: asyncio.Future[None] | None = None
        self._readable: asyncio.Future[None] | None = None
        self._clear()

    def _clear(self) -> None:
        self._frames: deque[Frame] = deque()
        self._reader = FrameReader()
        self._unread = 0
        self._is_read_paused = False
        self._status = 0
        self._not_owner = False
        self._is_written = self._is_complete = False
        self.begun = False
        """Whether the owner has begun to answer the request."""

    @property
    def is_open(self) -> bool:
        return self._lost is None

    @property
    def is_reusable(self) -> bool:
        """Whether the request was written and its answer read, both to their ends."""
        return self.is_open and self._is_written and self._is_complete and not self._frames

    # The request

    def begin(self, secret: str, first: bytes, *, whole: bool) -> None:
        """Begins a request: `first` is its head and the beginning of its body, or all of it if it is `whole`."""
        self._clear()
        length = b"content-length: %d" % len(first) if whole else b"transfer-encoding: chunked"
        lines = [
            b"POST %s HTTP/1.1" % PATH.encode(),
            b"host: " + urlsplit(self.remote.address).netloc.encode(),
            SECRET_HEADER + b": " + secret.encode(),
            b"expect: 100-continue",
            b"content-type: " + CONTENT_TYPE,
            length,
            b"",
            b"",
        ]
        head = b"\r\n".join(lines)
        self._write(head + first if whole else head + _chunk(first))
        self._is_written = whole

    async def write_body(self, data: bytes) -> None:
        """Writes a part of the body, as soon as the owner has read the earlier ones. Raises ReplicaLost."""
        if data:
            self._write(_chunk(data))
        if self._writable is not None:
            await self._writable
        if self._lost is not None:
            raise ReplicaLost(self._lost)

    def end_body(self) -> None:
        self._write(b"0\r\n\r\n")
        self._is_written = True

    def _write(self, data: bytes) -> None:
        if self._transport is not None and self._lost is None:
            self._transport.write(data)

    # The answer

    async def read(self) -> Frame:
        """The next frame. Raises ReplicaLost, RequestRefused."""
        while not self._frames:
            if self._is_complete and self._status != 200:
                raise RequestRefused(self._status, not_owner=self._not_owner)
            if self._lost is not None or self._is_complete:
                raise ReplicaLost(self._lost or "the answer ended too soon")
            self._readable = self._loop.create_future()
            await self._readable
        frame = self._frames.popleft()
        self._unread -= len(frame.payload)
        if self._is_read_paused and self._unread <= MOST_UNREAD // 2:
            self._is_read_paused = False
            if self._transport is not None and self._lost is None:
                self._transport.resume_reading()
        return frame

    async def wait_for_end(self) -> None:
        """Waits for the end of the answer after its last frame, which is usually there."""
        while not self._is_complete and self._lost is None:
            self._readable = self._loop.create_future()
            await self._readable

    def close(self, reason: str = "the connection was closed") -> None:
        """Ends the connection immediately; bytes that were not sent yet are dropped."""
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    def _end(self, reason: str) -> None:
        if self._lost is None:
            self._lost = reason
        for future in (self._readable, self._writable):
            _wake(future)

    # The methods that the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.close(f"the replica's answer is not HTTP: {error}")
        if self._frames or self._is_complete:
            _wake(self._readable)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the connection was lost: {exc}" if exc else "the connection ended")

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        _wake(self._writable)
        self._writable = None

    # The methods that the parser calls

    def on_header(self, name: bytes, _value: bytes) -> None:
        if name.lower() == NOT_OWNER_HEADER:
            self._not_owner = True

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        if self._status != 200:
            return
        for frame in self._reader.feed(body):
            self._frames.append(frame)
            self._unread += len(frame.payload)
        if self._unread > MOST_UNREAD and not self._is_read_paused and self._transport is not None:
            self._is_read_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._status == BEGUN:
            self.begun = True
        else:
            self._is_complete = True


async def connect(remote: Remote, within: float) -> ReplicaConnection:
    """Connects to a replica. Raises OSError, TimeoutError."""
    parts = urlsplit(remote.address)
    async with asyncio.timeout(within):
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: ReplicaConnection(remote), parts.hostname or "", parts.port or 80
        )
    return connection


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _wake(future: asyncio.Future[Any] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
