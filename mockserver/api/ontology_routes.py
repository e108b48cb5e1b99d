"""Ontologies by REST (SDK client.py 7.17.0:1193-1260, :1824). Ontologies cannot be changed yet."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from mockserver.errors import BadInput
from mockserver.http.requests import read_body
from mockserver.http.responses import json_response
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace
from mockserver.world.database import EVERYTHING, Clause
from mockserver.world.models import Model
from mockserver.world.projects import Ontology, Project
from mockserver.world.queries.conditions import exclude_subquery

PAGE = 100
"""Ids in one answer (SDK docstring)."""


class OntologyRoutes:
    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def _authenticate(self, request: Request) -> Workspace:
        return await self._workspaces.authenticate(request.headers.get("authorization"))

    async def ontology(self, request: Request) -> Response:
        """The features at the top of an ontology. None is archived in a generated world."""
        workspace, ontology_id = await self._authenticate(request), request.path_params["ontology"]
        with workspace.store.reading() as connection:
            ontology = connection.one_by_id(Ontology, ontology_id)
        normalized = orjson.loads(ontology.normalized)
        nodes = {
            kind: [{"featureSchemaId": feature["featureSchemaId"], "archived": False} for feature in normalized[kind]]
            for kind in ("tools", "classifications", "relationships")
        }
        return json_response({"id": ontology.id, "name": ontology.name, "featureSchemaNodes": nodes})

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
        """An empty list: every feature schema of a generated world is in an ontology."""
        await self._authenticate(request)
        await _read_cursor(request)
        return json_response([])


async def _read_cursor(request: Request) -> str | None:
    """`after` of the body that SDKs send along with GET. Raises BadInput."""
    body = await read_body(request)
    if not body:
        return None
    try:
        document: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f'The body is not JSON ({error}); expected {{"after": "…"}} or none') from None
    after = document.get("after") if isinstance(document, dict) else document
    if after is not None and not isinstance(after, str):
        raise BadInput(f'after is {after!r}; expected the last id of the page before, as {{"after": "…"}}')
    return after
