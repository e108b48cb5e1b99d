"""The ASGI layer that lets each request be answered by the replica that serves its workspace."""

from __future__ import annotations

import asyncio
import hmac
import logging
from functools import partial

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.errors import OwnerUnavailable, WireError
from mockserver.forwarding.envelope import NOT_OWNER, NOT_OWNER_HEADER, PATH, SECRET_HEADER, UNREADABLE, Head
from mockserver.forwarding.owners import Owners
from mockserver.forwarding.pool import Pool
from mockserver.forwarding.receiver import Envelope, Reply, build_scope
from mockserver.forwarding.request import ClientRequest
from mockserver.forwarding.sender import AnswerLost, NotBegun, Sender
from mockserver.http.responses import error_response, json_response
from mockserver.workspaces.naming import WorkspaceName, has_source_in_body, name_source, name_workspace

LOG = logging.getLogger(__name__)

PATIENCE = 12.0
"""Seconds. The lease of a lost replica has ended after 8, and then another one takes its workspaces over."""
PAUSE = 0.1
"""Seconds between two attempts to find a replica that serves a workspace."""
MOST_SOURCE = 256 * 1024
"""Bytes of a body that are read to find the workspace to fork. A longer one is refused by the endpoint."""
GRAPHQL_PATHS = ("/graphql", "/_gql")


class ForwardingLayer:
    """Answers requests about the workspaces of this replica, and passes on those about others.

    It is the outermost layer: everything that counts, records or fails requests does so at the owner, once.
    """

    def __init__(self, app: ASGIApp, owners: Owners, own_key: str, patience: float = PATIENCE) -> None:
        """`patience` is for how many seconds a request waits for an owner that can be reached."""
        self._app, self._owners, self._own_key, self._patience = app, owners, own_key, patience
        self._pool = Pool(owners)
        self._sender = Sender(self._pool, owners.secret)
        self._secret = owners.secret.encode()

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        """Closes the connections to other replicas."""
        await self._pool.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == PATH and self._is_from_a_replica(scope):
            await self._answer_replica(scope, receive, send)
            return
        request: ClientRequest | None = None
        if has_source_in_body(scope):
            request = ClientRequest(scope, receive)
            name, receive = await self._read_source(request), request.read
        else:
            name = name_workspace(scope, self._own_key)
        if name is None:
            await self._app(scope, receive, send)
        elif self._owners.serves(name):
            await self._answer(name, scope, receive, send)
        else:
            await self._route(name, request or ClientRequest(scope, receive), send)

    def _is_from_a_replica(self, scope: Scope) -> bool:
        secrets = [value for header, value in scope["headers"] if header == SECRET_HEADER]
        return len(secrets) == 1 and hmac.compare_digest(secrets[0], self._secret)

    async def _read_source(self, request: ClientRequest) -> WorkspaceName | None:
        """Reads the workspace to fork from the body, which is then read again from its beginning."""
        body, more = b"", True
        while more and request.is_repeatable and len(body) <= MOST_SOURCE:
            message = await request.read()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        request.rewind()
        return name_source(body)

    # A request of a client

    async def _route(self, name: WorkspaceName, request: ClientRequest, send: Send) -> None:
        """Answers here or elsewhere, as soon as a replica serves the workspace."""
        try:
            await self._find_answer(name, request, send)
        except WireError as error:
            await build_refusal(request.scope, error)(request.scope, request.read, send)

    async def _find_answer(self, name: WorkspaceName, request: ClientRequest, send: Send) -> None:
        """Raises OwnerUnavailable, and what the search for an owner raises."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        while (remote := await self._owners.find(name)) is not None:
            try:
                await self._sender.send(remote, name, request, send)
            except NotBegun as reason:
                self._owners.forget(name, remote)
                if not request.is_repeatable or loop.time() > until:
                    raise OwnerUnavailable(
                        f"No replica serves this workspace at the moment ({reason}); send the request again"
                    ) from None
                await asyncio.sleep(PAUSE)
            except AnswerLost as lost:
                LOG.warning("%s %s: %s", request.scope["method"], request.scope["path"], lost)
                raise OwnerUnavailable(f"{lost}; it is unknown whether the request had its effect") from None
            else:
                return
        request.rewind()
        await self._answer(name, request.scope, request.read, send)

    async def _answer(self, name: WorkspaceName, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request about a workspace of this replica."""
        with self._owners.use(name):
            await self._app(scope, receive, send)

    # A request of another replica

    async def _answer_replica(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a forwarded request, or says that this replica does not serve its workspace."""
        envelope = Envelope(receive)
        try:
            head = await envelope.open()
        except ValueError as error:
            LOG.warning("a request of another replica cannot be read: %s; do all run the same version?", error)
            await Response(status_code=UNREADABLE)(scope, receive, send)
            return
        if head is None:
            return
        try:
            is_elsewhere = await self._is_elsewhere(head)
        except WireError as error:
            await self._reply(scope, send, head, envelope.receive, build_refusal(head.scope, error))
            return
        if is_elsewhere:
            headers = {NOT_OWNER_HEADER.decode(): "1"}
            await Response(status_code=NOT_OWNER, headers=headers)(scope, receive, send)
        else:
            await self._reply(scope, send, head, envelope.receive, partial(self._answer, head.name))

    async def _is_elsewhere(self, head: Head) -> bool:
        """Whether this replica must not answer: another one serves the workspace, or the request was sent to this one
        before it was lost, so that its sender sends it again."""
        if not self._owners.serves(head.name) and await self._owners.find(head.name) is not None:
            return True
        return head.number != self._owners.number

    async def _reply(self, scope: Scope, send: Send, head: Head, receive: Receive, app: ASGIApp) -> None:
        reply = Reply(scope, send, is_head=head.scope["method"] == "HEAD")
        await app(build_scope(scope, head, reply), receive, reply.send)
        await reply.finish()


def build_refusal(scope: Scope, error: WireError) -> Response:
    """The answer for a request that no workspace has answered, in the shape that its client expects."""
    if scope["path"].rstrip("/").endswith(GRAPHQL_PATHS):
        return json_response({"errors": [error.as_graphql()], "data": None}, error.status)
    return error_response(error)
