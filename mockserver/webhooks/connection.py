"""One connection to a receiver: writes a request and reads its answer. Sizes are bounded; the sender bounds time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time

import httptools

from mockserver.webhooks.exchange import Cut, ExchangeError, Failure, Outcome, Request
from mockserver.webhooks.targets import Target

ANSWER_KEPT = 4096
"""Bytes of an answer's body that are kept."""
ANSWER_READ = 1024 * 1024
"""Bytes of an answer that are read before the rest is left unread."""
HEAD_READ = 256 * 1024
"""Bytes of an answer that are not its body: headers, interim answers, frames of chunks, trailers."""
BODY_WRITTEN_FIRST = 64 * 1024
"""Bytes of a body that are written before the answer is read; larger bodies are written while it is read."""
SWITCHING_PROTOCOLS = 101
"""The only 1xx that no other answer follows; the sender never requests it."""


class ReceiverConnection:
    """One connection and the parser of its answers, which calls the `on_` methods."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._parser = httptools.HttpResponseParser(self)
        self._idle_since = 0.0
        self._closed = False
        self._clear()

    def _clear(self) -> None:
        self._headers: list[tuple[str, str]] = []
        self._answer = b""
        self._size = self._received = 0
        self._status = 0
        self._has_head = self._complete = False
        self.sent = False
        """Whether the whole request was written."""
        self.answering = False
        """Whether any byte of an answer was received."""
        self.reusable = False

    def is_usable(self, since: float) -> bool:
        """Whether the connection became idle after `since`, is open, and received nothing in the meantime."""
        return self._idle_since > since and not self._writer.is_closing() and self._is_silent()

    def _is_silent(self) -> bool:
        """Whether neither data nor the end was received since the answer: it would be parsed as the next answer."""
        reading = self._reader.read(1)
        try:
            reading.send(None)
        except (StopIteration, OSError):
            return False
        reading.close()
        return True

    def mark_idle(self) -> None:
        self._idle_since = time.monotonic()

    def close(self) -> None:
        """Closes immediately: data that the receiver does not read would keep the connection open for ever."""
        if self._closed:  # a closed TLS transport cannot be closed again
            return
        self._closed = True
        if self._writer.transport.get_write_buffer_size():
            self._writer.transport.abort()
        self._writer.close()

    async def exchange(self, target: Target, request: Request) -> Outcome:
        """Sends the request and reads the answer. Raises ExchangeError, OSError, HttpParserError."""
        self._clear()
        head = render_head(target, request)
        if len(request.body) <= BODY_WRITTEN_FIRST and _is_plain(request):
            self._writer.write(head + request.body)
            self.sent = True
            await self._read_answer()
        else:
            await self._read_answer_while_writing(head, request)
        return Outcome(status=self._status, headers=self._headers, answer=self._answer, answer_size=self._size)

    async def _read_answer_while_writing(self, head: bytes, request: Request) -> None:
        """Reads early, as a receiver that refuses a body for its size answers without reading it."""
        writing = asyncio.create_task(self._write(head, request))
        try:
            await self._read_answer()
        except (ExchangeError, OSError):
            if writing.done() and isinstance(failure := writing.exception(), ExchangeError):
                raise failure from None
            raise
        finally:
            self.reusable = self.reusable and writing.done()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _read_answer(self) -> None:
        while not self._complete and self._size <= ANSWER_READ:
            data = await self._reader.read(65536)
            if not data:
                self._end_of_stream()
                break
            self.answering = True
            self._parse(data)
            self._received += len(data)
            if self._received - self._size > HEAD_READ and not self._complete:
                self._check_head()
                break

    def _check_head(self) -> None:
        if not self._has_head:
            raise ExchangeError(Failure.NOT_HTTP, f"more than {HEAD_READ} bytes were received without an answer")

    def _parse(self, data: bytes) -> None:
        """Parses an answer; further data after it is ignored, and the connection is not used again."""
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
        for number, part in enumerate(split_body(request)):
            if number:
                await asyncio.sleep(request.pause)
            self._writer.write(part)
            await self._writer.drain()
        if request.cut is not None:
            await self._break(request.cut)
        if request.half_close:
            await self._close_sending_side()
        self.sent = True

    async def _break(self, cut: Cut) -> None:
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()
        if cut.how == "reset":
            raw = self._writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        else:
            self._writer.close()
        self._closed = True
        raise ExchangeError(Failure.CUT, f"the sender ended the connection after {cut.after} bytes of the body")

    async def _close_sending_side(self) -> None:
        """Sends FIN and goes on reading. A TLS transport cannot, but the socket below it can once all is written."""
        if self._writer.can_write_eof():
            self._writer.write_eof()
            return
        self._writer.transport.set_write_buffer_limits(0)
        await self._writer.drain()
        with contextlib.suppress(OSError):
            self._writer.get_extra_info("socket").shutdown(socket.SHUT_WR)

    def _end_of_stream(self) -> None:
        """Completes an answer without a length, which lasts until the connection ends; any other is incomplete."""
        names = {name.lower() for name, _ in self._headers}
        if not self._has_head or names & {"content-length", "transfer-encoding"}:
            incomplete = self._status if self._has_head and "transfer-encoding" not in names else None
            reason = "the connection was closed before the answer was whole"
            raise ExchangeError(Failure.RESET, reason, incomplete_status=incomplete)
        self._complete = True

    # The methods that the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._complete:
            self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if not self._complete:
            self._status = self._parser.get_status_code()
            self._has_head = True

    def on_body(self, body: bytes) -> None:
        if self._complete:
            return
        self._size += len(body)
        if len(self._answer) < ANSWER_KEPT:
            self._answer += body[: ANSWER_KEPT - len(self._answer)]

    def on_message_complete(self) -> None:
        if self._complete:  # another answer, without a request
            self.reusable = False
        elif 100 <= self._status < 200 and self._status != SWITCHING_PROTOCOLS:  # an interim answer
            self._headers, self._has_head = [], False
        else:
            self._complete = True
            self.reusable = self._status != SWITCHING_PROTOCOLS and self._parser.should_keep_alive()


def _is_plain(request: Request) -> bool:
    """Whether head and body can be written in one go."""
    return request.parts == 1 and request.cut is None and not request.chunked and not request.half_close


def render_head(target: Target, request: Request) -> bytes:
    """Request line and headers, as bytes."""
    names = {name.lower() for name, _ in request.headers}
    lines = [f"{request.method} {target.path} HTTP/1.1"]
    if "host" not in names:
        lines.append(f"Host: {target.authority}")
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.chunked:
        lines.append("Transfer-Encoding: chunked")
    elif "content-length" not in names and "transfer-encoding" not in names:
        length = len(request.body) if request.declared_length is None else request.declared_length
        lines.append(f"Content-Length: {length}")
    if request.declared_length is not None and "connection" not in names:
        lines.append("Connection: close")  # the rest of the body would be read as the next request
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def split_body(request: Request) -> list[bytes]:
    """The body in the parts in which it is written, each framed as a chunk if the request is chunked."""
    body = request.body if request.cut is None else request.body[: request.cut.after]
    size = max(1, -(-len(body) // request.parts))
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    if not request.chunked:
        return parts
    return [*(b"%x\r\n%s\r\n" % (len(part), part) for part in parts), b"0\r\n\r\n"]
