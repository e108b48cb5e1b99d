"""One connection to a receiver: a request is written, its answer is listened for. What comes is bounded, not when."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time

import httptools

from mockserver.webhooks.exchange import Cut, Exchange, Failed, Failure, Request
from mockserver.webhooks.targets import Target

ANSWER_KEPT = 4096
"""Bytes of an answer's body that are kept."""
ANSWER_READ = 1024 * 1024
"""Bytes of an answer that are read before the rest is left alone."""
HEAD_READ = 256 * 1024
"""Bytes of an answer that are no body: headers, interim answers, frames of chunks, trailers."""
AT_A_STROKE = 64 * 1024
"""Bytes of a body that are sent before the answer is listened for."""
SWITCHING = 101
"""The only 1xx that no other answer follows; nobody was asked to switch."""


class Connection:
    """One connection and the parser of its answers, which hears of them through the `on_` methods."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._parser = httptools.HttpResponseParser(self)
        self._rested = 0.0
        self._forget()

    def _forget(self) -> None:
        self._headers: list[tuple[str, str]] = []
        self._answer = b""
        self._size = self._came = 0
        self._status = 0
        self._headed = self._complete = False
        self.answering = False
        self.reusable = False

    def usable(self, since: float) -> bool:
        return self._rested > since and not self._writer.is_closing() and self._silent()

    def _silent(self) -> bool:
        """Whether nothing came since the answer, nor the end: it would be taken for the next answer."""
        looking = self._reader.read(1)
        try:
            looking.send(None)
        except (StopIteration, OSError):
            return False
        looking.close()
        return True

    def rest(self) -> None:
        self._rested = time.monotonic()

    def close(self) -> None:
        """At once: what the receiver did not read would keep the connection for ever."""
        if self._writer.transport.get_write_buffer_size():
            self._writer.transport.abort()
        self._writer.close()

    async def exchange(self, target: Target, request: Request) -> Exchange:
        self._forget()
        head = head_of(target, request)
        if request.pace is None and request.cut is None and len(request.body) <= AT_A_STROKE:
            self._writer.write(head + request.body)
            await self._listen()
        else:
            await self._listen_while_writing(head, request)
        return Exchange(status=self._status, headers=self._headers, answer=self._answer, answer_size=self._size)

    async def _listen_while_writing(self, head: bytes, request: Request) -> None:
        """Who refuses a body for its size answers without having read it."""
        writing = asyncio.create_task(self._write(head, request))
        try:
            await self._listen()
        except (Failed, OSError):
            if writing.done() and isinstance(failed := writing.exception(), Failed):
                raise failed from None
            raise
        finally:
            self.reusable = self.reusable and writing.done()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _listen(self) -> None:
        while not self._complete and self._size <= ANSWER_READ:
            data = await self._reader.read(65536)
            if not data:
                self._ended()
                break
            self.answering = True
            self._parse(data)
            self._came += len(data)
            if self._came - self._size > HEAD_READ and not self._complete:
                self._check_headed()
                break

    def _check_headed(self) -> None:
        if not self._headed:
            raise Failed(Failure.NOT_HTTP, f"more than {HEAD_READ} bytes came and no answer among them")

    def _parse(self, data: bytes) -> None:
        """What comes behind a whole answer is left alone, and its connection too."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._complete = True
        except httptools.HttpParserError:
            if not self._complete:
                raise
            self.reusable = False

    async def _write(self, head: bytes, request: Request) -> None:
        self._writer.write(head)
        body = request.body if request.cut is None else request.body[: request.cut.after]
        size, seconds = (len(body) or 1, 0.0) if request.pace is None else (request.pace.size, request.pace.seconds)
        for start in range(0, len(body), size):
            if start:
                await asyncio.sleep(seconds)
            self._writer.write(body[start : start + size])
            await self._writer.drain()
        if request.cut is not None:
            await self._break(request.cut)

    async def _break(self, cut: Cut) -> None:
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()
        if cut.how == "reset":
            raw = self._writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        self._writer.close()
        raise Failed(Failure.CUT, f"the connection was ended by us after {cut.after} bytes of the body")

    def _ended(self) -> None:
        """An answer without a length lasts until the connection ends; any other is broken by that."""
        lengths = {name.lower() for name, _ in self._headers} & {"content-length", "transfer-encoding"}
        if not self._headed or lengths:
            raise Failed(Failure.RESET, "the connection was closed before the answer was whole")
        self._complete = True

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._complete:
            self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if not self._complete:
            self._status = self._parser.get_status_code()
            self._headed = True

    def on_body(self, body: bytes) -> None:
        if self._complete:
            return
        self._size += len(body)
        if len(self._answer) < ANSWER_KEPT:
            self._answer += body[: ANSWER_KEPT - len(self._answer)]

    def on_message_complete(self) -> None:
        if self._complete:  # another answer, to nothing that was asked
            self.reusable = False
        elif 100 <= self._status < 200 and self._status != SWITCHING:  # an interim answer; the real one follows
            self._headers, self._headed = [], False
        else:
            self._complete = True
            self.reusable = self._status != SWITCHING and self._parser.should_keep_alive()


def head_of(target: Target, request: Request) -> bytes:
    """Request line and headers, as bytes."""
    given = {name.lower() for name, _ in request.headers}
    lines = [f"{request.method} {target.path} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"Host: {target.named}")
    lines += [f"{name}: {value}" for name, value in request.headers]
    if "content-length" not in given and "transfer-encoding" not in given:
        length = len(request.body) if request.declared_length is None else request.declared_length
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
