"""Ontologies and labelling frontends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import build_text_condition
from mockserver.api.graphql.pages import Window
from mockserver.api.graphql.resolvers.projects import find_creator, list_projects
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput, MalformedRequest
from mockserver.imports.ontologies import complete_ontology, give_ids, parse_normalized
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.media import MEDIA
from mockserver.world.records.projects import LabelingFrontend, Ontology


class Ontologies(msgspec.Struct, frozen=True):
    nodes: list[Ontology]
    next_cursor: str | None


def add_to(fields: Fields) -> None:
    names = "id name description mediaType normalized createdAt updatedAt"
    fields.add_attributes("Ontology", Ontology, names, options="normalized")
    fields.add("Query", "ontology", find_ontology)
    fields.add("Query", "ontologies", list_ontologies)
    fields.add("Ontology", "objectSchemaCount", count_tools)
    fields.add(
        "Ontology",
        "classificationSchemaCount",
        count_classifications,
    )
    fields.add("Ontology", "createdBy", find_creator)
    fields.add("Ontology", "projects", list_projects)
    fields.add_attributes("NodesOntology", Ontologies, "nodes nextCursor")
    fields.add_attributes("LabelingFrontend", LabelingFrontend, "id name description iframeUrlPath")
    fields.add("Query", "labelingFrontends", list_labeling_frontends)
    fields.add("Mutation", "upsertOntology", create_ontology)


def find_ontology(_source: Any, call: Call, where: Mapping[str, Any]) -> Ontology:
    return call.get_unique(Ontology, where)


def count_tools(source: Ontology, _call: Call) -> int:
    return len(orjson.loads(source.normalized)["tools"])


def count_classifications(source: Ontology, _call: Call) -> int:
    return len(orjson.loads(source.normalized)["classifications"])


def list_ontologies(
    _source: Any, call: Call, where: Any = None, after: str | None = None, first: int | None = None
) -> Ontologies:
    """The ontologies whose name contains a text. The cursor is the last id of a full page (SDK
    client.get_ontologies)."""
    text = (where or {}).get("search") or ""
    condition = build_text_condition("name", text) if text else EVERYTHING
    condition &= Clause("id > :after", after=after) if after else EVERYTHING
    nodes = call.select(Ontology, condition, order="id", first=first)
    return Ontologies(nodes, nodes[-1].id if first is not None and first and len(nodes) == first else None)


_TASKS = {media.editor_task_type: media.wire for media in MEDIA if media.editor_task_type}
MEDIA_OF_TASKS = _TASKS | {"OFFLINE_MODEL_CHAT_EVALUATION": _TASKS["MODEL_CHAT_EVALUATION"]}
"""Editor task type -> media type of its ontologies (SDK ontology_kind.py `evaluate_ontology_kind_with_media_type`)."""


def create_ontology(_source: Any, call: Call, data: Mapping[str, Any]) -> Ontology:
    """Raises MalformedRequest, BadInput."""
    check_texts({"name": data["name"]})
    if not data["name"].strip():
        raise BadInput(f"A new ontology has the name {data['name']!r}; expected a text that is not empty")
    media, task = data.get("mediaType"), data.get("editorTaskType")
    if media is not None and task is not None and MEDIA_OF_TASKS[task] != media:
        raise MalformedRequest(
            f"An ontology for {task} has the mediaType {media}; expected {MEDIA_OF_TASKS[task]}, or leave one out"
        )
    document = complete_ontology(parse_normalized(data["normalized"], "normalized"))
    media = media or MEDIA_OF_TASKS.get(task or "")
    return call.workspace.ontologies.create_ontology(data["name"], document, media, give_ids)


def list_labeling_frontends(
    _source: Any, call: Call, where: Any = None, **window: Unpack[Window]
) -> list[LabelingFrontend]:
    """Every organization has the one called Editor (SDK project.connect_ontology)."""
    return call.search(LabelingFrontend, where, order="id", **window)
