"""The composition root: builds the parts, connects them, and lists every route."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol

import apsw
import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.api.graphql.endpoint import GraphQLEndpoint
from mockserver.api.graphql.engine import Engine
from mockserver.api.graphql.operations import read_operation
from mockserver.api.graphql.resolvers import MODULES
from mockserver.api.late_routes import LateRoutes
from mockserver.console.routes import console_routes
from mockserver.control.monitoring import CountLayer, Monitoring, RequestCounts
from mockserver.control.routes import ControlRoutes, list_controls
from mockserver.errors import (
    MOST_SHOWN,
    Conflict,
    MockserverBug,
    NotAllowed,
    NotFound,
    StartupError,
    WireError,
    nearest,
    shorten,
)
from mockserver.exports.budget import MEGABYTE, Budget
from mockserver.exports.results_root import open_results_root
from mockserver.faults.armed import ActiveFaults, Faults
from mockserver.faults.layer import FaultLayer
from mockserver.http.hosts import KnownHosts
from mockserver.http.responses import error_response
from mockserver.journal.entry import Entry
from mockserver.journal.journal import Journal, Journals
from mockserver.journal.layer import JournalLayer
from mockserver.journal.lines import log_refused, print_json, print_request
from mockserver.journal.notes import Unknown, notes_of
from mockserver.serving.protocol import TRANSPORT
from mockserver.settings import Settings
from mockserver.webhooks.dispatcher import Dispatcher
from mockserver.webhooks.targets import Allowed
from mockserver.workspaces.lifecycle import OwnWorld, Workspaces
from mockserver.workspaces.manifest import Origin
from mockserver.workspaces.owners import find_owner
from mockserver.workspaces.registry import Registry
from mockserver.workspaces.state import Replica, State, name_replica, open_state
from mockserver.workspaces.workspace import Parts, store_hooks
from mockserver.workspaces.worlds import Worlds
from mockserver.world.machine_failures import find_machine_failure

if TYPE_CHECKING:
    from mockserver.forwarding.layer import ForwardingLayer
    from mockserver.workspaces.ownership import Owners
    from mockserver.workspaces.sweeper import Sweeper

LOG = logging.getLogger(__name__)

GRAPHQL_PATHS = ("/graphql", "/_gql", "/api/graphql", "/api/_gql")
"""One schema on all: SDKs replace `/graphql` by `/_gql` for some operations (client.py 3.30.1:161)."""
FRAMES_PATHS = ("/v1/frames/{label}", "/api/v1/frames/{label}")
"""The first is what Export V1 writes (sample: video notebook of 2022-04)."""
EMBEDDINGS_PATH = "/adv/adv/v1/embeddings"
"""SDKs put `/adv` behind the host of their REST address, and `/adv/v1/…` behind that (adv_client.py)."""
PROJECT_PERFORMANCE = "/api/v1/performance/projects/{project}"
FEATURE_IN_ONTOLOGY = "/api/v1/ontologies/{ontology}/feature-schemas/{feature}"
ISSUES_PATHS = ("/v1/project/{project}/issues", "/api/v1/project/{project}/issues")
"""The first is what `issueExportUrl` says (tests of 2021-04)."""
EXPORT_THREADS = 4
"""Exports that are written at the same time, in turns (exports/fair_lock.py)."""
LISTENERS: dict[str, list[Callable[[Entry], None]]] = {
    "refused": [log_refused],
    "requests": [print_request],
    "json": [print_json],
    "none": [],
}
"""What is called with each recorded request, by the value of `--log`."""
CANCELLED_AGAIN = 3
CONTROL_THREADS, LONG_CONTROL_THREADS = 8, 4
"""Threads of controls that answer soon, and of controls that create, copy or export whole worlds: the former never wait
for the latter."""


class Background(Protocol):
    """Work that is done on the loop of the server, beside requests."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Server(msgspec.Struct):
    """Everything that runs: the application, the workspaces behind it, and the resources to close."""

    app: ASGIApp
    workspaces: Workspaces
    own: OwnWorld
    dispatcher: Dispatcher
    sweeper: Sweeper | None
    forwarding: ForwardingLayer | None
    threads: list[ThreadPoolExecutor]
    state: State
    control_token: str | None
    """The token that other machines need for the control API; None if none can reach the server."""

    @property
    def background(self) -> list[Background]:
        """The work that is done beside requests."""
        works = (self.dispatcher, self.workspaces.owners, self.sweeper, self.forwarding)
        return [work for work in works if work is not None]

    def close(self) -> None:
        """Stops exports, closes worlds, and removes everything that is not kept in --state."""
        self.workspaces.close()
        for pool in self.threads:
            pool.shutdown(wait=True, cancel_futures=True)
        self.state.close()


