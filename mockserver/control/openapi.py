"""The OpenAPI document of the control API, generated from the structs that check its requests."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from mockserver import __version__
from mockserver.control.bodies import Refusal
from mockserver.control.control import NOTHING, Control
from mockserver.control.spooled import SpooledResponse
from mockserver.world.progression import Delay


def build_openapi(known: list[Control]) -> dict[str, Any]:
    """Builds the OpenAPI 3.1 document of the control API."""
    bodies = [
        kind for item in known for kind in (item.body, item.answer) if kind not in {NOTHING, SpooledResponse, str}
    ]
    _, components = msgspec.json.schema_components([*bodies, Refusal], ref_template="#/components/schemas/{name}")
    components[Delay.__name__] |= Delay.SCHEMA
    paths: dict[str, dict[str, Any]] = {}
    for item in known:
        paths.setdefault(item.path, {})[item.method.lower()] = _build_operation(item)
    return {
        "openapi": "3.1.0",
        "info": {"title": "mockserver control API", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "Not needed on loopback"}},
        },
    }


def _build_operation(control: Control) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": control.handler.__name__, "summary": control.summary}
    parameters = _list_path_parameters(control) + (_list_query_parameters(control) if control.about_a_workspace else [])
    if parameters:
        operation["parameters"] = parameters
    if control.body is not NOTHING:
        # An empty body is an empty object, so it is only required where a key is.
        required = any(field.required for field in msgspec.structs.fields(control.body))
        content = {"application/json": {"schema": _refer_to(control.body)}}
        operation["requestBody"] = {"required": required, "content": content}
    operation["responses"] = _build_responses(control)
    if not control.open:
        operation["security"] = [{}, {"token": []}]
    return operation


def _list_path_parameters(control: Control) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", control.path)
    ]


def _list_query_parameters(control: Control) -> list[dict[str, Any]]:
    _, components = msgspec.json.schema_components([control.query])
    known = components[control.query.__name__]["properties"]
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in known.items()]


def _build_responses(control: Control) -> dict[str, Any]:
    success: dict[str, Any]
    if control.answer is NOTHING:
        success = {"204": {"description": "Done"}}
    elif control.answer is SpooledResponse:
        success = {"200": {"description": "One JSON object a line", "content": {"application/x-ndjson": {}}}}
    elif control.answer is str:
        text = {"text/plain": {"schema": {"type": "string"}}}
        success = {"200": {"description": "Metrics in the text format of Prometheus", "content": text}}
    else:
        schema = {"schema": _refer_to(control.answer)}
        success = {"200": {"description": "Done", "content": {"application/json": schema}}}
    refusal = {"application/json": {"schema": _refer_to(Refusal)}}
    return success | {"4XX": {"description": "What was received, what was expected", "content": refusal}}


def _refer_to(kind: Any) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
