"""Feature schemas: tools and classifications, alone or at the top of ontologies, each once (SDK client.py 7.17.0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.pages import cut_window
from mockserver.errors import NotFound
from mockserver.imports.ontologies import complete_feature, give_ids, list_roots, parse_normalized
from mockserver.world.clause import Clause
from mockserver.world.records.projects import FeatureSchema, Ontology


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
    fields.add("Query", "rootSchemaNode", find_root_schema_node)
    fields.add("Query", "rootSchemaNodes", list_root_schema_nodes)
    fields.add("Mutation", "upsertRootSchemaNode", create_root_schema_node)


def find_root_schema_node(_source: Any, call: Call, where: Mapping[str, Any]) -> RootSchemaNode:
    """The node of a feature schema, found by the id that SDKs call the id of the feature schema."""
    wanted = read_id(where, "rootSchemaNode", "where.featureSchemaId")
    for node in _list_all(call):
        if node.normalized["featureSchemaId"] == wanted:
            return node
    raise NotFound(f"Feature schema {wanted!r} does not exist in this workspace")


def list_root_schema_nodes(
    _source: Any, call: Call, where: Any = None, after: str | None = None, first: int | None = None
) -> RootSchemaNodes:
    """The nodes whose name contains a text. The cursor is the last id of a full page, as with ontologies."""
    text = ((where or {}).get("search") or "").lower()
    nodes = [node for node in _list_all(call) if text in node.name.lower() and (not after or node.id > after)]
    page = cut_window(nodes, first=first)
    return RootSchemaNodes(page, page[-1].id if page and len(nodes) > len(page) else None)


def _list_all(call: Call) -> list[RootSchemaNode]:
    """The nodes by id: those that clients created, and those of ontologies. A feature schema of several ontologies is
    that of the first."""
    created = call.select(FeatureSchema, Clause("NOT deleted"), order="created_at, id")
    nodes = {schema.id: build_node(orjson.loads(schema.normalized)) for schema in created}
    for ontology in call.select(Ontology, order="created_at, id"):
        for feature in list_roots(orjson.loads(ontology.normalized)):
            nodes.setdefault(feature["featureSchemaId"], build_node(feature))
    return sorted(nodes.values(), key=lambda node: node.id)


def build_node(feature: dict[str, Any]) -> RootSchemaNode:
    """A tool has a name; the text of a question is its `instructions` (SDK ontology.py)."""
    return RootSchemaNode(feature["schemaNodeId"], feature.get("instructions") or feature["name"], feature)


def create_root_schema_node(_source: Any, call: Call, data: Mapping[str, Any]) -> RootSchemaNode:
    """Creates a feature schema that no ontology has yet. Raises MalformedRequest."""
    feature = complete_feature(parse_normalized(data["normalized"], "normalized"))
    schema = call.workspace.ontologies.create_feature(feature, give_ids)
    return build_node(orjson.loads(schema.normalized))
