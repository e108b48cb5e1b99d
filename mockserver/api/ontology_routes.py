"""Ontologies and feature schemas by REST (SDK client.py 7.17.0:1056-1260, :1824-1990)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from mockserver.errors import BadInput, MalformedRequest
from mockserver.generate.features import make_machine_name
from mockserver.http.json_bodies import check_json
from mockserver.http.requests import read_body
from mockserver.http.responses import json_response
from mockserver.imports.ontologies import LONGEST_TEXT, complete_feature, give_ids, list_roots, parse_normalized
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.kept_texts import describe_length
from mockserver.world.queries.conditions import exclude_subquery
from mockserver.world.records.models import Model
from mockserver.world.records.projects import FeatureSchema, Ontology, Project

LARGE_BODY = 64 * 1024
"""Bytes. A larger body is not parsed on the event loop."""
PAGE = 100
"""Ids in one answer (SDK docstring)."""
NEW_FEATURE = "new_feature_schema_id"
"""The id in the address of a feature schema that is to be created (SDK client.py upsert_feature_schema)."""
CREATED, NO_CONTENT = 201, 204

T = TypeVar("T")


class OntologyRoutes:
    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def _authenticate(self, request: Request) -> Workspace:
        return await self._workspaces.authenticate(request)

    # Reading

    async def ontology(self, request: Request) -> Response:
        """The features at the top of an ontology."""
        workspace, ontology_id = await self._authenticate(request), request.path_params["ontology"]
        return await asyncio.to_thread(_show_ontology, workspace, ontology_id)

    async def list_unused_ontologies(self, request: Request) -> Response:
        """Ids of ontologies that no project and no model has. The body holds the last id of the page before."""
        workspace, after = await self._authenticate(request), await _read_cursor(request)
        using = Clause("ontology_id IS NOT NULL AND NOT deleted")
        unused = exclude_subquery("id", Project, "ontology_id", using) & exclude_subquery(
            "id", Model, "ontology_id", using
        )
        unused &= Clause("id > :after", after=after) if after else EVERYTHING
        with workspace.store.reading() as connection:
            return json_response([item.id for item in connection.select(Ontology, unused, order="id", first=PAGE)])

    async def list_unused_feature_schemas(self, request: Request) -> Response:
        """Ids of feature schemas that no ontology has."""
        workspace, after = await self._authenticate(request), await _read_cursor(request)
        return json_response(await asyncio.to_thread(_list_unused_features, workspace, after or ""))

    # Changing

    async def delete_ontology(self, request: Request) -> Response:
        workspace, ontology_id = await self._authenticate(request), request.path_params["ontology"]
        await _change(workspace, lambda: workspace.ontologies.delete_ontology(ontology_id))
        return Response(status_code=NO_CONTENT)

    async def delete_feature(self, request: Request) -> Response:
        workspace, feature_id = await self._authenticate(request), request.path_params["feature"]
        await _change(workspace, lambda: workspace.ontologies.delete_feature(feature_id))
        return Response(status_code=NO_CONTENT)

    async def upsert_feature(self, request: Request) -> Response:
        """Creates a feature schema, or replaces one."""
        workspace, feature_id = await self._authenticate(request), request.path_params["feature"]
        body = await _read_object(request)
        feature = await asyncio.to_thread(_parse_feature, body)
        ontologies = workspace.ontologies
        if feature_id == NEW_FEATURE:
            schema = await _change(workspace, lambda: ontologies.create_feature(feature, give_ids))
            return json_response({"schemaId": schema.id})
        await _change(workspace, lambda: ontologies.update_feature(feature_id, feature, give_ids))
        return json_response({"schemaId": feature_id})

    async def rename_feature(self, request: Request) -> Response:
        workspace, feature_id = await self._authenticate(request), request.path_params["feature"]
        title = (await _read_object(request)).get("title")
        if not isinstance(title, str) or not title.strip():
            raise MalformedRequest(f"title is {title!r}; expected a text that is not empty")
        if len(title) > LONGEST_TEXT:
            raise MalformedRequest(describe_length("title", title, LONGEST_TEXT))
        await _change(workspace, lambda: workspace.ontologies.rename_feature(feature_id, title, _keep_value))
        return json_response({"schemaId": feature_id})

    async def insert_feature(self, request: Request) -> Response:
        workspace, names = await self._authenticate(request), request.path_params
        position = (await _read_object(request)).get("position")
        if not isinstance(position, int) or isinstance(position, bool) or position < 0:
            raise MalformedRequest(f"position is {position!r}; expected a number from 0 on")
        insert = workspace.ontologies.insert_feature
        await _change(workspace, lambda: insert(names["ontology"], names["feature"], position))
        return Response(status_code=CREATED)

    async def remove_feature(self, request: Request) -> Response:
        workspace, names = await self._authenticate(request), request.path_params
        remove = workspace.ontologies.remove_feature
        removal = await _change(workspace, lambda: remove(names["ontology"], names["feature"]))
        return json_response({"archived": removal.archived, "deleted": removal.deleted})

    async def unarchive_feature(self, request: Request) -> Response:
        workspace, names = await self._authenticate(request), request.path_params
        unarchive = workspace.ontologies.unarchive_feature
        await _change(workspace, lambda: unarchive(names["ontology"], names["feature"]))
        return json_response({"unarchived": True})


def _show_ontology(workspace: Workspace, ontology_id: str) -> Response:
    """Raises NotFound. Takes as long as the ontology is."""
    with workspace.store.reading() as connection:
        ontology = connection.one_by_id(Ontology, ontology_id)
    normalized = orjson.loads(ontology.normalized)
    nodes = {
        kind: [
            {"featureSchemaId": feature["featureSchemaId"], "archived": bool(feature.get("archived"))}
            for feature in normalized[kind]
        ]
        for kind in ("tools", "classifications", "relationships")
    }
    return json_response({"id": ontology.id, "name": ontology.name, "featureSchemaNodes": nodes})


def _list_unused_features(workspace: Workspace, after: str) -> list[str]:
    """Reads all ontologies, one by one."""
    with closing(workspace.store.snapshot()) as connection:
        schemas = connection.select_columns(
            FeatureSchema, "id", Clause("id > :after AND NOT deleted", after=after), order="id"
        )
        used = {
            root["featureSchemaId"]
            for [row] in connection.select_batches(Ontology, "normalized", EVERYTHING, order="id", size=1)
            for root in list_roots(orjson.loads(row[0]))
        }
    return [schema_id for (schema_id,) in schemas if schema_id not in used][:PAGE]


def _parse_feature(body: dict[str, Any]) -> dict[str, Any]:
    """The feature in the body of a change, with all its keys. Raises MalformedRequest."""
    return complete_feature(parse_normalized(body.get("normalized"), "normalized"))


async def _change(workspace: Workspace, change: Callable[[], T]) -> T:
    """Makes a change in a thread: its time grows with the ontologies and labels of the world."""
    async with workspace.long_changes.turn():
        return await asyncio.to_thread(change)


def _keep_value(feature: dict[str, Any]) -> dict[str, Any]:
    """A tool with its machine name, which is else derived from its name. Questions have theirs anyway."""
    if "tool" not in feature or feature.get("value"):
        return feature
    return feature | {"value": make_machine_name(feature["name"], feature["tool"])}


async def _read_object(request: Request) -> dict[str, Any]:
    """Raises BadInput."""
    document = await _read_json(request)
    if not isinstance(document, dict):
        raise BadInput("The body is no JSON object; send one")
    return document


async def _read_json(request: Request) -> Any:
    body = await read_body(request)
    if not body:
        return None
    try:
        check_json(body)
        return await asyncio.to_thread(orjson.loads, body) if len(body) > LARGE_BODY else orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"The body is not JSON ({error}); send an object, or no body where none is needed") from None


async def _read_cursor(request: Request) -> str | None:
    """`after` of the body that SDKs send along with GET. Raises BadInput."""
    document = await _read_json(request)
    after = document.get("after") if isinstance(document, dict) else document
    if after is not None and not isinstance(after, str):
        raise BadInput(f'after is {after!r}; expected the last id of the page before, as {{"after": "…"}}')
    return after
