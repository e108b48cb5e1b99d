"""A client's request on its way to another replica."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope

MOST_KEPT = 64 * 1024
"""Bytes of a body that are kept until the owner has begun. A request with a larger one is not sent a second time."""
DISCONNECT = "http.disconnect"


class ClientRequest:
    """A request whose body is read once, and can be sent again as long as all of it is kept."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self._receive = receive
        self._kept: list[Message] = []
        self._kept_bytes = 0
        self._place = 0
        self._pending: asyncio.Task[Message] | None = None
        self.is_repeatable = True

    @property
    def has_body(self) -> bool:
        """Whether the head announces a body."""
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in self.scope["headers"]
        )

    def rewind(self) -> None:
        """Begins again with the first message."""
        self._place = 0

    async def read(self) -> Message:
        """The next message. A caller that is cancelled loses none."""
        if self._place < len(self._kept):
            message = self._kept[self._place]
        else:
            pending = self._pending or self._begin()
            message = await asyncio.shield(pending)
            self._pending = None
            self._keep(message)
        self._place += 1
        return message

    async def read_if_there(self) -> Message | None:
        """The next message, if it was received already."""
        if self._place == len(self._kept) and self.has_body:
            pending = self._pending or self._begin()
            await asyncio.sleep(0)
            if not pending.done():
                return None
        return await self.read()

    async def wait_for_end(self) -> None:
        """Waits until the client has disconnected."""
        while (await self.read())["type"] != DISCONNECT:
            pass

    def _begin(self) -> asyncio.Task[Message]:
        self._pending = asyncio.ensure_future(self._receive())
        return self._pending

    def _keep(self, message: Message) -> None:
        self._kept_bytes += len(message.get("body", b""))
        if self.is_repeatable and self._kept_bytes > MOST_KEPT:
            self.is_repeatable = False
            self._kept.clear()
            self._place = 0
        if self.is_repeatable:
            self._kept.append(message)
        else:
            self._place -= 1
