"""The composition root: makes the parts, puts them together, lists every route."""

from __future__ import annotations

import fcntl
import logging
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import apsw
import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.api.downloads import Downloads
from mockserver.api.endpoint import GraphQLEndpoint
from mockserver.api.engine import Engine
from mockserver.api.frames import Frames
from mockserver.api.masks import Masks
from mockserver.api.ontology_routes import OntologyRoutes
from mockserver.api.resolvers import all_resolvers
from mockserver.api.responses import error_response
from mockserver.api.rest import Rest
from mockserver.api.workspaces import Origin, Workspace, Workspaces
from mockserver.console.page import Page
from mockserver.control.routes import control_routes
from mockserver.errors import MockserverBug, NotAllowed, NotFound, StartupError, WireError, nearest
from mockserver.exports.space import MEGABYTE, Space
from mockserver.settings import Settings
from mockserver.webhooks.courier import Courier
from mockserver.webhooks.targets import Allowed

LOG = logging.getLogger(__name__)

GRAPHQL_PATHS = ("/graphql", "/_gql", "/api/graphql", "/api/_gql")
"""One schema on all: SDKs replace `/graphql` by `/_gql` for some operations (client.py 3.30.1:161)."""
FRAMES_PATHS = ("/v1/frames/{label}", "/api/v1/frames/{label}")
"""The first is what Export V1 writes (sample: video notebook of 2022-04)."""
EXPORT_THREADS = 4
"""Exports that are written at the same time, in turns (exports/turns.py)."""


class Server(msgspec.Struct):
    """Everything that runs: the application, the workspaces behind it, and what to close."""

    app: ASGIApp
    workspaces: Workspaces
    own: Workspace
    courier: Courier
    threads: ThreadPoolExecutor
    folder: Path
    lock: BinaryIO
    temporary: bool

    def close(self) -> None:
        """Stop exports, close worlds, and leave nothing behind that was not asked to stay."""
        self.workspaces.close()
        self.threads.shutdown(wait=True, cancel_futures=True)
        self.lock.close()
        if self.temporary:
            shutil.rmtree(self.folder, ignore_errors=True)


def build(settings: Settings, url: str) -> Server:
    """A server for these settings, its world ready to be asked; `url` is where it is reached. Raises StartupError."""
    courier = Courier(Allowed(settings.webhook_allow))
    folder = settings.state or Path(tempfile.mkdtemp(prefix="mockserver-"))
    lock = taken(folder)
    threads = ThreadPoolExecutor(EXPORT_THREADS, thread_name_prefix="export")
    origin = Origin(settings.scenario, settings.seed, settings.ends, settings.payload_date)
    workspaces = Workspaces(
        folder / "workspaces",
        threads,
        courier,
        space=Space(settings.results_limit * MEGABYTE),
        cache=settings.cache,
        origin=origin,
        durable=settings.state is not None,
        any_key=settings.any_key,
        url=url,
    )
    try:
        open_own(workspaces, settings)
    except BaseException:
        if settings.state is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    own = workspaces.named(settings.api_key)
    app = application(settings, workspaces)
    return Server(app, workspaces, own, courier, threads, folder, lock, temporary=settings.state is None)


def taken(folder: Path) -> BinaryIO:
    """The folder's lock, held as long as the file is open. Raises StartupError when another server has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("wb")
    except OSError as error:
        raise StartupError(f"--state {folder}: {error.strerror}; give a folder that can be written") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StartupError(f"--state {folder} is in use by another server; stop that one, or give another") from None
    return lock


def open_own(workspaces: Workspaces, settings: Settings) -> None:
    """What the state folder holds, and the workspace of the server's own key."""
    try:
        workspaces.open_all()
        if not workspaces.has(settings.api_key):
            workspaces.create(settings.api_key)
    except OSError as error:
        raise StartupError(f"--state {settings.state}: {error.strerror}; give a folder that can be written") from None
    except WireError as error:
        raise StartupError(error.message) from None
    except apsw.Error as error:
        damaged = f"the cache {settings.cache}" if settings.state is None else f"--state {settings.state}"
        why = f"{error}: it is damaged, or another version of mockserver wrote it"
        raise StartupError(f"a world in {damaged} cannot be read ({why}); delete that folder") from None


