"""One call that a fault hits: what faults can do with it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.http.ranged import Headers
from mockserver.serving.endings import reset_connection
from mockserver.serving.protocol import TRANSPORT

GRAPHQL_PATHS = ("/graphql", "/_gql")
WITHOUT_BODY = (204, 304)
STORAGE_PATHS = ("/results/", "/exports/")


class FaultyCall:
    """A call that a fault hits, and the application that would answer it."""

    def __init__(
        self,
        app: ASGIApp,
        scope: Scope,
        receive: Receive,
        send: Send,
        options: Mapping[str, Any],
        *,
        carried_out: bool,
        chance: str,
        now: int,
    ) -> None:
        """`carried_out` says that the request has its effect although its answer is lost. `chance` seeds what is drawn,
        `now` is the workspace's clock in microseconds UTC."""
        self.scope, self.receive, self.send = scope, receive, send
        self.options, self.carried_out, self.now = options, carried_out, now
        self._app, self._chance = app, chance

    @property
    def is_graphql(self) -> bool:
        """Whether the client expects the answer of GraphQL."""
        path: str = self.scope["path"]
        return path.rstrip("/").endswith(GRAPHQL_PATHS)

    @property
    def is_storage(self) -> bool:
        """Whether the client expects the answer of a storage: of a file of an export."""
        path: str = self.scope["path"]
        return path.startswith("/_files/") and any(part in path for part in STORAGE_PATHS)

    def draw(self) -> random.Random:
        """Chance that is the same for the same seed and number of the hit."""
        return random.Random(self._chance)  # noqa: S311  no secret

    # What the application does

    async def run(self) -> None:
        """Lets the application carry out the request, and drops its answer."""

        async def drop(_message: Message) -> None:
            pass

        await self._app(self.scope, self.receive, drop)

    async def pass_on(self, send: Send | None = None) -> None:
        """Lets the application answer, through `send` if that is given."""
        await self._app(self.scope, self.receive, send or self.send)

    def refuse_compression(self) -> None:
        """Lets the application answer without compression, so that the body can be read."""
        self.scope["headers"] = [pair for pair in self.scope["headers"] if pair[0] != b"accept-encoding"]

    # Answers

    async def respond(self, status: int, body: bytes, content_type: str, headers: Headers | None = None) -> None:
        """Sends a whole answer, after the request was carried out if the rule says so."""
        if self.carried_out:
            await self.run()
        if status in WITHOUT_BODY:
            await self.send({"type": "http.response.start", "status": status, "headers": headers or []})
            await self.send({"type": "http.response.body"})
            return
        length = (b"content-length", str(len(body)).encode())
        start: list[tuple[bytes, bytes]] = [(b"content-type", content_type.encode()), length, *(headers or [])]
        await self.send({"type": "http.response.start", "status": status, "headers": start})
        await self.send({"type": "http.response.body", "body": body})

    # The connection

    async def reset(self) -> None:
        """Resets the connection, once the bytes in front of that are with the system."""
        await reset_connection(self._transport)
        await self.wait_for_end()

    async def close(self) -> None:
        """Ends the connection after the bytes that were sent."""
        self._transport.close()
        await self.wait_for_end()

    def write(self, data: bytes) -> None:
        """Writes bytes beside the answer, which no length announces."""
        self._transport.write(data)

    async def wait_for_end(self) -> None:
        """Waits until the connection has ended."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    @property
    def is_ending(self) -> bool:
        ending: bool = self._transport.is_closing()
        return ending

    @property
    def _transport(self) -> Any:
        """The transport. It is an asyncio.Transport, and its socket can be a stand-in of one."""
        return self.scope[TRANSPORT]


async def pause(seconds: float) -> None:
    """Waits by the machine's clock, as a network does."""
    await asyncio.sleep(seconds)
