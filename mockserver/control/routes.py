"""The routes under `/_mock/`: they read the bodies, run the handlers in threads, and write the answers."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from functools import cache, cached_property, partial
from inspect import iscoroutinefunction
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mockserver.control.bodies import Query
from mockserver.control.control import NOTHING, Control
from mockserver.control.handlers import Handlers
from mockserver.control.monitoring import Monitoring
from mockserver.control.ready import Ready
from mockserver.conversion import convert
from mockserver.errors import BadInput, WireError
from mockserver.http import access
from mockserver.http.json_bodies import check_json
from mockserver.http.requests import MOST_BODY, read_body
from mockserver.http.responses import error_response, json_response
from mockserver.journal.journal import Journals
from mockserver.settings import Settings
from mockserver.vocabulary import describe_unknown_word
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace

MOST_EVENT = 1024 * 1024
"""Bytes of an event with its annotations."""
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
SMALL = (NOTHING, Ready)
"""Answers that are written on the event loop, as a change of threads takes longer."""
MOST_DEPTH = 64
"""Levels of a body."""


def list_controls(
    settings: Settings,
    workspaces: Workspaces,
    threads: Executor,
    journals: Journals,
    monitoring: Monitoring,
) -> list[Control]:
    """Lists every control, the health check first. `threads` run those that answer soon."""
    handler = Handlers(settings, workspaces, threads, journals, monitoring).later
    return [
        Control("GET", "/_mock/health", handler("health.health"), about_a_workspace=False, open=True),
        Control("GET", "/_mock/metrics", handler("metrics.metrics"), about_a_workspace=False, long=True),
        Control("GET", "/_mock/replicas", handler("replicas.list_replicas"), about_a_workspace=False),
        Control("GET", "/_mock/ready", handler("controls.ready")),
        Control("GET", "/_mock/workspaces", handler("controls.list_workspaces"), about_a_workspace=False),
        Control("POST", "/_mock/workspaces", handler("controls.create_workspace"), about_a_workspace=False, long=True),
        Control(
            "DELETE",
            "/_mock/workspaces/{api_key}",
            handler("controls.delete_workspace"),
            about_a_workspace=False,
            long=True,
        ),
        Control("POST", "/_mock/reset", handler("controls.reset"), long=True),
        Control("GET", "/_mock/clock", handler("controls.clock")),
        Control("POST", "/_mock/clock", handler("controls.move_clock")),
        Control("GET", "/_mock/progression", handler("controls.progression")),
        Control("POST", "/_mock/progression", handler("controls.set_progression")),
        Control("GET", "/_mock/switches", handler("controls.switches")),
        Control("POST", "/_mock/switches", handler("controls.set_switches")),
        Control("GET", "/_mock/key", handler("controls.key")),
        Control("POST", "/_mock/key", handler("controls.set_key")),
        Control("POST", "/_mock/expected", handler("controls.expect_rows"), long=True, most_body=MOST_BODY),
        Control("POST", "/_mock/events", handler("controls.make_event"), most_body=MOST_EVENT),
        Control("POST", "/_mock/events/many", handler("controls.make_events"), long=True, most_body=MOST_BODY),
        Control("POST", "/_mock/simulate", handler("controls.simulate"), long=True),
        Control("GET", "/_mock/webhooks", handler("webhooks.list_webhooks")),
        Control("POST", "/_mock/webhooks", handler("webhooks.create_webhook")),
        Control("PATCH", "/_mock/webhooks/{webhook}", handler("webhooks.change_webhook")),
        Control("DELETE", "/_mock/webhooks/{webhook}", handler("webhooks.delete_webhook")),
        Control("POST", "/_mock/webhooks/{webhook}/replay", handler("webhooks.replay")),
        Control("GET", "/_mock/webhooks/{webhook}/statistics", handler("webhooks.statistics")),
        Control("GET", "/_mock/deliveries", handler("webhooks.list_deliveries")),
        Control("POST", "/_mock/redeliver", handler("webhooks.redeliver_failed")),
        Control("POST", "/_mock/deliveries/{delivery}/redeliver", handler("webhooks.redeliver")),
        Control("GET", "/_mock/requests", handler("requests.list_requests")),
        Control("DELETE", "/_mock/requests", handler("requests.forget_requests")),
        Control("POST", "/_mock/requests/verify", handler("requests.verify_requests")),
        Control("GET", "/_mock/faults", handler("faults.list_faults")),
        Control("POST", "/_mock/faults", handler("faults.request_fault"), most_body=MOST_BODY),
        Control("DELETE", "/_mock/faults", handler("faults.clear_faults")),
        Control("GET", "/_mock/faults/{fault}", handler("faults.find_fault")),
        Control("DELETE", "/_mock/faults/{fault}", handler("faults.remove_fault")),
    ]


class ControlRoutes:
    """Builds the routes of all controls, the health check first. `long` runs those that may take seconds, `threads` all
    others."""

    def __init__(
        self, settings: Settings, controls: list[Control], workspaces: Workspaces, threads: Executor, long: Executor
    ) -> None:
        self._settings, self._workspaces, self._threads, self._long = settings, workspaces, threads, long
        self._controls = controls

    def build_health(self) -> Route:
        """The route that is requested most often."""
        return self._build(self._controls[0])

    def build_others(self) -> list[Route]:
        document = cache(partial(_build_document, self._controls))

        async def openapi(_request: Request) -> Response:
            """Describes the control API: this document."""
            return Response(await asyncio.to_thread(document), media_type="application/json")

        return [*map(self._build, self._controls[1:]), Route("/_mock/openapi.json", openapi)]

    def _build(self, control: Control) -> Route:
        threads = self._long if control.long else self._threads
        endpoint = Endpoint(control, self._workspaces, self._settings, threads)
        return Route(control.path, endpoint.answer, methods=[control.method])


def _build_document(known: list[Control]) -> Any:
    from mockserver.control.openapi import build_openapi  # noqa: PLC0415  few clients request it

    return json_response(build_openapi(known)).body


class Endpoint:
    """Answers one control."""

    def __init__(self, control: Control, workspaces: Workspaces, settings: Settings, threads: Executor) -> None:
        self._control, self._workspaces, self._settings, self._threads = control, workspaces, settings, threads

    async def answer(self, request: Request) -> ASGIApp:
        control = self._control
        try:
            if not control.open:
                access.check(request, self._settings.token, self._settings.hosts)
            body = await read_body(request, control.most_body)
            if control.open:  # health answers on the loop, whatever the threads do
                return _render(await control.handler(request, None))
            if control.about_a_workspace and control.method != "GET" and not control.long:
                # A long change holds the store's lock: to wait for it here holds no thread.
                await self._workspace(request).long_changes.wait()
            loop = asyncio.get_running_loop()
            if iscoroutinefunction(control.handler):
                answer = await control.handler(request, self._parse(request, body))
                if isinstance(answer, SMALL):
                    return _render(answer)
                return await loop.run_in_executor(self._threads, _render, answer)  # it may have megabytes
            return await loop.run_in_executor(self._threads, self._run, request, body)
        except WireError as error:
            return error_response(error)

    @cached_property
    def _types(self) -> tuple[Any, type[Query], bool]:
        """The types of body and query, and whether the query is read: looked up once, when they are first needed, as
        the hints of a signature are evaluated."""
        return self._control.body, self._control.query, self._control.has_query

    def _workspace(self, request: Request) -> Workspace:
        return self._workspaces.registry.get(request.query_params.get("api_key") or self._settings.api_key)

    def _run(self, request: Request, body: bytes) -> ASGIApp:
        return _render(self._control.handler(request, self._parse(request, body)))

    def _parse(self, request: Request, body: bytes) -> Any:
        kind, query, has_query = self._types
        return _parse_query(query, request) if has_query else _parse_body(kind, body)


def _parse_body(kind: Any, body: bytes) -> Any:
    """Parses the body as its struct; an empty body is an empty object. Raises BadInput."""
    if kind is NOTHING:
        return None
    check_json(body, most_depth=MOST_DEPTH)
    try:
        return convert(_convert_integers(msgspec.json.decode(body or b"{}")), kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"The body is not as expected: {_explain(error, kind)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"The body is not JSON: {error}") from None


def _convert_integers(value: Any) -> Any:
    """Converts 1.0 to an integer, which it is in JSON Schema."""
    if isinstance(value, dict):
        return {key: _convert_integers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_convert_integers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _explain(error: msgspec.ValidationError, kind: Any, names: str = "keys") -> str:
    """msgspec's words, and the known ones: of the field if a word is wrong, else of the whole."""
    what, _, path = str(error).partition(" - at ")
    words = describe_unknown_word(what, path.strip("`"), kind)
    if words is not None:
        return f"at {path}: {words}"
    return f"{error}; known {names} are {', '.join(kind.__struct_fields__)}"


def _parse_query(kind: type[Query], request: Request) -> Query:
    """Parses the query parameters as their struct. Raises BadInput."""
    try:
        return convert(dict(request.query_params), kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadInput(f"The query is not as expected: {_explain(error, kind, 'parameters')}") from None


def _render(result: Any) -> ASGIApp:
    if result is None:
        return Response(status_code=204)
    if isinstance(result, str):
        return Response(result, headers={"Content-Type": PROMETHEUS})
    if callable(result):  # a response already
        app: ASGIApp = result
        return app
    return Response(msgspec.json.encode(result), media_type="application/json")
