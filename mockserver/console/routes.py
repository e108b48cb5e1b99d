"""The routes of the page. Its views are imported when the first of them is requested, so that a server that nobody
looks at starts as soon and needs as little memory as without them."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mockserver.http.requests import read_body
from mockserver.parts import HasParts, Part
from mockserver.settings import Settings
from mockserver.workspaces.lifecycle import Workspaces

if TYPE_CHECKING:
    from mockserver.console.frame import Frame

VIEWS = {
    "/": "home:show_home",
    "/console/projects/{project}": "rows:show_rows",
    "/console/datasets/{dataset}": "rows:show_rows",
    "/console/slices/{slice}": "rows:show_rows",
    "/console/model-runs/{model_run}": "rows:show_rows",
    "/console/catalog": "rows:show_rows",
    "/console/projects/{project}/ontology": "project:show_ontology",
    "/console/projects/{project}/issues": "project:show_issues",
    "/console/projects/{project}/webhooks": "webhooks:show_webhooks",
    "/console/projects/{project}/events": "events:show_events",
    "/console/projects/{project}/export": "export:show_export",
    "/console/datasets/{dataset}/export": "export:show_export",
    "/console/slices/{slice}/export": "export:show_export",
    "/console/model-runs/{model_run}/export": "export:show_export",
    "/console/catalog/export": "export:show_export",
    "/console/rows/{row}": "row:show_row",
    "/console/tasks": "tasks:show_tasks",
    "/console/webhooks": "webhooks:show_webhooks",
    "/console/certify": "certification:show_certification",
    "/console/deliveries/{delivery}": "webhooks:show_delivery",
    "/console/requests": "requests:show_requests",
    "/console/graphql": "explorer:show_graphql",
    "/console/api": "explorer:show_api",
    "/docs/": "documentation:list_documents",
    "/docs/{name:path}": "documentation:show_document",
    "/console/static/{name}": "assets:send_asset",
}
"""Path -> module and function of the view; the function takes a `View` and returns a response."""
SIGN_IN = "/console/sign-in"
ACTIONS = {
    ("POST", "/console/certify"): "certification:start_certification",
    ("DELETE", "/console/certify"): "certification:stop_certification",
}
"""Method and path -> module and function of what the page itself does; the function takes a `View` and the body."""
STREAM = "/console/stream"
"""The server-sent events of a workspace."""
MOST_SIGN_IN = 4096
"""Bytes of the form to sign in."""
MOST_ACTION = 64 * 1024
"""Bytes of the body of an action."""


def console_routes(settings: Settings, workspaces: Workspaces) -> list[Route]:
    """Builds the routes of all views."""
    page = Page(settings, workspaces)
    views = [Route(path, functools.partial(_answer, page, target), methods=["GET"]) for path, target in VIEWS.items()]
    actions = [
        Route(path, functools.partial(_act, page, target), methods=[method])
        for (method, path), target in ACTIONS.items()
    ]
    return [
        *views,
        *actions,
        Route(SIGN_IN, functools.partial(_sign_in, page), methods=["POST"]),
        Route(STREAM, functools.partial(_follow, page), methods=["GET"]),
    ]


class Page(HasParts):
    """The page of one server. Its frame is built once, also if the first requests are received together: it counts the
    streams that are open, and has the certifications that run."""

    frame: Part[Frame] = Part("mockserver.console.frame:Frame", "settings workspaces")

    def __init__(self, settings: Settings, workspaces: Workspaces) -> None:
        super().__init__()
        self.settings, self.workspaces = settings, workspaces


# The views run in a thread, because counting a large world takes long. If they were no coroutines, Starlette would also
# run them in a thread, but it would import its library for that on the loop first, for 80 ms.


async def _answer(page: Page, target: str, request: Request) -> Response:
    return await asyncio.to_thread(lambda: page.frame.answer(target, request))


async def _act(page: Page, target: str, request: Request) -> Response:
    body = await read_body(request, MOST_ACTION)
    return await asyncio.to_thread(lambda: page.frame.act(target, request, body))


async def _sign_in(page: Page, request: Request) -> Response:
    body = await read_body(request, MOST_SIGN_IN)
    return await asyncio.to_thread(lambda: page.frame.sign_in(request, body))


async def _follow(page: Page, request: Request) -> Response:
    frame = await asyncio.to_thread(lambda: page.frame)
    return frame.follow(request)  # on the loop, where streams live; it reads nothing
