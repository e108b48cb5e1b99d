"""The ASGI layer that opens the workspace of a request before anything else needs it, if servers share a database."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.errors import ResourceFailed, WireError
from mockserver.http.responses import error_response, json_response
from mockserver.workspaces.naming import name_workspace
from mockserver.workspaces.ownership import Owners

GRAPHQL_PATHS = ("/graphql", "/_gql")


class OpeningLayer:
    """Answers requests about the workspaces of this server, and refuses those about the workspaces of others."""

    def __init__(self, app: ASGIApp, owners: Owners, own_key: str) -> None:
        self._app, self._owners, self._own_key = app, owners, own_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = name_workspace(scope, self._own_key)
        if name is None or self._owners.serves(name):
            await self._app(scope, receive, send)
            return
        try:
            remote = await self._owners.find(name)
            if remote is not None:
                raise ResourceFailed(f"The server at {remote.address} serves this workspace; send the request there")
        except WireError as error:
            await build_refusal(scope, error)(scope, receive, send)
            return
        with self._owners.use(name):
            await self._app(scope, receive, send)


def build_refusal(scope: Scope, error: WireError) -> Response:
    """The answer for a request that no workspace has answered, in the shape that its client expects."""
    if scope["path"].rstrip("/").endswith(GRAPHQL_PATHS):
        return json_response({"errors": [error.as_graphql()], "data": None}, error.status)
    return error_response(error)
