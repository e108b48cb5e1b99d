"""HTTP/1.1 on one connection, with bounds on what a client may send and on how long it may take.

uvicorn's protocol for httptools has none: 200 MB of header lines took 2.7 GB of memory. The parser keeps a field until
its end is received, so bytes are counted as they arrive, not field by field.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockserver.serving.answers import AnswerTransport
from mockserver.serving.refusals import (
    NO_PROXY,
    Bounds,
    Refusal,
    body_too_slow,
    head_too_large,
    head_too_slow,
    refuse_non_http,
    render_answer,
    too_many_fields,
    too_many_requests,
)

CHUNK_FRAME = 16
"""Bytes around each chunk of a body that are not counted: its size and two ends of lines."""
NEVER = math.inf
TRANSPORT = "mockserver.transport"
"""The key of the transport in the scope of a request: layers can end its connection."""
# Not the default selector: on Linux it takes a descriptor, and there may be none left.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class _Refused(Exception):
    """Ends the parsing of a request; httptools turns it into an error of its own."""


class HttpProtocol(HttpToolsProtocol):
    """One connection. The server calls `end_overdue` twice a second, which costs less than timers."""

    def __init__(self, *args: Any, bounds: Bounds, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bounds = bounds
        # These are read with every request.
        self._most_fields, self._most_head = bounds.fields, bounds.head
        self._head_seconds, self._idle = bounds.head_seconds, bounds.idle
        self._now = 0.0
        self.deadline = NEVER
        """When the client must have sent the rest of its request (seconds of the loop)."""
        self.idle_since: float | None = None
        """Since when the connection has been idle; None while it has a request."""
        self._stuck_since = 0.0
        self._unsent = 0
        self._body_until = NEVER
        self._in_head = self._begun = self._in_body = self._upgrading = self._ended = False
        self._arrived = self._extra = self._trailers = 0
        self._refusal: Refusal | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self.idle_since = self.loop.time()
        self.deadline = self.idle_since + self._bounds.head_seconds

    def data_received(self, data: bytes) -> None:
        """Parses the received bytes. Bytes after a refused request are dropped."""
        if self._ended:
            return
        now = self._now = self.loop.time()
        if self._in_body:
            self.deadline = min(now + self._bounds.body_silence, self._body_until)
        elif not self._in_head:
            self._begin_head(now)
        self._arrived = len(data)
        self._extra += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            self._refuse(self._refusal or refuse_non_http(error))
            return
        if self._extra > self._most_head:
            self._refuse(head_too_large(self._bounds))

    def _feed(self, data: bytes) -> None:
        """Feeds the parser. A request to change to another protocol is answered in this one (RFC 9110, 7.8).

        Java's HTTP client requests h2c with its first request. The parser would skip the body of such a request, and
        uvicorn would log two warnings: the head is parsed again, without the field Upgrade.
        """
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = self._head_without_upgrade() + data[upgrade.args[0] :]
                self._upgrading = False
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        first = b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        fields = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([first, *fields, b"", b""])

    # One request; the parser calls these

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun = True
        if not self._in_head:
            self._begin_head(self._now)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keeps a field of the head. Fields of a trailer are counted and dropped: nothing reads them.

        It is called for every field, so it repeats the code of uvicorn's method instead of calling it.
        """
        headers = self.headers
        if self._in_body:
            self._trailers += 1
            if self._trailers > self._most_fields:
                self._stop(too_many_fields(self._bounds))
        elif len(headers) >= self._most_fields:
            self._stop(too_many_fields(self._bounds))
        else:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            headers.append((name, value))

    def on_headers_complete(self) -> None:
        # The sum is needed only where the head can be too large: it may have been received after another request.
        if self._extra + self._arrived > self._most_head and self._head_size() > self._most_head:
            self._stop(head_too_large(self._bounds))
        if len(self.pipeline) >= self._bounds.pipelined:
            self._stop(too_many_requests(self._bounds))
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                self._stop(NO_PROXY)
            self._upgrading = True
            return
        transport = AnswerTransport(self.transport, self.loop)
        self.scope[TRANSPORT] = transport  # type: ignore[literal-required]  # a key of our own
        super().on_headers_complete()
        self.cycle.transport = transport  # type: ignore[assignment]  # it writes by no other methods
        now = self._now
        self._in_head, self._in_body, self._trailers = False, True, 0
        self.deadline, self._body_until = now + self._bounds.body_silence, now + self._bounds.body_seconds

    def on_body(self, body: bytes) -> None:
        self._extra -= len(body)
        super().on_body(body)

    def on_chunk_header(self) -> None:
        if self._extra > CHUNK_FRAME:
            self._extra -= CHUNK_FRAME

    def on_message_complete(self) -> None:
        if self._upgrading:
            return  # the same request begins again
        self._in_body = self._begun = False
        self._extra = 0
        if self.cycle.response_complete and not self.pipeline:
            self._begin_idle()  # the body was not read
        else:
            self.deadline = NEVER
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Continues with the next request. uvicorn's method would start a timer of its own for each answer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            task = self.loop.create_task(cycle.run_asgi(app))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)
        elif not (self._in_head or self._in_body):
            self._begin_idle()

    def _begin_idle(self) -> None:
        self.idle_since = self.loop.time()
        self.deadline = self.idle_since + self._idle

    def _begin_head(self, now: float) -> None:
        self._in_head, self.idle_since = True, None
        self.deadline = now + self._head_seconds

    def _head_size(self) -> int:
        """Returns the bytes of the head: a line has 4 besides name and value, the first and the empty line some 18."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) + 18

    def _stop(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise _Refused

    # The end

    def end_overdue(self, now: float) -> None:
        """Refuses a request that takes too long, and disconnects a client that reads nothing of its answer."""
        if self._is_stuck(now):
            self.transport.abort()
        elif self.deadline != NEVER and self.flow.read_paused:
            # The client may have sent everything; the server does not read.
            self.deadline, self._body_until = now + self._bounds.body_silence, now + self._bounds.body_seconds
        elif now >= self.deadline:
            if self._ended:
                self.transport.abort()
            elif self.idle_since is not None:
                self.end_idle()
            else:
                self._refuse((body_too_slow if self._in_body else head_too_slow)(self._bounds))

    def has_unread_bytes(self) -> bool:
        """Whether the kernel has bytes of the client, or its end, that were not read yet."""
        with _Selector() as selector:
            selector.register(self.transport.get_extra_info("socket"), selectors.EVENT_READ)
            return bool(selector.select(0))

    def end_idle(self) -> None:
        """Closes an idle connection, to make room for another."""
        self.idle_since = None
        self.transport.close()

    def _is_stuck(self, now: float) -> bool:
        """Whether the client has read nothing of its answer for `answer_silence`."""
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent != self._unsent:
            self._stuck_since, self._unsent = now, unsent
        return now - self._stuck_since >= self._bounds.answer_silence

    def _refuse(self, refusal: Refusal) -> None:
        """Answers if no other answer can be mixed up with this one, and ends the connection."""
        self._ended, self.deadline, self.idle_since = True, NEVER, None
        cycle = self.cycle
        if self._in_body:
            if cycle.response_started or self.pipeline:
                self.transport.close()
                return
            cycle.disconnected = True  # so that the application stops waiting, and its answer is dropped
            cycle.message_event.set()
        elif cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False  # earlier requests are answered, then the connection ends
            return
        if self._begun or refusal.status != HTTPStatus.REQUEST_TIMEOUT:
            self._answer(refusal)
        else:
            self.transport.close()  # no byte of a request was received, so nobody waits for an answer

    def _answer(self, refusal: Refusal) -> None:
        self.transport.write(render_answer(refusal, self.server_state.default_headers))
        self.transport.write_eof()
        self.flow.resume_reading()
        self.deadline = self.loop.time() + self._bounds.linger