def build(settings: Settings, url: str, *, local: bool, internal_url: str | None = None) -> Server:
    """Builds a server that is ready for requests. Clients reach it at `url`, and other servers of its database at
    its --replica-address, or else at `internal_url` (`url` by default); `local` means only from this machine.

    Raises StartupError.
    """
    replica = Replica(name_replica(settings), settings.replica_address or internal_url or url)
    state = open_state(settings.state, settings.database_connections, replica)
    try:
        secret = None if state.membership is None else state.membership.secret
        return _build(settings if local else add_control_token(settings, secret), url, state, local=local)
    except BaseException:
        state.close()
        raise


def add_control_token(settings: Settings, secret: str | None) -> Settings:
    """Adds a control token, if there is none, to the settings of a server that other machines can reach: a random one,
    or that of all servers which share a database with this `secret`.

    There the API key is not a control token: the default is published, and every client has the key of its workspace.
    """
    if settings.control_token is not None:
        return settings
    shared = None if secret is None else hashlib.blake2b(secret.encode(), digest_size=24, person=b"control").hexdigest()
    return msgspec.structs.replace(settings, control_token=shared or secrets.token_urlsafe(24))


def _build(settings: Settings, url: str, state: State, *, local: bool) -> Server:
    dispatcher = Dispatcher(Allowed(settings.webhook_allow), outbox_limit=settings.outbox_limit * MEGABYTE)
    exports = ThreadPoolExecutor(EXPORT_THREADS, thread_name_prefix="export")
    controls = ThreadPoolExecutor(CONTROL_THREADS, thread_name_prefix="controls")
    long_controls = ThreadPoolExecutor(LONG_CONTROL_THREADS, thread_name_prefix="long-controls")
    active_faults = ActiveFaults()
    journals = Journals(
        most_entries=settings.journal_entries,
        most_bytes=settings.journal_limit * MEGABYTE,
        most_body=settings.journal_body,
    )
    if state.journal_table is not None:
        journals.keep_in(state.journal_table)
    budget = Budget(settings.results_limit * MEGABYTE)
    results_root = open_results_root(settings.results, signed=settings.results_redirect)
    parts = Parts(exports, budget, dispatcher, journals, active_faults, url)
    workspaces = Workspaces(
        Registry(),
        state.open_storage(partial(store_hooks, parts=parts), results_root),
        Worlds(settings.cache),
        parts,
        origin=Origin(settings.scenario, settings.seed, settings.ends, settings.payload_date),
        any_key=settings.any_key,
        most=settings.workspaces_limit,
        membership=state.membership,
    )
    own = open_own(workspaces, settings)
    resources = [*state.resources, *([] if results_root is None else [results_root.find_failure])]
    monitoring = Monitoring(RequestCounts(), resources)
    of_controls = ControlRoutes(
        settings,
        list_controls(settings, workspaces, controls, journals, monitoring),
        workspaces,
        controls,
        long_controls,
    )
    routes = build_routes(settings, workspaces, of_controls)
    app = add_faults(build_application(routes), active_faults, workspaces.registry)
    if local:
        app = KnownHosts(app, settings.hosts)
    if settings.journal_entries:
        app = record(app, journals, workspaces.registry, settings.log)
    app = CountLayer(app, monitoring.requests)
    forwarding = None if workspaces.owners is None else forward(app, workspaces.owners, settings.api_key)
    age = settings.sweep_after
    sweeper = None if age is None else build_sweeper(workspaces, age, settings.api_key)
    token = None if local else settings.token
    threads = [exports, controls, long_controls]
    return Server(forwarding or app, workspaces, own, dispatcher, sweeper, forwarding, threads, state, token)


def forward(app: ASGIApp, owners: Owners, own_key: str) -> ForwardingLayer:
    """Puts the forwarding to other servers of the database around the application."""
    from mockserver.forwarding.layer import ForwardingLayer  # noqa: PLC0415  few servers share a database

    return ForwardingLayer(app, owners, own_key)


def build_sweeper(workspaces: Workspaces, age: float, own_key: str) -> Sweeper:
    """Builds the part that deletes workspaces which no request has used for `age` seconds."""
    from mockserver.workspaces.sweeper import Sweeper  # noqa: PLC0415  few servers delete idle workspaces

    return Sweeper(workspaces, age, own_key)


def add_faults(app: ASGIApp, active: ActiveFaults, registry: Registry) -> ASGIApp:
    """Puts the faults of the workspaces around the application."""

    def find_faults(scope: Scope) -> Faults | None:
        owner = find_owner(registry, scope)
        return None if owner is None else owner.faults

    return FaultLayer(app, active, find_faults, read_operation)


