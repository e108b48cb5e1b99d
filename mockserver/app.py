"""The composition root: makes the parts, puts them together, lists every route."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import apsw
import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.api.downloads import Downloads
from mockserver.api.embedding_routes import EmbeddingRoutes
from mockserver.api.frames import Frames
from mockserver.api.graphql.endpoint import GraphQLEndpoint
from mockserver.api.graphql.engine import Engine
from mockserver.api.graphql.resolvers import all_resolvers
from mockserver.api.masks import Masks
from mockserver.api.ontology_routes import OntologyRoutes
from mockserver.api.rest import Rest
from mockserver.console.page import Page
from mockserver.control.routes import control_routes
from mockserver.errors import (
    MOST_SHOWN,
    MockserverBug,
    NotAllowed,
    NotFound,
    StartupError,
    WireError,
    nearest,
    shortened,
)
from mockserver.exports.budget import MEGABYTE, Budget
from mockserver.http.responses import error_response
from mockserver.settings import Settings
from mockserver.webhooks.dispatcher import Dispatcher
from mockserver.webhooks.targets import Allowed
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.manifest import Origin
from mockserver.workspaces.registry import Registry
from mockserver.workspaces.state import WORKSPACES, State
from mockserver.workspaces.storage import FolderStorage
from mockserver.workspaces.workspace import Parts, Workspace
from mockserver.workspaces.worlds import Worlds
from mockserver.world.faults import find_fault

LOG = logging.getLogger(__name__)

GRAPHQL_PATHS = ("/graphql", "/_gql", "/api/graphql", "/api/_gql")
"""One schema on all: SDKs replace `/graphql` by `/_gql` for some operations (client.py 3.30.1:161)."""
FRAMES_PATHS = ("/v1/frames/{label}", "/api/v1/frames/{label}")
"""The first is what Export V1 writes (sample: video notebook of 2022-04)."""
EMBEDDINGS_PATH = "/adv/adv/v1/embeddings"
"""SDKs put `/adv` behind the host of their REST address, and `/adv/v1/…` behind that (adv_client.py)."""
ISSUES_PATHS = ("/v1/project/{project}/issues", "/api/v1/project/{project}/issues")
"""The first is what `issueExportUrl` says (tests of 2021-04)."""
EXPORT_THREADS = 4
"""Exports that are written at the same time, in turns (exports/fair_lock.py)."""


class Server(msgspec.Struct):
    """Everything that runs: the application, the workspaces behind it, and what to close."""

    app: ASGIApp
    workspaces: Workspaces
    own: Workspace
    dispatcher: Dispatcher
    threads: ThreadPoolExecutor
    state: State

    def close(self) -> None:
        """Stop exports, close worlds, and leave nothing behind that was not asked to stay."""
        self.workspaces.close()
        self.threads.shutdown(wait=True, cancel_futures=True)
        self.state.close()


def build(settings: Settings, url: str) -> Server:
    """A server for these settings, its world ready to be asked; `url` is where it is reached. Raises StartupError."""
    state = State.open(settings.state)
    try:
        return _build(settings, url, state)
    except BaseException:
        state.close()
        raise


def _build(settings: Settings, url: str, state: State) -> Server:
    dispatcher = Dispatcher(Allowed(settings.webhook_allow), outbox_limit=settings.outbox_limit * MEGABYTE)
    threads = ThreadPoolExecutor(EXPORT_THREADS, thread_name_prefix="export")
    workspaces = Workspaces(
        Registry(),
        FolderStorage(state.folder / WORKSPACES, durable=state.durable),
        Worlds(settings.cache),
        Parts(threads, Budget(settings.results_limit * MEGABYTE), dispatcher, url),
        origin=Origin(settings.scenario, settings.seed, settings.ends, settings.payload_date),
        any_key=settings.any_key,
        most=settings.workspaces_limit,
    )
    own = open_own(workspaces, settings)
    return Server(application(settings, workspaces), workspaces, own, dispatcher, threads, state)


def open_own(workspaces: Workspaces, settings: Settings) -> Workspace:
    """Serve what the state holds, and the workspace of the server's own key. Raises StartupError."""
    try:
        damages = workspaces.open_all()
        if (damage := workspaces.registry.damage_of(settings.api_key)) is not None:
            raise StartupError(
                f"{damage.reason}; put the file back from a copy, or move {damage.home} away to begin this workspace"
                " anew. The other workspaces are not touched"
            )
        for damage in damages:
            LOG.error("%s", damage)
        return workspaces.registry.find(settings.api_key) or workspaces.create_now(settings.api_key)
    except OSError as error:
        raise StartupError(f"--state {settings.state}: {error.strerror}; give a folder that can be written") from None
    except (WireError, apsw.Error) as error:
        raise StartupError(str(error)) from None


