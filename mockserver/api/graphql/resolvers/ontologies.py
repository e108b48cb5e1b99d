"""Ontologies and labelling frontends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import condition, holding, unique
from mockserver.api.graphql.resolvers.projects import created_by, projects
from mockserver.world.database import EVERYTHING, Clause
from mockserver.world.projects import LabelingFrontend, Ontology


class Ontologies(msgspec.Struct, frozen=True):
    nodes: list[Ontology]
    next_cursor: str | None


def add_to(fields: Fields) -> None:
    fields.add_attributes("Ontology", Ontology, "id name description mediaType normalized createdAt updatedAt")
    fields.add("Query", "ontology", ontology)
    fields.add("Query", "ontologies", ontologies)
    fields.add("Ontology", "objectSchemaCount", count_tools)
    fields.add(
        "Ontology",
        "classificationSchemaCount",
        count_classifications,
    )
    fields.add("Ontology", "createdBy", created_by)
    fields.add("Ontology", "projects", projects)
    fields.add_attributes("NodesOntology", Ontologies, "nodes nextCursor")
    fields.add_attributes("LabelingFrontend", LabelingFrontend, "id name description iframeUrlPath")
    fields.add("Query", "labelingFrontends", labeling_frontends)


def ontology(_source: Any, call: Call, where: Mapping[str, Any]) -> Ontology:
    return call.one(Ontology, unique(Ontology, where), f"Ontology {where.get('id')!r}")


def count_tools(source: Ontology, _call: Call) -> int:
    return len(orjson.loads(source.normalized)["tools"])


def count_classifications(source: Ontology, _call: Call) -> int:
    return len(orjson.loads(source.normalized)["classifications"])


def ontologies(
    _source: Any, call: Call, where: Any = None, after: str | None = None, first: int | None = None
) -> Ontologies:
    """Searched by a part of the name; the cursor is the last id of a full page (SDK client.get_ontologies)."""
    text = (where or {}).get("search") or ""
    asked = holding("name", text) if text else EVERYTHING
    asked &= Clause("id > :after", after=after) if after else EVERYTHING
    found = call.select(Ontology, asked, order="id", first=first)
    return Ontologies(found, found[-1].id if first is not None and first and len(found) == first else None)


def labeling_frontends(
    _source: Any, call: Call, where: Any = None, skip: int = 0, first: int | None = None
) -> list[LabelingFrontend]:
    """Every organization has the one called Editor (SDK project.connect_ontology)."""
    return call.select(LabelingFrontend, condition(LabelingFrontend, where), order="id", skip=skip, first=first)
