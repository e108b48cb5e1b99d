"""A client's request on its way to another replica."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any

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

    def rewind(self) -> None:
        """Begins again with the first message."""
        self._place = 0

    async def read(self) -> Message:
        """The next message. A caller that is cancelled loses none."""
        message = self.read_if_there()
        if message is None:
            assert self._pending is not None
            await asyncio.wait([self._pending])
            message = self.read_if_there()
            assert message is not None
        return message

    def read_if_there(self) -> Message | None:
        """The next message, if it was received already."""
        if self._place < len(self._kept):
            self._place += 1
            return self._kept[self._place - 1]
        pending = self._pending
        message = self._step() if pending is None else pending.result() if pending.done() else None
        if message is not None:
            self._pending = None
            self._keep(message)
        return message

    async def wait_for_end(self) -> None:
        """Waits until the client has disconnected."""
        while (await self.read())["type"] != DISCONNECT:
            pass

    def _step(self) -> Message | None:
        """Begins to receive, which mostly ends immediately; a task goes on if it does not, as a task costs much."""
        receiving: Any = self._receive()
        try:
            waiting = receiving.send(None)
        except StopIteration as end:
            message: Message = end.value
            return message
        self._pending = asyncio.create_task(_finish(_Begun(receiving, waiting)))
        return None

    def _keep(self, message: Message) -> None:
        self._kept_bytes += len(message.get("body", b""))
        if self._kept_bytes > MOST_KEPT:
            self.is_repeatable = False
            self._kept.clear()
            self._place = 0
        else:
            self._kept.append(message)
            self._place += 1


class _Begun:
    """The rest of a coroutine that was run until it had to wait."""

    def __init__(self, coroutine: Coroutine[Any, Any, Message], waiting: Any) -> None:
        self._coroutine, self._waiting = coroutine, waiting

    def __await__(self) -> Generator[Any, Any, Message]:
        waiting = self._waiting
        while True:
            try:
                yield waiting
            except BaseException as error:  # noqa: BLE001  passed on
                waiting = self._coroutine.throw(error)
                continue
            try:
                waiting = self._coroutine.send(None)
            except StopIteration as end:
                message: Message = end.value
                return message


async def _finish(begun: _Begun) -> Message:
    return await begun
