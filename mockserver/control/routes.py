"""The routes under `/_mock/`, and the OpenAPI document made of the same list."""

from __future__ import annotations

import asyncio
import inspect
import re
import typing
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mockserver import __version__
from mockserver.api.endpoint import read_body
from mockserver.api.files import NDJSON
from mockserver.api.responses import error_response, json_response
from mockserver.control import access
from mockserver.control.controls import Controls
from mockserver.control.hooks import DELIVERY_QUERIES, Hooks
from mockserver.errors import BadInput, WireError
from mockserver.settings import Settings
from mockserver.workspaces.lifecycle import Workspaces

Handler = Callable[[Request, Any], Any]


class Control(msgspec.Struct, frozen=True):
    """One method of one path. What the handler takes and gives is read from its signature."""

    method: str
    path: str
    handler: Handler
    about_a_workspace: bool = True
    open: bool = False
    queries: tuple[str, ...] = ()
    """Further query parameters."""

    @property
    def summary(self) -> str:
        return (self.handler.__doc__ or "").split("\n")[0]

    @property
    def takes(self) -> Any:
        return next(hint for name, hint in self._hints.items() if name.endswith("body"))

    @property
    def gives(self) -> Any:
        return self._hints["return"]

    @property
    def _hints(self) -> dict[str, Any]:
        return typing.get_type_hints(self.handler)


def controls(settings: Settings, workspaces: Workspaces) -> list[Control]:
    """Every control there is."""
    do = Controls(settings, workspaces)
    hooks = Hooks(do)
    return [
        Control("GET", "/_mock/health", do.health, about_a_workspace=False, open=True),
        Control("GET", "/_mock/ready", do.ready),
        Control("GET", "/_mock/workspaces", do.list_workspaces, about_a_workspace=False),
        Control("POST", "/_mock/workspaces", do.create_workspace, about_a_workspace=False),
        Control("DELETE", "/_mock/workspaces/{api_key}", do.delete_workspace, about_a_workspace=False),
        Control("POST", "/_mock/reset", do.reset),
        Control("GET", "/_mock/clock", do.clock),
        Control("POST", "/_mock/clock", do.move_clock),
        Control("GET", "/_mock/progression", do.progression),
        Control("POST", "/_mock/progression", do.set_progression),
        Control("GET", "/_mock/switches", do.switches),
        Control("POST", "/_mock/switches", do.set_switches),
        Control("POST", "/_mock/expected", do.expected),
        Control("POST", "/_mock/events", hooks.make_event),
        Control("GET", "/_mock/webhooks", hooks.list_webhooks),
        Control("POST", "/_mock/webhooks", hooks.create_webhook),
        Control("PATCH", "/_mock/webhooks/{webhook}", hooks.change_webhook),
        Control("DELETE", "/_mock/webhooks/{webhook}", hooks.delete_webhook),
        Control("POST", "/_mock/webhooks/{webhook}/replay", hooks.replay),
        Control("GET", "/_mock/deliveries", hooks.list_deliveries, queries=DELIVERY_QUERIES),
        Control("POST", "/_mock/deliveries/{delivery}/redeliver", hooks.redeliver),
        Control("GET", "/_mock/failures", do.failures),
        Control("POST", "/_mock/failures", do.want_failure),
        Control("DELETE", "/_mock/failures", do.clear_failures),
    ]


def control_routes(settings: Settings, workspaces: Workspaces) -> list[Route]:
    known = controls(settings, workspaces)

    async def openapi(_request: Request) -> Response:
        """This document."""
        return json_response(openapi_document(known))

    routes = [Route(item.path, _endpoint(item, settings.token), methods=[item.method]) for item in known]
    return [*routes, Route("/_mock/openapi.json", openapi)]


def _endpoint(control: Control, token: str) -> Callable[[Request], Awaitable[Response]]:
    awaited = inspect.iscoroutinefunction(control.handler)
    takes = control.takes  # read once: its signature's hints are looked up by evaluating them

    async def endpoint(request: Request) -> Response:
        try:
            if not control.open:
                access.check(request, token)
            body = _read(takes, await read_body(request))
            if awaited:
                run = await control.handler(request, body)
            elif control.open:  # health answers on the event loop, whatever the threads do
                run = control.handler(request, body)
            else:
                run = await asyncio.to_thread(control.handler, request, body)
        except WireError as error:
            return error_response(error)
        return _written(run)

    return endpoint


def _read(kind: Any, body: bytes) -> Any:
    """The body as its struct; an empty one is an empty object. Raises BadInput."""
    if kind is type(None):
        return None
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        known = ", ".join(kind.__struct_fields__)
        raise BadInput(f"The body is not as expected: {error}; known keys are {known}") from None
    except msgspec.DecodeError as error:
        raise BadInput(f"The body is not JSON: {error}") from None


def _written(result: Any) -> Response:
    if result is None:
        return Response(status_code=204)
    if isinstance(result, bytes):
        return Response(result, headers={"Content-Type": NDJSON})
    return Response(msgspec.json.encode(result), media_type="application/json")


# OpenAPI


def openapi_document(known: list[Control]) -> dict[str, Any]:
    """OpenAPI 3.1 of the control API."""
    kinds = [kind for item in known for kind in (item.takes, item.gives) if kind not in {type(None), bytes}]
    _, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for item in known:
        paths.setdefault(item.path, {})[item.method.lower()] = _operation(item)
    return {
        "openapi": "3.1.0",
        "info": {"title": "mockserver control API", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "Not needed on loopback"}},
        },
    }


def _operation(control: Control) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": control.handler.__name__, "summary": control.summary}
    parameters: list[dict[str, Any]] = []
    if control.about_a_workspace:
        parameters.append({"name": "api_key", "in": "query", "required": False, "schema": {"type": "string"}})
    places = dict.fromkeys(control.queries, "query") | dict.fromkeys(re.findall(r"{(\w+)}", control.path), "path")
    parameters += [
        {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}}
        for name, place in places.items()
    ]
    if parameters:
        operation["parameters"] = parameters
    if control.takes is not type(None):
        operation["requestBody"] = {"content": {"application/json": {"schema": _reference(control.takes)}}}
    operation["responses"] = _responses(control)
    if not control.open:
        operation["security"] = [{}, {"token": []}]
    return operation


def _responses(control: Control) -> dict[str, Any]:
    good: dict[str, Any]
    if control.gives is type(None):
        good = {"204": {"description": "Done"}}
    elif control.gives is bytes:
        good = {"200": {"description": "One JSON object a line", "content": {"application/x-ndjson": {}}}}
    else:
        schema = {"schema": _reference(control.gives)}
        good = {"200": {"description": "Done", "content": {"application/json": schema}}}
    message = {"type": "object", "required": ["message", "code"], "properties": {"message": {"type": "string"}}}
    bad = {"description": "What came, what was expected", "content": {"application/json": {"schema": message}}}
    return good | {"4XX": bad}


def _reference(kind: Any) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