def record(app: ASGIApp, journals: Journals, registry: Registry, log: str) -> ASGIApp:
    """Puts the journal around the application. `log` says which requests are logged too."""

    def find_journal(scope: Scope) -> Journal | None:
        owner = find_owner(registry, scope)
        return None if owner is None else owner.journal

    return JournalLayer(app, journals, find_journal, LISTENERS[log])


def open_own(workspaces: Workspaces, settings: Settings) -> OwnWorld:
    """Opens the workspaces in --state, and opens or creates that of the server's own key. Raises StartupError."""
    try:
        damages = workspaces.open_all()
        own = workspaces.open_own(settings.api_key)
        for damage in damages:
            LOG.error("%s", damage)
        return own  # noqa: TRY300  the damages of a server that does not start are not logged
    except Conflict as error:
        if (own_damage := workspaces.registry.find_damage(settings.api_key)) is None:
            raise StartupError(str(error)) from None
        raise StartupError(
            f"{own_damage.reason}; put the file back from a copy, or move {own_damage.place} away to begin this"
            " workspace anew. The other workspaces are not touched"
        ) from None
    except OSError as error:
        raise StartupError(f"--state {settings.state}: {error.strerror}; give a folder that can be written") from None
    except (WireError, apsw.Error) as error:
        raise StartupError(str(error)) from None


class Routes:
    """Every route of the server. Most are built when a request fits none of the first ones: compiling their patterns
    takes a twentieth of a start."""

    def __init__(self, first: list[Route], build_others: Callable[[], list[Route]]) -> None:
        self._first, self._build_others = first, build_others

    def __iter__(self) -> Iterator[Route]:
        yield from self._first
        yield from self._others

    @cached_property
    def _others(self) -> list[Route]:
        return self._build_others()

    @cached_property
    def paths(self) -> list[str]:
        return sorted({route.path for route in self})


def build_routes(settings: Settings, workspaces: Workspaces, controls: ControlRoutes) -> Routes:
    """Lists every route of the server, the most frequent first."""
    graphql = GraphQLEndpoint(Engine(MODULES, settings.cache), workspaces, settings.public_url)
    first = [
        *(Route(path, graphql, methods=None) for path in GRAPHQL_PATHS),
        controls.build_health(),
        *(Route(f"{path}/", graphql, methods=None) for path in GRAPHQL_PATHS),
    ]
    return Routes(first, lambda: build_other_routes(settings, workspaces, controls))


def build_other_routes(settings: Settings, workspaces: Workspaces, controls: ControlRoutes) -> list[Route]:
    """Lists the routes beside GraphQL and the health check."""
    late = LateRoutes(
        workspaces, settings.public_url, compressed=settings.gzip_results, redirected=settings.results_redirect
    ).endpoint
    return [
        Route("/_files/{workspace}/results/{task}/{stream}/{file}", late("downloads.result")),
        Route("/_files/{workspace}/assets/{row}/{name:path}", late("downloads.asset")),
        Route("/_files/{workspace}/uploads/{upload}/{name:path}", late("downloads.upload")),
        Route("/_files/{workspace}/imports/{task}/result.json", late("downloads.import_result")),
        *(Route(path, late("frames.endpoint")) for path in FRAMES_PATHS),
        Route("/_files/{workspace}/frames/{label}.ndjson", late("frames.target")),
        Route("/_files/{workspace}/exports/{file}/{name}", late("downloads.legacy")),
        *(Route(path, late("downloads.issues")) for path in ISSUES_PATHS),
        Route("/_files/{workspace}/attachments/{attachment}/{name:path}", late("downloads.attachment")),
        Route("/_files/{workspace}/text-layers/{row}/{name}", late("downloads.text_layer")),
        Route("/_files/{workspace}/tiles/{row}/{zoom}/{column}/{line}", late("downloads.tile")),
        Route("/api/v1/export-results/{task}/{organization}", late("rest.export_results")),
        Route("/api/v1/export-errors/{task}/{organization}", late("rest.export_errors")),
        Route("/api/v1/tasks/{task}/masks/{mask}/index/{index}", late("masks.draw_composite")),
        Route("/api/v1/projects/{project}/annotations/{feature}/index/{index}/mask", late("masks.draw_flat")),
        Route("/api/v1/projects/{project}/annotations/{feature}/mask", late("masks.draw_in_colour")),
        Route("/masks/feature/{feature}", late("masks.draw_one")),
        Route("/masks/{project}/{user}/{row}/{index}", late("masks.draw_of_old_label")),
        Route("/api/v1/ontologies/unused", late("ontologies.list_unused_ontologies")),
        Route("/api/v1/ontologies/{ontology}", late("ontologies.ontology")),
        Route("/api/v1/ontologies/{ontology}", late("ontologies.delete_ontology"), methods=["DELETE"]),
        Route(FEATURE_IN_ONTOLOGY, late("ontologies.insert_feature"), methods=["POST"]),
        Route(FEATURE_IN_ONTOLOGY, late("ontologies.remove_feature"), methods=["DELETE"]),
        Route(f"{FEATURE_IN_ONTOLOGY}/unarchive", late("ontologies.unarchive_feature"), methods=["PATCH"]),
        Route("/api/v1/feature-schemas/unused", late("ontologies.list_unused_feature_schemas")),
        Route("/api/v1/feature-schemas/{feature}", late("ontologies.upsert_feature"), methods=["PUT"]),
        Route("/api/v1/feature-schemas/{feature}", late("ontologies.delete_feature"), methods=["DELETE"]),
        Route("/api/v1/feature-schemas/{feature}/definition", late("ontologies.rename_feature"), methods=["PATCH"]),
        Route("/api/v1/performance/metrics", late("performance.list_metrics")),
        Route(f"{PROJECT_PERFORMANCE}/metrics/{{metric}}", late("performance.project_metric")),
        Route(f"{PROJECT_PERFORMANCE}/labelers", late("performance.project_labelers")),
        Route(f"{PROJECT_PERFORMANCE}/reviewers", late("performance.project_reviewers")),
        Route(f"{PROJECT_PERFORMANCE}/download", late("performance.refuse")),
        Route("/api/v1/performance/workspace/metrics/{metric}", late("performance.workspace_metric")),
        Route("/api/v1/performance/workspace/labelers", late("performance.workspace_labelers")),
        Route("/api/v1/performance/workspace/sign-in-sessions", late("performance.refuse")),
        Route("/api/v1/performance/workspace/sign-in-events", late("performance.refuse")),
        Route(EMBEDDINGS_PATH, late("embeddings.embeddings"), methods=["GET", "POST"]),
        Route(f"{EMBEDDINGS_PATH}/{{embedding}}", late("embeddings.embedding"), methods=["GET", "DELETE"]),
        Route(f"{EMBEDDINGS_PATH}/{{embedding}}/_import_ndjson", late("embeddings.import_vectors"), methods=["PUT"]),
        Route(f"{EMBEDDINGS_PATH}/{{embedding}}/vectors/_count", late("embeddings.count")),
        *controls.build_others(),
        *console_routes(settings, workspaces),
    ]


