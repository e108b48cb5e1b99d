"""The controls: each takes a request of its own kind and the workspace it is about."""

from __future__ import annotations

import asyncio
import secrets

import msgspec
from starlette.requests import Request

from mockserver import __version__
from mockserver.control.bodies import (
    ClockView,
    ExpectRows,
    Health,
    MoveClock,
    NewWorkspace,
    Reset,
    SetProgression,
    SetSwitches,
    WantedFailures,
    WorkspaceList,
)
from mockserver.control.events import EventMade, MakeEvent, make_event
from mockserver.control.expected import expected_rows
from mockserver.control.ready import Ready, ready_file
from mockserver.errors import BadInput, Conflict, StartupError
from mockserver.exports.failures import Failure
from mockserver.http.requests import base_url
from mockserver.settings import LAST_YEAR, Settings, parse_date, parse_moment
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.manifest import Origin
from mockserver.workspaces.workspace import Workspace
from mockserver.world.moments import format_zulu
from mockserver.world.progression import Progression
from mockserver.world.store import Store
from mockserver.world.switches import Switches


class Controls:
    """One method for each control. `Ndjson` bytes apart, what they return is a body of bodies.py."""

    def __init__(self, settings: Settings, workspaces: Workspaces) -> None:
        self._settings, self._workspaces = settings, workspaces

    def workspace(self, request: Request) -> Workspace:
        """Named by `?api_key=`; the server's own by default. Raises NotFound."""
        return self._workspaces.registry.named(self._key(request))

    def _key(self, request: Request) -> str:
        return request.query_params.get("api_key") or self._settings.api_key

    def _url(self, request: Request) -> str:
        return base_url(request, self._settings.public_url)

    def health(self, _request: Request, _body: None) -> Health:
        """200 once GraphQL can be answered."""
        return Health("ok", __version__)

    def list_workspaces(self, _request: Request, _body: None) -> WorkspaceList:
        """The API keys that name a workspace."""
        return WorkspaceList(self._workspaces.registry.keys())

    async def create_workspace(self, request: Request, body: NewWorkspace) -> Ready:
        """Make a workspace, from a scenario or as a fork."""
        if body.payload_date is not None:
            check_date(body.payload_date)
        key = body.api_key or f"mock-{secrets.token_hex(12)}"
        if body.fork_of is not None:
            made = await self._fork(key, body)
        else:
            settings = self._settings
            own = Origin(settings.scenario, settings.seed, settings.ends, settings.payload_date)
            scenario = own.scenario if body.scenario is None else body.scenario
            seed = own.seed if body.seed is None else body.seed
            # Another scenario has its own end and payload date, whatever the server's own world was told.
            ends = own.ends if body.ends is None and body.scenario is None else body.ends
            date = own.payload_date if body.payload_date is None and body.scenario is None else body.payload_date
            origin = Origin(scenario, seed, ends, date, _switches(body))
            made = await self._workspaces.create(key, origin, incarnation=body.incarnation)
        return await asyncio.to_thread(ready_file, made, self._url(request))

    async def _fork(self, key: str, body: NewWorkspace) -> Workspace:
        given = [name for name in ("scenario", "seed", "ends") if getattr(body, name) is not None]
        if given:
            raise BadInput(f"fork_of came with {', '.join(given)}: a fork takes its world from the other workspace")
        assert body.fork_of is not None, "only called for forks"
        changed = Origin(payload_date=body.payload_date, switches=_switches(body))
        return await self._workspaces.fork(key, body.fork_of, changed, incarnation=body.incarnation)

    def ready(self, request: Request, _body: None) -> Ready:
        """Addresses and ids of a workspace, as in the ready file."""
        return ready_file(self.workspace(request), self._url(request))

    async def delete_workspace(self, request: Request, _body: None) -> None:
        """Remove a workspace with everything in it."""
        key = request.path_params["api_key"]
        if key == self._settings.api_key:
            raise BadInput("This is the server's own workspace; reset it instead, or stop the server")
        await self._workspaces.delete(key)

    async def reset(self, request: Request, body: Reset) -> Ready:
        """Back to the world as it was made; tasks, results and clock begin anew."""
        fresh = await self._workspaces.reset(self._key(request), incarnation=body.incarnation)
        while True:
            try:
                return await asyncio.to_thread(ready_file, fresh, self._url(request))
            except Conflict:  # reset once more in the meantime: that life is the one there is
                fresh = self.workspace(request)

    def clock(self, request: Request, _body: None) -> ClockView:
        """What time it is in the workspace."""
        return _face(self.workspace(request).store)

    def move_clock(self, request: Request, body: MoveClock) -> ClockView:
        """Set it, let it pass, stop it, let it run."""
        workspace = self.workspace(request)
        store = workspace.store
        moment = None if body.set is None else read_moment(body.set, "set")
        target = (store.clock.now() if moment is None else moment) + round((body.advance or 0) * 1_000_000)
        if target > _LAST:
            raise BadInput(f"The clock would pass the year {LAST_YEAR}, where moments cannot be written any more")
        if body.freeze is not None:
            store.clock.freeze() if body.freeze else store.clock.thaw()
        if moment is not None or body.advance is not None:
            store.clock.set(target)
        workspace.settings.save_clock()
        workspace.exports.sweep()
        workspace.legacy.sweep()
        return _face(store)

    def progression(self, request: Request, _body: None) -> Progression:
        """How fast asynchronous things look."""
        return self.workspace(request).settings.progression

    def set_progression(self, request: Request, body: SetProgression) -> Progression:
        """Change the pace of what is started from now on."""
        if body.imports is not None:
            raise BadInput("imports are not served yet, so they have no progression; known are exports, processing")
        settings = self.workspace(request).settings
        now = settings.progression
        exports = now.exports if body.exports is None else body.exports
        processing = now.processing if body.processing is None else body.processing
        settings.set_progression(Progression(exports, processing))
        return settings.progression

    def switches(self, request: Request, _body: None) -> Switches:
        """Which of several known forms the workspace imitates."""
        return self.workspace(request).settings.switches

    def set_switches(self, request: Request, body: SetSwitches) -> Switches:
        """Choose another form, from now on."""
        settings = self.workspace(request).settings
        settings.set_switches(msgspec.structs.replace(settings.switches, **body.changes))
        return settings.switches

    def expected(self, request: Request, body: ExpectRows) -> bytes:
        """What a correct client must get: the rows from the world itself, as NDJSON, without a task."""
        return expected_rows(self.workspace(request), body, self._url(request))

    def make_event(self, request: Request, body: MakeEvent) -> EventMade:
        """Makes something happen in the world."""
        return make_event(self.workspace(request), body)

    def failures(self, request: Request, _body: None) -> WantedFailures:
        """What the next exports will fail of."""
        return WantedFailures(self.workspace(request).exports.failures.wanted)

    def want_failure(self, request: Request, body: Failure) -> WantedFailures:
        """Let the next exports fail, as a whole or single data rows of them."""
        failures = self.workspace(request).exports.failures
        failures.want(body)
        return WantedFailures(failures.wanted)

    def clear_failures(self, request: Request, _body: None) -> None:
        """Let no further export fail."""
        self.workspace(request).exports.failures.clear()


_LAST = parse_moment(f"{LAST_YEAR}-12-31", flag="set")


def _face(store: Store) -> ClockView:
    return ClockView(format_zulu(store.clock.now()), store.clock.frozen_at is not None)


def _switches(body: NewWorkspace) -> dict[str, str]:
    return {} if body.switches is None else body.switches.changes


def check_date(text: str) -> None:
    """Raises BadInput."""
    try:
        parse_date(text, flag="payload_date")
    except StartupError as error:
        raise BadInput(str(error)) from None


def read_moment(text: str, name: str) -> int:
    """Microseconds UTC. Raises BadInput."""
    try:
        return parse_moment(text, flag=name)
    except StartupError as error:
        raise BadInput(str(error)) from None
