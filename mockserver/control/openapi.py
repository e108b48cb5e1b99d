"""The OpenAPI document of the control API, made of the structs that requests are checked by."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from mockserver import __version__
from mockserver.control.bodies import Refusal
from mockserver.control.control import NOTHING, Control
from mockserver.world.progression import Delay


def openapi_document(known: list[Control]) -> dict[str, Any]:
    """OpenAPI 3.1 of the control API."""
    bodies = [kind for item in known for kind in (item.body, item.answer) if kind not in {NOTHING, bytes}]
    _, components = msgspec.json.schema_components([*bodies, Refusal], ref_template="#/components/schemas/{name}")
    components[Delay.__name__] |= Delay.SCHEMA
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
    parameters = _in_path(control) + (_in_query(control) if control.about_a_workspace else [])
    if parameters:
        operation["parameters"] = parameters
    if control.body is not NOTHING:
        # An empty body is an empty object, so it is only required where a key is.
        required = any(field.required for field in msgspec.structs.fields(control.body))
        content = {"application/json": {"schema": _reference(control.body)}}
        operation["requestBody"] = {"required": required, "content": content}
    operation["responses"] = _responses(control)
    if not control.open:
        operation["security"] = [{}, {"token": []}]
    return operation


def _in_path(control: Control) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", control.path)
    ]


def _in_query(control: Control) -> list[dict[str, Any]]:
    _, components = msgspec.json.schema_components([control.query])
    known = components[control.query.__name__]["properties"]
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in known.items()]


def _responses(control: Control) -> dict[str, Any]:
    good: dict[str, Any]
    if control.answer is NOTHING:
        good = {"204": {"description": "Done"}}
    elif control.answer is bytes:
        good = {"200": {"description": "One JSON object a line", "content": {"application/x-ndjson": {}}}}
    else:
        schema = {"schema": _reference(control.answer)}
        good = {"200": {"description": "Done", "content": {"application/json": schema}}}
    refusal = {"application/json": {"schema": _reference(Refusal)}}
    return good | {"4XX": {"description": "What came, what was expected", "content": refusal}}


def _reference(kind: Any) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
