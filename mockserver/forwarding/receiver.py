"""Answers the request that another replica has sent in an envelope."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from mockserver.forwarding.envelope import (
    CONTENT_TYPE,
    Head,
    Kind,
    find_head_end,
    pack_frame,
    pack_start,
    unpack_head,
)
from mockserver.forwarding.request import DISCONNECT
from mockserver.serving.protocol import TRANSPORT


class Envelope:
    """The head of a received request, and the messages of its body."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._first: Message | None = None

    async def open(self) -> Head | None:
        """Reads the head; None if the other replica has disconnected. Raises ValueError."""
        data = b""
        while (end := find_head_end(data)) is None or len(data) < end:
            message = await self._receive()
            if message["type"] == DISCONNECT:
                return None
            data += message.get("body", b"")
            if not message.get("more_body", False) and len(data) < (find_head_end(data) or len(data) + 1):
                raise ValueError("an envelope that ends within its head")
        self._first = {"type": "http.request", "body": data[end:], "more_body": message.get("more_body", False)}
        return unpack_head(data[:end])

    async def receive(self) -> Message:
        """The next message of the request."""
        message, self._first = self._first, None
        return message or await self._receive()


class Reply:
    """The answer to a forwarded request, sent in frames. It takes the place of the client's connection."""

    def __init__(self, scope: Scope, send: Send, *, is_head: bool) -> None:
        """`scope` and `send` are those of the connection between the replicas. `is_head`: the client wants no body."""
        self._send, self._is_head = send, is_head
        self._transport: Any = scope[TRANSPORT]
        self._waiting: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._flushing: asyncio.Handle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_begun = self._is_complete = self._is_ended = False

    async def send(self, message: Message) -> None:
        """Takes a message of the application. The head is sent with the first part of the body, if that follows."""
        if message["type"] == "http.response.start":
            self._add(pack_start(message["status"], message.get("headers", ())))
            return
        body = b"" if self._is_head else bytes(message.get("body", b""))
        if message.get("more_body", False):
            if body:
                self._add(pack_frame(Kind.BODY, body))
        else:
            self._is_complete = True
            self._waiting.append(pack_frame(Kind.LAST, body))
        await self._flush()

    async def finish(self) -> None:
        """Ends the client's connection if the application has left its answer incomplete."""
        if not (self._is_complete or self._is_ended):
            self.close()
        await self._flush()

    # What is used of a transport

    def write(self, data: bytes) -> None:
        if data:
            self._add(pack_frame(Kind.WRITE, data))

    def close(self) -> None:
        self._end(Kind.CLOSE)

    def abort(self) -> None:
        self._end(Kind.RESET)

    def is_closing(self) -> bool:
        return self._is_ended or bool(self._transport.is_closing())

    def get_write_buffer_size(self) -> int:
        waiting: int = self._transport.get_write_buffer_size()
        return waiting + sum(map(len, self._waiting))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return NoSocket() if name == "socket" else self._transport.get_extra_info(name, default)

    # Frames

    def _end(self, kind: Kind) -> None:
        if not self._is_ended:
            self._is_ended = True
            self._add(pack_frame(kind))

    def _add(self, frame: bytes) -> None:
        """Adds a frame, which is sent as soon as the loop goes on, or with the next one."""
        self._waiting.append(frame)
        if self._flushing is None:
            self._flushing = self._loop.call_soon(self._begin_flush)

    def _begin_flush(self) -> None:
        self._flushing = None
        if self._waiting:
            task = self._loop.create_task(self._flush())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        frames, self._waiting = b"".join(self._waiting), []
        if not self._is_begun:
            self._is_begun = True
            length = [(b"content-length", b"%d" % len(frames))] if self._is_complete else []
            headers = [(b"content-type", CONTENT_TYPE), *length]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        if frames:
            more = not self._is_complete
            await self._send({"type": "http.response.body", "body": frames, "more_body": more})


class NoSocket:
    """Takes the place of the client's socket, which another replica holds."""

    def setsockopt(self, *_arguments: Any) -> None:
        """Does nothing: the frame says how the connection ends."""


def build_scope(scope: Scope, head: Head, reply: Reply) -> Scope:
    """The scope of the client's request, in place of that of the envelope."""
    return {**scope, **head.scope, TRANSPORT: reply}
