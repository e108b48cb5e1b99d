"""The head of an answer, held back for the first bytes of its body."""

from __future__ import annotations

import asyncio
from typing import Any

JOINED = 64 * 1024
"""Bytes. More than that is not copied to be sent together with the head."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
"""The interim answer by which the body of a request is received, as uvicorn writes it."""


class AnswerTransport:
    """The transport of one answer. Head and body are written one after the other, and sent together.

    A client that receives the head alone is woken by it, and on a busy machine the server then waits for the processor
    before it sends the rest. The head waits for the end of the loop's turn at most.
    """

    __slots__ = ("_head", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._head: bytes | None = None
        """The bytes that wait; None before the first, and empty after them."""

    def write(self, data: bytes) -> None:
        """Writes bytes; the head of the answer is held back, and an interim one in front of it is not."""
        if self._head is None and data == CONTINUE:
            self._transport.write(data)
        elif self._head is None:
            self._head = data
            self._loop.call_soon(self._flush)
        elif self._head and len(data) <= JOINED:
            joined, self._head = b"".join((self._head, data)), b""
            self._transport.write(joined)
        else:
            self._flush()
            self._transport.write(data)

    def is_closing(self) -> bool:
        """Whether the connection ends."""
        return self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        """Everything else is done by the connection itself, after the bytes that wait."""
        self._flush()
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)
