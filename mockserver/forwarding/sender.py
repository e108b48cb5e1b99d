"""Sends a client's request to the replica that serves its workspace, and the answer back to the client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from starlette.types import Message, Send

from mockserver.forwarding.connection import ReplicaConnection, ReplicaLost, RequestRefused
from mockserver.forwarding.envelope import UNREADABLE, Frame, Kind, pack_head, unpack_start
from mockserver.forwarding.pool import Pool
from mockserver.forwarding.request import DISCONNECT, ClientRequest
from mockserver.serving.endings import reset_connection
from mockserver.serving.protocol import TRANSPORT
from mockserver.storage.interface import Remote
from mockserver.workspaces.naming import WorkspaceName

LOG = logging.getLogger(__name__)

NOTHING_YET: Message = {"type": "http.request", "more_body": True}
WATCHED_AFTER = 0.05
"""Seconds after which a client that has sent its whole request is watched: whether it waits for the answer."""


class NotBegun(Exception):
    """The replica has not begun to answer, so the request may be sent again, to any replica."""


class AnswerLost(Exception):
    """The replica was lost after it had begun, and before the answer had."""


class Sender:
    """Sends requests over the connections of a pool."""

    def __init__(self, pool: Pool, secret: str) -> None:
        self._pool, self._secret = pool, secret

    async def send(self, remote: Remote, name: WorkspaceName, request: ClientRequest, send: Send) -> None:
        """Lets a replica answer a request. Raises NotBegun, AnswerLost."""
        try:
            connection = await self._pool.acquire(remote)
        except OSError as error:  # TimeoutError is one
            raise NotBegun(f"replica {remote.number} at {remote.address} cannot be reached: {error}") from None
        try:
            await Exchange(connection, request, send).run(self._secret, name)
        finally:
            self._pool.release(connection)


class Exchange:
    """One request on one connection."""

    def __init__(self, connection: ReplicaConnection, request: ClientRequest, send: Send) -> None:
        self._connection, self._request, self._send = connection, request, send
        self._is_started = False
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._is_client_gone = False

    async def run(self, secret: str, name: WorkspaceName) -> None:
        """Raises NotBegun, AnswerLost."""
        self._request.rewind()
        first = self._request.read_if_there() or NOTHING_YET
        if first["type"] == DISCONNECT:
            return
        whole = not first.get("more_body", False)
        head = pack_head(self._request.scope, name, self._connection.remote.number)
        self._connection.begin(secret, head + first.get("body", b""), whole=whole)
        if whole:  # most answers are there before it pays to watch the client
            self._timer = asyncio.get_running_loop().call_later(WATCHED_AFTER, self._begin_writing, whole)
        else:
            self._begin_writing(whole)
        try:
            await self._pass_answer()
        except ReplicaLost as lost:
            await self._end_lost(lost)
        except RequestRefused as refused:
            self._refuse(refused)
        finally:
            self._end_writing()

    def _refuse(self, refused: RequestRefused) -> None:
        """Raises NotBegun if the replica cannot have carried out the request, else AnswerLost. A replica that is
        stopped ends the requests that it has begun with a status of its own, and their work in threads may go on."""
        number = self._connection.remote.number
        if self._connection.begun and not (refused.not_owner or refused.status == UNREADABLE):
            raise AnswerLost(f"Replica {number} ended its answer with status {refused.status}") from None
        reason = "does not serve it" if refused.not_owner else f"answered {refused.status}"
        raise NotBegun(f"replica {number} {reason}") from None

    def _begin_writing(self, whole: bool) -> None:
        self._writing = asyncio.create_task(self._write(whole=whole))

    def _end_writing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    async def _write(self, *, whole: bool) -> None:
        """Writes the rest of the body, and then waits for the end of the client's connection, which ends the
        exchange."""
        with contextlib.suppress(ReplicaLost):
            while (message := await self._request.read())["type"] != DISCONNECT:
                if whole:
                    continue
                await self._connection.write_body(message.get("body", b""))
                if whole := not message.get("more_body", False):
                    self._connection.end_body()
            self._is_client_gone = True
            self._connection.close("the client disconnected")

    async def _pass_answer(self) -> None:
        """Raises ReplicaLost, RequestRefused."""
        while True:
            frame = await self._connection.read()
            if frame.kind in (Kind.CLOSE, Kind.RESET):
                await self._end_client(reset=frame.kind == Kind.RESET)
                return
            await self._pass_frame(frame)
            if frame.kind == Kind.LAST:
                await self._connection.wait_for_end()
                return

    async def _pass_frame(self, frame: Frame) -> None:
        if frame.kind == Kind.START:
            status, headers = unpack_start(frame.payload)
            self._is_started = True
            await self._send({"type": "http.response.start", "status": status, "headers": headers})
        elif frame.kind == Kind.WRITE:
            self._transport.write(frame.payload)
        else:
            more = frame.kind == Kind.BODY
            await self._send({"type": "http.response.body", "body": frame.payload, "more_body": more})

    async def _end_lost(self, lost: ReplicaLost) -> None:
        """Ends a request whose replica was lost. Raises NotBegun, AnswerLost."""
        if self._is_client_gone:
            return
        number = self._connection.remote.number
        if self._is_started:
            LOG.warning("replica %s was lost in the middle of an answer: %s", number, lost)
            await self._end_client(reset=False)
        elif self._connection.begun:
            raise AnswerLost(f"Replica {number} was lost while it answered")
        else:
            raise NotBegun(f"replica {number}: {lost}")

    async def _end_client(self, *, reset: bool) -> None:
        """Ends the connection of the client as the owner would have ended it."""
        self._end_writing()
        if reset:
            await reset_connection(self._transport)
        else:
            self._transport.close()
        await self._request.wait_for_end()

    @property
    def _transport(self) -> Any:
        return self._request.scope[TRANSPORT]
