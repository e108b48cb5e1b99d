"""The operation of a request, read from its body in front of the engine: faults ask for it before they hit a call."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from graphql.error import GraphQLError
from graphql.language import parse

from mockserver.api.graphql.documents import MOST_TOKENS, check_depth, check_length
from mockserver.api.graphql.unknown import choose_operation, list_operations
from mockserver.errors import BadInput, QueryTooComplex
from mockserver.http.json_bodies import check_json
from mockserver.journal.notes import Operation

_PART = b'name="operations"'
"""The first part of a multipart upload holds the request (GraphQL multipart spec; SDKs send it first)."""


async def read_operation(body: bytes) -> Operation | None:
    """Reads the operation of a JSON body or of an upload; None if there is none."""
    return await asyncio.to_thread(_read, body)


def _read(body: bytes) -> Operation | None:
    try:
        check_json(body if body[:1] == b"{" else b"")
        request: Any = orjson.loads(body if body[:1] == b"{" else _find_operations(body))
        query, name = request["query"], request.get("operationName")
        check_length(query)
        check_depth(query)
        return choose_operation(list_operations(parse(query, no_location=True, max_tokens=MOST_TOKENS)), name)
    except (ValueError, KeyError, TypeError, AttributeError, BadInput, GraphQLError, QueryTooComplex):
        return None


def _find_operations(body: bytes) -> bytes:
    """The text of the part of an upload that holds the request."""
    place = body.find(_PART)
    begin = body.find(b"\r\n\r\n", place) if place >= 0 else -1
    if begin < 0:
        raise ValueError("no part with operations")
    return body[begin + 4 : body.find(b"\r\n--", begin)]
