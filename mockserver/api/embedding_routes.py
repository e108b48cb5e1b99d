"""Embeddings by REST: SDKs from 3.68 to 7.11 do everything so, later ones only import and count vectors (adv_client.py
5.2.1, 7.17.0).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response

from mockserver.conversion import decode
from mockserver.errors import BadInput
from mockserver.http.json_bodies import check_json, count_parts
from mockserver.http.requests import read_body
from mockserver.http.responses import json_response
from mockserver.imports.json_items import MOST_PARTS, ItemDecoder
from mockserver.imports.refusals import ItemRefused
from mockserver.imports.row_specs import encode_vector
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import LIVE, match_precomputed
from mockserver.world.queries.sources import EMBEDDING_VECTORS
from mockserver.world.records.data_rows import BUILT_IN_EMBEDDING, DataRow, Embedding

MOST_VECTORS = 64 * 1024 * 1024
"""Bytes of a body. SDKs send 1,000 lines, which with 2,048 numbers each have some 40 MB (adv_client.py)."""
MOST_LINES = 100_000
"""Lines of a body. Each has at least the id of a data row and a vector."""
_BLANKS = re.compile(r"\s*")


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


_DECODER = ItemDecoder(parse_constant=_refuse_constant)


class EmbeddingRoutes:
    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def _authenticate(self, request: Request) -> Workspace:
        return await self._workspaces.authenticate(request)

    async def embeddings(self, request: Request) -> Response:
        """All embeddings of the organization; a POST creates one."""
        workspace = await self._authenticate(request)
        if request.method == "POST":
            new = _parse_new(await read_body(request))
            return json_response(_format(workspace.embeddings.create(new.name, new.dims)))
        with workspace.store.reading() as connection:
            embeddings = connection.select(Embedding, order="id")
        return json_response({"results": [_format(embedding) for embedding in embeddings]})

    async def embedding(self, request: Request) -> Response:
        """One embedding; a DELETE deletes it with its vectors."""
        workspace = await self._authenticate(request)
        embedding = _find(workspace, request)
        if request.method == "DELETE":
            async with workspace.long_changes.turn():
                await asyncio.to_thread(workspace.embeddings.delete, embedding.id)
        return json_response(_format(embedding))

    async def import_vectors(self, request: Request) -> Response:
        """Imports the vectors of data rows, all of the lines or none. The answer has their number (inferred)."""
        workspace = await self._authenticate(request)
        embedding = _find(workspace, request)
        body = await read_body(request, MOST_VECTORS)
        async with workspace.long_changes.turn():
            count = await asyncio.to_thread(_import_vectors, workspace, embedding, body)
        return json_response({"count": count})

    async def count(self, request: Request) -> Response:
        """The number of data rows that have a vector."""
        workspace = await self._authenticate(request)
        embedding = _find(workspace, request)
        live = Clause("ev.embedding_id = :id AND NOT dr.deleted", id=embedding.id)
        with workspace.store.reading() as connection:
            count = connection.count_rows(EMBEDDING_VECTORS, live)
            if embedding.id == BUILT_IN_EMBEDDING:
                count += connection.count(DataRow, match_precomputed() & LIVE)
        return json_response({"count": count})


class NewEmbedding(msgspec.Struct, frozen=True):
    """The body of a POST."""

    name: str
    dims: int


def _parse_new(body: bytes) -> NewEmbedding:
    """Raises BadInput."""
    check_json(body)
    try:
        return decode(body, NewEmbedding)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f'The body is no embedding ({error}); expected {{"name": "…", "dims": 128}}') from None


def _import_vectors(workspace: Workspace, embedding: Embedding, body: bytes) -> int:
    """The number of lines. Raises BadInput, which names the line, MalformedRequest."""
    vectors = []
    for number, line in enumerate(_iterate_lines(body), 1):
        try:
            vectors += [_read_vector(entry, embedding) for entry in _decode_line(line)]
        except (ValueError, RecursionError, ItemRefused) as error:
            raise BadInput(
                f'Line {number} is no vector ({error}); expected {{"id": "a data row", "vector": [0.5, …]}}'
            ) from None
    workspace.embeddings.set_vectors(embedding.id, vectors)
    return len(vectors)


def _read_vector(entry: Any, embedding: Embedding) -> tuple[str, bytes]:
    """The id of a data row, and its vector as JSON. Raises ItemRefused."""
    row_id = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(row_id, str):
        raise ItemRefused(f"it is {str(entry)[:100]!r}")
    return row_id, encode_vector(entry.get("vector"), embedding)


def _iterate_lines(body: bytes) -> Iterator[bytes]:
    """Raises BadInput behind line MOST_LINES."""
    place = 0
    for number in count(1):
        if place >= len(body):
            return
        if number > MOST_LINES:
            raise BadInput(f"The body has more than {MOST_LINES:,} lines; send them in several requests")
        end = body.find(b"\n", place)
        end = len(body) if end < 0 else end
        yield body[place:end]
        place = end + 1


def _decode_line(line: bytes) -> Iterator[Any]:
    """The objects of a line: one, or several without anything between them (SDK tests test_embedding.py:
    test_import_vectors_from_file). Raises ValueError."""
    if count_parts(line) > MOST_PARTS:
        yield from _decode_joined(line.decode().strip())
        return
    try:
        entries = [orjson.loads(line)] if line.strip() else []
    except orjson.JSONDecodeError:
        yield from _decode_joined(line.decode().strip())
    else:
        yield from entries


def _decode_joined(text: str) -> Iterator[Any]:
    position = 0
    while position < len(text):
        entry, position = _DECODER.decode(text, position)
        yield entry
        blanks = _BLANKS.match(text, position)
        position = position if blanks is None else blanks.end()


def _find(workspace: Workspace, request: Request) -> Embedding:
    """The embedding that the address names. Raises NotFound."""
    embedding_id = request.path_params["embedding"]
    with workspace.store.reading() as connection:
        return connection.one_by_id(Embedding, embedding_id)


def _format(embedding: Embedding) -> dict[str, Any]:
    return {"id": embedding.id, "name": embedding.name, "custom": embedding.is_custom, "dims": embedding.dimensions}