def build_application(routes: Routes) -> ASGIApp:
    """Puts routes behind one ASGI application that answers every error in the shape that clients read."""

    async def answer_not_found(request: Request, _error: Exception) -> Response:
        path = shorten(request.url.path, MOST_SHOWN)
        near = nearest(request.url.path, routes.paths, most=3)
        error = NotFound(f"Unknown path {path}; the nearest known are {', '.join(near)}")
        notes_of(request.scope).add_unknown([Unknown("path", path, tuple(near), error.message)])
        return error_response(error)

    handlers = {
        404: answer_not_found, 405: answer_not_allowed, WireError: answer_wire_error, OSError: answer_fault,
        apsw.Error: answer_fault, Exception: answer_bug,
    }  # fmt: skip
    application = Starlette(exception_handlers=handlers)  # type: ignore[arg-type]  # starlette types handlers by their widest exception
    application.router.routes = routes  # type: ignore[assignment]  # it only iterates over them
    return Logged(application)


async def answer_wire_error(_request: Request, error: WireError) -> Response:
    return error_response(error)


async def answer_not_allowed(request: Request, _error: HTTPException) -> Response:
    """Names the methods of all routes at the path, as each method has a route of its own."""
    at_path = [route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE]
    methods = sorted({method for route in at_path for method in route.methods})
    allowed, path = ", ".join(methods), shorten(request.url.path, MOST_SHOWN)
    error = NotAllowed(f"{path} does not take {request.method}, only {allowed}; GraphQL is POST /graphql")
    notes_of(request.scope).add_unknown([Unknown("method", f"{request.method} {path}", tuple(methods), error.message)])
    response = error_response(error)
    response.headers["Allow"] = allowed
    return response


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


async def _cut(scope: Scope, receive: Receive) -> None:
    """Ends the connection of a request. A server that ends may cancel it again in the meantime."""
    scope[TRANSPORT].abort()
    for _ in range(CANCELLED_AGAIN):
        with contextlib.suppress(asyncio.CancelledError):
            while (await receive())["type"] != "http.disconnect":
                pass
            return


class Logged:
    """The outermost layer: logs unexpected exceptions, which Starlette answers (`answer_bug`) and raises again.

    Only the end of the server cancels a request. Its client sees a lost connection: it is open what was done.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            pass  # a client that disconnects while it sends a body waits for no answer
        except asyncio.CancelledError:
            await _cut(scope, receive)
        except Exception:
            LOG.exception("%s %s failed", scope.get("method"), scope.get("path"))
