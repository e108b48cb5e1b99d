"""The HTTP side of GraphQL: one POST, one JSON body, one answer."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.engine import Engine
from mockserver.conversion import convert
from mockserver.errors import (
    AuthenticationFailed,
    BadInput,
    BodyTooLarge,
    Conflict,
    NotAllowed,
    QueryNotValid,
    WireError,
)
from mockserver.http.json_bodies import check_json, count_parts
from mockserver.http.requests import base_url, read_body
from mockserver.http.responses import json_response
from mockserver.http.threads import call_off_loop
from mockserver.journal.notes import Unknown, notes_of
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.owners import OWNER
from mockserver.workspaces.workspace import Workspace
from mockserver.world.machine_failures import find_machine_failure

LARGE_BODY = 64 * 1024
"""Bytes. A larger body is neither parsed nor answered on the event loop."""
MANY_PARTS = 2_000
"""Objects, lists, keys and items. A body with more is not answered on the event loop: those of its variables take some
10 microseconds each."""

MASKED = "GraphQL validation error"
"""The service's message for every document that does not fit its schema (observed in SDK tests of 2026)."""


class GraphQLRequest(msgspec.Struct, frozen=True):
    """The body of a request. The SDK never sends `operationName`; other clients do."""

    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815  the wire's word


class GraphQLEndpoint:
    """An ASGI application."""

    def __init__(self, engine: Engine, workspaces: Workspaces, public_url: str | None) -> None:
        self._engine, self._workspaces, self._public_url = engine, workspaces, public_url
        self._run_answer = workspaces.off_loop.wrap(self._answer) if workspaces.off_loop else self._answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._run_answer(Request(scope, receive))
        except WireError as error:
            note_unreadable(scope, error)
            response = build_error_response(error)
        except ClientDisconnect:
            return
        except OSError as error:  # the document's resolvers could not be imported
            failure = find_machine_failure(error)
            if failure is None:
                raise
            response = build_error_response(failure)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            raise NotAllowed(
                f"GraphQL requests must use POST, not {request.method}; send a JSON body like "
                '{"query": "query { user { email } }", "variables": null}'
            )
        workspace = await self._workspaces.authenticate(request)  # before the body is read
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            return await self._answer_upload(request, workspace)
        body = await read_body(request)
        question = await _parse(body)
        # Again: the workspace may have been reset while the body was read.
        workspace = await self._workspaces.authenticate(request)
        return await self._run(request, workspace, question, large=is_large(body))

    async def _answer_upload(self, request: Request, workspace: Workspace) -> Response:
        """Answers a request with files, which are on the disk before it is run."""
        from mockserver.api.graphql.uploads import UploadRequest  # noqa: PLC0415  few servers receive one

        upload = UploadRequest(workspace.uploads, workspace.long_changes)
        try:
            operations = await upload.read(request)
            question = await _parse(operations)
            upload.fill_in(question.variables)
            if await self._workspaces.authenticate(request) is not workspace:
                raise Conflict("This workspace was reset or deleted while the file was received; upload it again")
            return await self._run(request, workspace, question, large=is_large(operations))
        finally:
            await call_off_loop(workspace.uploads.remote, upload.close)

    async def _run(self, request: Request, workspace: Workspace, question: GraphQLRequest, *, large: bool) -> Response:
        request.scope[OWNER] = workspace
        call = Call(workspace, base_url(request, self._public_url))
        long_changes, notes = workspace.long_changes, notes_of(request.scope)
        query, variables, operation = question.query, question.variables, question.operationName
        answer = self._engine.answer(query, variables, operation, call, long_changes, notes, large=large)
        try:
            document = await answer
        except QueryNotValid:
            if workspace.settings.switches.validation == "masked":
                raise QueryNotValid(MASKED) from None
            raise
        return await asyncio.to_thread(json_response, document) if call.is_large else json_response(document)


def is_large(body: bytes) -> bool:
    """Whether it takes long on the event loop to check and to use the variables of a request."""
    return len(body) > LARGE_BODY or count_parts(body) > MANY_PARTS


def note_unreadable(scope: Scope, error: WireError) -> None:
    """Notes a request whose body or method was refused before its document was read."""
    notes = notes_of(scope)
    kind = "method" if isinstance(error, NotAllowed) else "body"
    if isinstance(error, (BadInput, NotAllowed, BodyTooLarge)) and notes.operation is None and not notes.unknown:
        notes.add_unknown([Unknown(kind, f"{scope['method']} {scope['path']}", (), error.message)])


def build_error_response(error: WireError) -> Response:
    """An error that kept the document from being run. Its status is for people and proxies: SDKs read only the body."""
    status = error.status if isinstance(error, (AuthenticationFailed, NotAllowed, BodyTooLarge)) else 400
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {"Allow": "POST"} if status == 405 else None
    return json_response({"errors": [error.as_graphql()], "data": None}, status, headers)


async def _parse(body: bytes) -> GraphQLRequest:
    """The request in a JSON body, a large one parsed in a thread. Raises BadInput."""
    return await asyncio.to_thread(parse_request, body) if len(body) > LARGE_BODY else parse_request(body)


def parse_request(body: bytes) -> GraphQLRequest:
    """The request in a JSON body. Raises BadInput."""
    try:
        check_json(body)
        # orjson reports line and column; msgspec then checks the shape.
        return convert(orjson.loads(body), GraphQLRequest)
    except BadInput as error:
        raise BadInput(f'{error.message}; expected {{"query": "…", "variables": {{…}}}}') from None
    except orjson.JSONDecodeError as error:
        raise BadInput(f'The body is not JSON ({error}); expected {{"query": "…", "variables": {{…}}}}') from None
    except msgspec.ValidationError as error:
        raise BadInput(f'The body is not a GraphQL request ({error}); expected {{"query": "…"}}') from None
