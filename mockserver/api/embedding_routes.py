"""Embeddings by REST: SDKs from 3.68 to 7.11 read all of them so, later ones only the count of vectors (adv_client.py
5.2.1, 7.17.0). Vectors cannot be imported yet.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from mockserver.http.responses import json_response
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace
from mockserver.world.data_rows import Embedding
from mockserver.world.database import Clause
from mockserver.world.queries.sources import EMBEDDING_VECTORS


class EmbeddingRoutes:
    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def _authenticate(self, request: Request) -> Workspace:
        return await self._workspaces.authenticate(request.headers.get("authorization"))

    async def embeddings(self, request: Request) -> Response:
        """All embeddings of the organization."""
        workspace = await self._authenticate(request)
        with workspace.store.reading() as connection:
            embeddings = connection.select(Embedding, order="id")
        return json_response({"results": [_format(embedding) for embedding in embeddings]})

    async def embedding(self, request: Request) -> Response:
        return json_response(_format(_find(await self._authenticate(request), request)))

    async def count(self, request: Request) -> Response:
        """The number of data rows that have a vector."""
        workspace = await self._authenticate(request)
        embedding = _find(workspace, request)
        live = Clause("ev.embedding_id = :id AND NOT dr.deleted", id=embedding.id)
        with workspace.store.reading() as connection:
            return json_response({"count": connection.count_rows(EMBEDDING_VECTORS, live)})


def _find(workspace: Workspace, request: Request) -> Embedding:
    """The embedding that the address names. Raises NotFound."""
    embedding_id = request.path_params["embedding"]
    with workspace.store.reading() as connection:
        return connection.one_by_id(Embedding, embedding_id)


def _format(embedding: Embedding) -> dict[str, Any]:
    return {"id": embedding.id, "name": embedding.name, "custom": embedding.is_custom, "dims": embedding.dimensions}
