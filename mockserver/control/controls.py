"""The controls of workspaces, their settings, events and failures: one method for each."""

from __future__ import annotations

import asyncio
import secrets

import msgspec
from starlette.requests import Request

from mockserver.control.bodies import (
    ClockView,
    ExpectRows,
    KeyView,
    MoveClock,
    NewWorkspace,
    Reset,
    SetKey,
    SetProgression,
    SetSwitches,
    WorkspaceList,
)
from mockserver.control.event_bodies import EventMade, EventsMade, MakeEvent, MakeEvents, Simulate, Simulated
from mockserver.control.events import make_event, make_events
from mockserver.control.expected import render_expected_rows
from mockserver.control.moments import check_date, parse_body_moment
from mockserver.control.ready import Ready, build_ready
from mockserver.control.simulation import simulate
from mockserver.control.spooled import SpooledResponse
from mockserver.errors import BadInput, Conflict
from mockserver.http.requests import base_url
from mockserver.http.responses import NDJSON
from mockserver.settings import LAST_YEAR, Settings, parse_moment
from mockserver.storage.manifest import Origin
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace
from mockserver.world.moments import format_zulu
from mockserver.world.progression import Progression
from mockserver.world.store import Store
from mockserver.world.switches import Switches


class Controls:
    """One method for each control. It returns a struct, or a response. Its docstring begins with its summary."""

    def __init__(self, settings: Settings, workspaces: Workspaces) -> None:
        self._settings, self._workspaces = settings, workspaces

    def workspace(self, request: Request) -> Workspace:
        """Returns the workspace named by `?api_key=`; the server's own by default. Raises NotFound."""
        return self._workspaces.registry.get(self._key(request))

    def _key(self, request: Request) -> str:
        return request.query_params.get("api_key") or self._settings.api_key

    def _url(self, request: Request) -> str:
        return base_url(request, self._settings.public_url)

    def list_workspaces(self, _request: Request, _body: None) -> WorkspaceList:
        """Lists the API keys of all workspaces."""
        return WorkspaceList(self._workspaces.list_keys())

    async def create_workspace(self, request: Request, body: NewWorkspace) -> Ready:
        """Creates a workspace, from a scenario or as a fork."""
        if body.payload_date is not None:
            check_date(body.payload_date)
        key = body.api_key or f"mock-{secrets.token_hex(12)}"
        if body.fork_of is not None:
            workspace = await self._fork(key, body)
        else:
            settings = self._settings
            own = Origin(settings.scenario, settings.seed, settings.ends, settings.payload_date)
            scenario = own.scenario if body.scenario is None else body.scenario
            seed = own.seed if body.seed is None else body.seed
            # Another scenario has its own end and payload date, whatever the flags of the server say.
            ends = own.ends if body.ends is None and body.scenario is None else body.ends
            date = own.payload_date if body.payload_date is None and body.scenario is None else body.payload_date
            origin = Origin(scenario, seed, ends, date, _switch_changes(body))
            workspace = await self._workspaces.create(key, origin, incarnation=body.incarnation)
        return await asyncio.to_thread(build_ready, workspace, self._url(request))

    async def _fork(self, key: str, body: NewWorkspace) -> Workspace:
        own_world = [name for name in ("scenario", "seed", "ends") if getattr(body, name) is not None]
        if own_world:
            raise BadInput(f"fork_of was sent with {', '.join(own_world)}; leave them out, a fork copies the world")
        assert body.fork_of is not None, "only called for forks"
        changed = Origin(payload_date=body.payload_date, switches=_switch_changes(body))
        return await self._workspaces.fork(key, body.fork_of, changed, incarnation=body.incarnation)

    def ready(self, request: Request, _body: None) -> Ready:
        """Returns addresses and ids of a workspace, as in the ready file."""
        return build_ready(self.workspace(request), self._url(request))

    async def delete_workspace(self, request: Request, _body: None) -> None:
        """Deletes a workspace with everything in it."""
        key = request.path_params["api_key"]
        if key == self._settings.api_key:
            raise BadInput("This is the server's own workspace; reset it instead, or stop the server")
        await self._workspaces.delete(key)

    async def reset(self, request: Request, body: Reset) -> Ready:
        """Resets a workspace to its initial world; tasks, results and the clock start anew."""
        fresh = await self._workspaces.reset(self._key(request), incarnation=body.incarnation)
        while True:
            try:
                return await asyncio.to_thread(build_ready, fresh, self._url(request))
            except Conflict:  # reset again in the meantime: the newest world is served
                fresh = self.workspace(request)

    def clock(self, request: Request, _body: None) -> ClockView:
        """Returns the time of the workspace."""
        return _view_clock(self.workspace(request).store)

    def move_clock(self, request: Request, body: MoveClock) -> ClockView:
        """Sets, advances, stops or starts the clock."""
        workspace = self.workspace(request)
        store = workspace.store
        moment = None if body.set is None else parse_body_moment(body.set, "set")
        target = (store.clock.now() if moment is None else moment) + round((body.advance or 0) * 1_000_000)
        if target > _LAST:
            raise BadInput(f"The clock cannot go beyond the year {LAST_YEAR}")
        if body.freeze is not None:
            store.clock.freeze() if body.freeze else store.clock.thaw()
        if moment is not None or body.advance is not None:
            store.clock.set(target)
        workspace.settings.save_clock()
        workspace.exports.sweep()
        workspace.legacy.sweep()
        return _view_clock(store)

    def progression(self, request: Request, _body: None) -> Progression:
        """Returns how fast asynchronous operations progress."""
        return self.workspace(request).settings.progression

    def set_progression(self, request: Request, body: SetProgression) -> Progression:
        """Changes the progression of operations that start from now on."""
        settings = self.workspace(request).settings
        chosen = {name: getattr(body, name) for name in body.__struct_fields__ if getattr(body, name) is not None}
        settings.set_progression(msgspec.structs.replace(settings.progression, **chosen))
        return settings.progression

    def switches(self, request: Request, _body: None) -> Switches:
        """Returns which of several known forms the workspace imitates."""
        return self.workspace(request).settings.switches

    def set_switches(self, request: Request, body: SetSwitches) -> Switches:
        """Chooses other forms, from now on."""
        settings = self.workspace(request).settings
        settings.set_switches(msgspec.structs.replace(settings.switches, **body.changes))
        return settings.switches

    def key(self, request: Request, _body: None) -> KeyView:
        """Returns the API key of the workspace, and whether it is revoked."""
        workspace = self.workspace(request)
        return KeyView(workspace.api_key, workspace.key_revoked)

    def set_key(self, request: Request, body: SetKey) -> KeyView:
        """Revokes the API key, or accepts it again; the control API is not affected."""
        workspace = self.workspace(request)
        workspace.revoke_key(revoked=body.revoked)
        return KeyView(workspace.api_key, workspace.key_revoked)

    def expect_rows(self, request: Request, body: ExpectRows) -> SpooledResponse:
        """Returns the rows that a correct client must receive, as NDJSON, from the world itself and without a task."""
        rows = render_expected_rows(self.workspace(request), body, self._url(request))
        return SpooledResponse(rows, NDJSON)

    def make_event(self, request: Request, body: MakeEvent) -> EventMade:
        """Makes something happen in the world."""
        return make_event(self.workspace(request), body)

    def make_events(self, request: Request, body: MakeEvents) -> EventsMade:
        """Makes many events happen together: all of them, or none."""
        return make_events(self.workspace(request), body)

    def simulate(self, request: Request, body: Simulate) -> Simulated:
        """Lets a team work for some days of the clock: labels, reviews, rework, issues, new data rows."""
        return simulate(self.workspace(request), body)


_LAST = parse_moment(f"{LAST_YEAR}-12-31", flag="set")


def _view_clock(store: Store) -> ClockView:
    return ClockView(format_zulu(store.clock.now()), store.clock.frozen_at is not None)


def _switch_changes(body: NewWorkspace) -> dict[str, str]:
    return {} if body.switches is None else body.switches.changes
