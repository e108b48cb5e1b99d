"""The ASGI layer that lets requested faults hit the calls of clients."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.errors import WireError
from mockserver.faults.armed import ActiveFaults, Faults
from mockserver.faults.call import GRAPHQL_PATHS, FaultyCall
from mockserver.http.responses import error_response, json_response
from mockserver.journal.notes import AppliedFault, Operation, notes_of

CONTROL = "/_mock/"
"""Paths that no fault hits, or a test could not remove it."""
MOST_BODY = 4 * 1024 * 1024
"""Bytes of a body that are read to find its operation; a longer one is refused by the endpoint."""

FindFaults = Callable[[Scope], Faults | None]
ReadOperation = Callable[[bytes], Awaitable[Operation | None]]
"""Reads the operation of GraphQL from the body of a request."""


class FaultLayer:
    """Passes calls on as they are while no workspace has a fault."""

    def __init__(self, app: ASGIApp, active: ActiveFaults, find: FindFaults, read_operation: ReadOperation) -> None:
        self._app, self._active, self._find, self._read_operation = app, active, find, read_operation

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if not self._active.count or scope["path"].startswith(CONTROL):
            return self._app(scope, receive, send)
        return self._call(scope, receive, send)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        faults = self._find(scope)
        if faults is None:
            await self._app(scope, receive, send)
            return
        operation = None
        if faults.needs_operation and scope["method"] == "POST":
            body = BufferedBody(receive)
            operation, receive = await self._read_operation(await body.read()), body.receive
        try:
            hit = await faults.hit_call(scope["method"], scope["path"], operation)
        except WireError as error:
            await _refuse(scope, error)(scope, receive, send)
            return
        act = None if hit is None else hit.rule.kind.act
        if hit is None or act is None:
            await self._app(scope, receive, send)
            return
        rule, notes = hit.rule, notes_of(scope)
        notes.fault, notes.operation = AppliedFault(hit.id, rule.fault), operation
        call = FaultyCall(
            self._app, scope, receive, send, rule.option_values,
            carried_out=rule.when == "after", chance=f"{rule.seed}/{hit.number}", now=faults.now(),
        )  # fmt: skip
        await act(call)


def _refuse(scope: Scope, error: WireError) -> Response:
    """The answer to a call that cannot be counted, for example because the disk is full."""
    if scope["path"].rstrip("/").endswith(GRAPHQL_PATHS):
        return json_response({"errors": [error.as_graphql()], "data": None}, 400)
    return error_response(error)


class BufferedBody:
    """The body of a request, read in front of the application, which receives the same messages after that."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []

    async def read(self) -> bytes:
        """The whole body, or its beginning if it is too long."""
        size, more = 0, True
        while more and size <= MOST_BODY:
            message = await self._receive()
            self._messages.append(message)
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        return b"".join(message.get("body", b"") for message in self._messages)

    async def receive(self) -> Message:
        return self._messages.pop(0) if self._messages else await self._receive()
