"""Feature schemas: the tools and classifications at the top of the ontologies, each once (SDK client.py 7.17.0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.errors import NotFound
from mockserver.world.projects import Ontology


class RootSchemaNode(msgspec.Struct, frozen=True):
    """`normalized` as the ontology holds it."""

    id: str
    name: str
    normalized: dict[str, Any]


class RootSchemaNodes(msgspec.Struct, frozen=True):
    nodes: list[RootSchemaNode]
    next_cursor: str | None


def add_to(fields: Fields) -> None:
    fields.add_attributes("RootSchemaNode", RootSchemaNode, "id name normalized")
    fields.add_attributes("NodesRootSchemaNode", RootSchemaNodes, "nodes nextCursor")
    fields.add("Query", "rootSchemaNode", root_schema_node)
    fields.add("Query", "rootSchemaNodes", root_schema_nodes)


def root_schema_node(_source: Any, call: Call, where: Mapping[str, Any]) -> RootSchemaNode:
    """By the id of its feature schema, which is what SDKs call the feature schema's id."""
    wanted = where.get("featureSchemaId")
    for node in _all(call):
        if node.normalized["featureSchemaId"] == wanted:
            return node
    raise NotFound(f"Feature schema {wanted!r} does not exist in this workspace")


def root_schema_nodes(
    _source: Any, call: Call, where: Any = None, after: str | None = None, first: int | None = None
) -> RootSchemaNodes:
    """Searched by a part of the name; the cursor is the last id of a full page, as with ontologies."""
    text = ((where or {}).get("search") or "").lower()
    found = [node for node in _all(call) if text in node.name.lower() and (not after or node.id > after)]
    page = found if first is None else found[:first]
    return RootSchemaNodes(page, page[-1].id if page and len(found) > len(page) else None)


def _all(call: Call) -> list[RootSchemaNode]:
    """By id. Of a feature schema in several ontologies the first is told."""
    found: dict[str, RootSchemaNode] = {}
    for ontology in call.select(Ontology, order="created_at, id"):
        normalized = orjson.loads(ontology.normalized)
        for feature in [*normalized["tools"], *normalized["classifications"]]:
            # A tool has a name; the text of a question is its `instructions` (SDK ontology.py).
            name = feature.get("instructions") or feature["name"]
            found.setdefault(feature["featureSchemaId"], RootSchemaNode(feature["schemaNodeId"], name, feature))
    return sorted(found.values(), key=lambda node: node.id)