def application(settings: Settings, workspaces: Workspaces) -> ASGIApp:
    """Every route of the server, most asked first."""
    graphql = GraphQLEndpoint(Engine(all_resolvers(), settings.cache), workspaces, settings.public_url)
    downloads = Downloads(workspaces, settings.public_url, compressed=settings.gzip_results)
    rest = Rest(workspaces, compressed=settings.gzip_results)
    frames = Frames(workspaces, settings.public_url)
    masks = Masks(workspaces)
    ontologies = OntologyRoutes(workspaces)
    embeddings = EmbeddingRoutes(workspaces)
    health, *controls = control_routes(settings, workspaces)
    console = Page(workspaces, own=settings.api_key, public_url=settings.public_url, hosts=settings.hosts)
    routes = [
        *(Route(path, graphql, methods=None) for path in GRAPHQL_PATHS),
        health,
        *(Route(f"{path}/", graphql, methods=None) for path in GRAPHQL_PATHS),
        Route("/_files/{workspace}/results/{task}/{stream}/{file}", downloads.result),
        Route("/_files/{workspace}/assets/{row}/{name:path}", downloads.asset),
        *(Route(path, frames.endpoint) for path in FRAMES_PATHS),
        Route("/_files/{workspace}/frames/{label}.ndjson", frames.target),
        Route("/_files/{workspace}/exports/{file}/{name}", downloads.legacy),
        *(Route(path, downloads.issues) for path in ISSUES_PATHS),
        Route("/_files/{workspace}/attachments/{attachment}/{name:path}", downloads.attachment),
        Route("/_files/{workspace}/text-layers/{row}/{name}", downloads.text_layer),
        Route("/_files/{workspace}/tiles/{row}/{zoom}/{column}/{line}", downloads.tile),
        Route("/api/v1/export-results/{task}/{organization}", rest.export_results),
        Route("/api/v1/export-errors/{task}/{organization}", rest.export_errors),
        Route("/api/v1/tasks/{task}/masks/{mask}/index/{index}", masks.composite),
        Route("/api/v1/projects/{project}/annotations/{feature}/index/{index}/mask", masks.flat),
        Route("/api/v1/projects/{project}/annotations/{feature}/mask", masks.in_colour),
        Route("/masks/feature/{feature}", masks.of_feature),
        Route("/masks/{project}/{user}/{row}/{index}", masks.of_old_label),
        Route("/api/v1/ontologies/unused", ontologies.unused_ontologies),
        Route("/api/v1/ontologies/{ontology}", ontologies.ontology),
        Route("/api/v1/feature-schemas/unused", ontologies.unused_feature_schemas),
        Route(EMBEDDINGS_PATH, embeddings.embeddings),
        Route(f"{EMBEDDINGS_PATH}/{{embedding}}", embeddings.embedding),
        Route(f"{EMBEDDINGS_PATH}/{{embedding}}/vectors/_count", embeddings.count),
        *controls,
        Route("/", console.page),
        Route("/docs/{name}", console.document),
    ]
    known = sorted({route.path for route in routes})

    async def not_found(request: Request, _error: Exception) -> Response:
        path = request.url.path
        near = ", ".join(nearest(path, known, most=3))
        return error_response(NotFound(f"There is nothing at {shortened(path, MOST_SHOWN)}; the nearest are {near}"))

    handlers = {
        404: not_found, 405: not_allowed, WireError: wire_error, OSError: fault, apsw.Error: fault, Exception: bug
    }  # fmt: skip
    return Logged(Starlette(routes=routes, exception_handlers=handlers))  # type: ignore[arg-type]  # starlette types handlers by their widest exception


async def wire_error(_request: Request, error: WireError) -> Response:
    return error_response(error)


async def not_allowed(request: Request, _error: HTTPException) -> Response:
    """Told of all routes at the path, as each method has a route of its own."""
    here = [route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE]
    allowed = ", ".join(sorted({method for route in here for method in route.methods}))
    response = error_response(
        NotAllowed(
            f"{shortened(request.url.path, MOST_SHOWN)} does not take {request.method}, only {allowed}; "
            "GraphQL is POST /graphql"
        )
    )
    response.headers["Allow"] = allowed
    return response


async def fault(request: Request, error: Exception) -> Response:
    """What the machine failed to do, where no store or export has said it already."""
    told = find_fault(error)
    if told is None:
        LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return await bug(request, error)
    return error_response(told)


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
        except ClientDisconnect:
            pass  # whoever leaves in the middle of a body wants no answer
        except Exception:
            LOG.exception("%s %s failed", scope.get("method"), scope.get("path"))
