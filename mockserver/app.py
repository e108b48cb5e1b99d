"""The composition root: builds the parts and connects them."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Protocol

import apsw
import msgspec
from starlette.types import ASGIApp, Scope

from mockserver.api.graphql.operations import read_operation
from mockserver.control.monitoring import CountLayer, Monitoring, RequestCounts
from mockserver.control.routes import ControlRoutes, list_controls
from mockserver.error_answers import answer_errors
from mockserver.errors import Conflict, StartupError, WireError
from mockserver.faults.armed import ActiveFaults, Faults
from mockserver.faults.layer import FaultLayer
from mockserver.http.hosts import KnownHosts
from mockserver.journal.entry import Entry
from mockserver.journal.journal import Journal, Journals
from mockserver.journal.layer import JournalLayer
from mockserver.journal.lines import log_refused, print_json, print_request
from mockserver.results.budget import MEGABYTE, Budget
from mockserver.results.results_root import open_results_root
from mockserver.routes import build_routes
from mockserver.settings import Settings
from mockserver.storage.manifest import Origin
from mockserver.storage.state import Replica, State, name_replica
from mockserver.storage.states import open_state
from mockserver.storage.worlds import Worlds
from mockserver.webhooks.dispatcher import Dispatcher
from mockserver.webhooks.targets import Allowed
from mockserver.workspaces.lifecycle import OwnWorld, Workspaces
from mockserver.workspaces.owners import find_owner
from mockserver.workspaces.registry import Registry
from mockserver.workspaces.workspace import Parts, store_hooks

if TYPE_CHECKING:
    from mockserver.forwarding.layer import ForwardingLayer
    from mockserver.workspaces.ownership import Owners
    from mockserver.workspaces.sweeper import Sweeper

LOG = logging.getLogger(__name__)

EXPORT_THREADS = 8
"""Exports that are written at the same time: they search together, and render in turns (exports/fair_lock.py)."""
LISTENERS: dict[str, list[Callable[[Entry], None]]] = {
    "refused": [log_refused],
    "requests": [print_request],
    "json": [print_json],
    "none": [],
}
"""What is called with each recorded request, by the value of `--log`."""
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
        works = (self.dispatcher, self.workspaces.ownership_search, self.sweeper, self.forwarding)
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
        from mockserver.journal.keeping import Keeper  # noqa: PLC0415  few servers have a database

        journals.keep_by(Keeper(state.journal_table, journals.most_bytes))
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
    app = add_faults(answer_errors(routes), active_faults, workspaces.registry)
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
        advice = own_damage.give_advice("to begin this workspace anew")
        raise StartupError(f"{own_damage.error}; {advice}. The other workspaces are not touched") from None
    except OSError as error:
        raise StartupError(f"--state {settings.state}: {error.strerror}; give a folder that can be written") from None
    except (WireError, apsw.Error) as error:
        raise StartupError(str(error)) from None
