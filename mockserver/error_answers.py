"""The layer around the routes that answers every error in the shape that clients read.

It does what the class Starlette does, without its pages of tracebacks: the table of HTML entities behind them takes
most of a MiB of an idle server.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import apsw
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Router
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from mockserver.errors import MOST_SHOWN, MockserverBug, NotAllowed, NotFound, WireError, nearest, shorten
from mockserver.http.responses import error_response
from mockserver.journal.notes import Unknown, notes_of
from mockserver.routes import Routes
from mockserver.serving.protocol import TRANSPORT
from mockserver.world.machine_failures import find_machine_failure

LOG = logging.getLogger(__name__)

CANCELLED_AGAIN = 3
"""How often the end of the server may cancel a request whose connection is being ended."""


def answer_errors(routes: Routes) -> ASGIApp:
    """Puts a layer around routes that answers every error in the shape that clients read."""

    async def answer_not_found(request: Request, _error: Exception) -> Response:
        path = shorten(request.url.path, MOST_SHOWN)
        near = nearest(request.url.path, routes.paths, most=3)
        error = NotFound(f"Unknown path {path}; the nearest known are {', '.join(near)}")
        notes_of(request.scope).add_unknown([Unknown("path", path, tuple(near), error.message)])
        return error_response(error)

    async def answer_not_allowed(request: Request, _error: Exception) -> Response:
        """Names the methods of all routes at the path, as each method has a route of its own."""
        at_path = [route for route in routes if route.matches(request.scope)[0] != Match.NONE]
        methods = sorted({method for route in at_path for method in route.methods or ()})
        allowed, path = ", ".join(methods), shorten(request.url.path, MOST_SHOWN)
        error = NotAllowed(f"{path} does not take {request.method}, only {allowed}; GraphQL is POST /graphql")
        unknown = Unknown("method", f"{request.method} {path}", tuple(methods), error.message)
        notes_of(request.scope).add_unknown([unknown])
        response = error_response(error)
        response.headers["Allow"] = allowed
        return response

    handlers: dict[Any, ExceptionHandler] = {
        404: answer_not_found, 405: answer_not_allowed, WireError: answer_wire_error, OSError: answer_fault,
        apsw.Error: answer_fault,
    }  # fmt: skip
    router = Router()
    router.routes = routes  # type: ignore[assignment]  # it only iterates over them
    return BugLayer(ExceptionMiddleware(router, handlers))


async def answer_wire_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, WireError), "the handler is registered for these"
    return error_response(error)


async def answer_fault(request: Request, error: Exception) -> Response:
    """Names the fault of the machine, where no store or export has named it already."""
    resource_failed = find_machine_failure(error)
    if resource_failed is None:
        LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return await answer_bug(request, error)
    return error_response(resource_failed)


async def answer_bug(_request: Request, error: Exception) -> Response:
    """Answers an unexpected exception; not with 5xx: SDKs retry it for two minutes and hide the body (wire trap 4)."""
    return error_response(MockserverBug(f"A bug in the mock, not in your request: {type(error).__name__}; see its log"))


class BugLayer:
    """The outermost layer: logs unexpected exceptions and answers them, if no answer has begun.

    Only the end of the server cancels a request. Its client sees a lost connection: it is open what was done.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self  # the router raises 404 and 405 only where it is part of an application
        has_begun = False

        async def note_begin(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, note_begin)
        except ClientDisconnect:
            pass  # a client that disconnects while it sends a body waits for no answer
        except asyncio.CancelledError:
            await _cut(scope, receive)
        except Exception as error:
            LOG.exception("%s %s failed", scope.get("method"), scope.get("path"))
            if not has_begun:
                response = await answer_bug(Request(scope), error)
                await response(scope, receive, send)


async def _cut(scope: Scope, receive: Receive) -> None:
    """Ends the connection of a request. A server that ends may cancel it again in the meantime."""
    scope[TRANSPORT].abort()
    for _ in range(CANCELLED_AGAIN):
        with contextlib.suppress(asyncio.CancelledError):
            while (await receive())["type"] != "http.disconnect":
                pass
            return