def application(settings: Settings, workspaces: Workspaces) -> ASGIApp:
    """Every route of the server, most asked first."""
    graphql = GraphQLEndpoint(Engine(all_resolvers()), workspaces, settings.public_url)
    downloads = Downloads(workspaces, settings.public_url, compressed=settings.gzip_results)
    rest = Rest(workspaces, compressed=settings.gzip_results)
    frames = Frames(workspaces, settings.public_url)
    masks = Masks(workspaces)
    ontologies = OntologyRoutes(workspaces)
    health, *controls = control_routes(settings, workspaces)
    console = Page(workspaces, own=settings.api_key, public_url=settings.public_url)
    routes = [
        *(Route(path, graphql, methods=None) for path in GRAPHQL_PATHS),
        health,
        *(Route(f"{path}/", graphql, methods=None) for path in GRAPHQL_PATHS),
        Route("/_files/{workspace}/results/{task}/{stream}/{file}", downloads.result),
        Route("/_files/{workspace}/assets/{row}/{name:path}", downloads.asset),
        *(Route(path, frames.endpoint) for path in FRAMES_PATHS),
        Route("/_files/{workspace}/frames/{label}.ndjson", frames.target),
        Route("/_files/{workspace}/exports/{file}/{name}", downloads.legacy),
        Route("/_files/{workspace}/issues/{project}/{status}.json", downloads.issues),
        Route("/_files/{workspace}/attachments/{attachment}/{name:path}", downloads.attachment),
        Route("/_files/{workspace}/text-layers/{row}/{name}", downloads.text_layer),
        Route("/_files/{workspace}/tiles/{row}/{zoom}/{column}/{line}", downloads.tile),
        Route("/api/v1/export-results/{task}/{organization}", rest.export_results),
        Route("/api/v1/export-errors/{task}/{organization}", rest.export_errors),
        Route("/api/v1/tasks/{task}/masks/{mask}/index/{index}", masks.composite),
        Route("/api/v1/projects/{project}/annotations/{feature}/index/{index}/mask", masks.flat),
        Route("/api/v1/projects/{project}/annotations/{feature}/mask", masks.in_colour),
        Route("/masks/feature/{feature}", masks.of_token),
        Route("/api/v1/ontologies/unused", ontologies.unused_ontologies),
        Route("/api/v1/ontologies/{ontology}", ontologies.ontology),
        Route("/api/v1/feature-schemas/unused", ontologies.unused_feature_schemas),
        *controls,
        Route("/", console.page),
        Route("/docs/{name}", console.document),
    ]
    known = sorted({route.path for route in routes})

    async def not_found(request: Request, _error: Exception) -> Response:
        near = nearest(request.url.path, known, most=3)
        return error_response(NotFound(f"There is nothing at {request.url.path}; the nearest are {', '.join(near)}"))

    handlers = {404: not_found, 405: not_allowed, WireError: wire_error, Exception: bug}
    return Logged(Starlette(routes=routes, exception_handlers=handlers))  # type: ignore[arg-type]  # starlette types handlers by their widest exception


async def wire_error(_request: Request, error: WireError) -> Response:
    return error_response(error)


async def not_allowed(request: Request, _error: HTTPException) -> Response:
    """Told of all routes at the path, as each method has a route of its own."""
    here = [route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE]
    allowed = ", ".join(sorted({method for route in here for method in route.methods}))
    response = error_response(
        NotAllowed(f"{request.url.path} does not take {request.method}, only {allowed}; GraphQL is POST /graphql")
    )
    response.headers["Allow"] = allowed
    return response


async def bug(_request: Request, error: Exception) -> Response:
    """Never a 5xx: SDKs retry those for two minutes and show the user nothing of the body (wire trap 4)."""
    return error_response(MockserverBug(f"A bug in the mock, not in your request: {type(error).__name__}; see its log"))


class Logged:
    """The outermost layer: Starlette answers an exception nobody planned (`bug`) and raises it again; it ends here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception:
            LOG.exception("%s %s failed", scope.get("method"), scope.get("path"))
