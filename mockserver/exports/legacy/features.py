"""Objects and classifications of Export V1, built from those of a canonical body (payloads.md §4).

Samples are the V1 exports of 2021 and 2022 in the SDK's repository (tests/data/assets/labelbox_v1); keys that were
never observed in V1 are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.exports.legacy.numbers import to_javascript
from mockserver.exports.legacy.schema_facts import GLOBAL, SchemaFacts
from mockserver.world.ids import ORDINAL
from mockserver.world.media import LEGACY_RELATIONSHIPS
from mockserver.world.records.labels import find_ends

Item = Mapping[str, Any]
JsonObject = dict[str, Any]

_TILED = {"Point": "point", "LineString": "polyline", "Polygon": "polygon"}


def build_feature(item: Item) -> JsonObject:
    """The keys that every feature has. `title` is V2's name."""
    return {
        "featureId": item["feature_id"],
        "schemaId": item.get("feature_schema_id"),
        "title": item["name"],
        "value": item.get("value"),
    }


def build_object_start(item: Item, terms: SchemaFacts) -> JsonObject:
    """The first keys of an object, in the order of the samples. The color is null where the ontology has no such tool
    any more."""
    schema = item.get("feature_schema_id")
    return {
        "featureId": item["feature_id"],
        "schemaId": schema,
        "color": terms.colours.get(schema or ""),
        "title": item["name"],
        "value": item.get("value"),
    }


def build_geometry(item: Item, boxes: Mapping[str, Any]) -> JsonObject:
    """The geometry of an object; empty for a mask, which has only its `instanceURI`.

    `boxes` are those of PDF entities by the ordinal in their feature id: V2 names their tokens, V1 their boxes.
    """
    geometry: JsonObject = {}
    add_geometry(geometry, item, boxes)
    return geometry


def add_geometry(target: JsonObject, item: Item, boxes: Mapping[str, Any]) -> None:
    """Adds the geometry of an object to its other keys."""
    for name, read in _READERS.items():
        if name in item:
            target.update(to_javascript(read(item, boxes)))
            return


def _line(item: Item, _boxes: Mapping[str, Any]) -> JsonObject:
    return {"line": item["line"]}


def _point(item: Item, _boxes: Mapping[str, Any]) -> JsonObject:
    return {"point": item["point"]}


def _polygon(item: Item, _boxes: Mapping[str, Any]) -> JsonObject:
    """An open ring, where V2's is closed (samples of both)."""
    ring = item["polygon"]
    return {"polygon": ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring}


def _box(item: Item, _boxes: Mapping[str, Any]) -> JsonObject:
    if "page_number" in item:
        box = {side: size for side, size in item["bounding_box"].items() if side != "unit"}
        return {"bbox": box, "page": item["page_number"], "unit": "POINTS"}
    return {"bbox": item["bounding_box"]}


def _entity(item: Item, boxes: Mapping[str, Any]) -> JsonObject:
    """An entity of a text; or of a PDF, in the format of its model-run export (labelbox-notebooks, v1 to v2
    migration)."""
    location = item["location"]
    if "groups" in location:
        places = [{"text-bbox": box} for box in boxes.get(item["feature_id"][-ORDINAL:], [])]
        return {"data": {"location": places, "unit": "POINTS"}}
    place = {"start": location["start"], "end": location["end"]}
    return {"data": {"location": place}, "format": "text.location", "version": 1}


def _conversation_entity(item: Item, _boxes: Mapping[str, Any]) -> JsonObject:
    """An entity of a conversation (docs/export-conversational-text-annotations)."""
    where = item["conversational_location"]
    place = {"messageId": where["message_id"], **where["location"]}
    return {"version": 1, "format": "text.location", "data": {"location": place}}


def _tile(item: Item, _boxes: Mapping[str, Any]) -> JsonObject:
    shape = item["geojson"]
    kind = "rectangle" if item.get("annotation_kind") == "GeoBoundingBox" else _TILED[shape["type"]]
    return {"type": kind, "geometry": {"coordinates": shape["coordinates"]}}


_READERS = {
    "bounding_box": _box,
    "polygon": _polygon,
    "line": _line,
    "point": _point,
    "location": _entity,
    "conversational_location": _conversation_entity,
    "geojson": _tile,
}
"""The geometries of Export V2, by their key. Masks have none of these keys."""


def build_relationship(item: Item, media: str, mask: str | None) -> JsonObject:
    """A relationship between two objects. Pictures name only the ends, texts have other keys and a blank label
    (docs/reference/relationship); conversations name them with a label (documented, sample v1-conversation). Other
    media are written as conversations are (inferred)."""
    direction, ends = find_ends(item)
    form = LEGACY_RELATIONSHIPS.get(media, "labelled")
    if form == "text":
        location = {"label": "", "startFeatureId": ends["source"], "endFeatureId": ends["target"]}
        entity = build_feature(item) | {"data": location, "format": direction, "version": 1}
        return entity if mask is None else entity | {"instanceURI": mask % item["feature_id"]}
    data = {"source": ends["source"], "target": ends["target"]}
    if form == "labelled":
        data["label"] = item["name"]
    start: JsonObject = {"featureId": item["feature_id"], "schemaId": item.get("feature_schema_id")}
    return start | {"data": data, "relationshipType": direction, "version": 1}


def build_classifications(items: list[Item], terms: SchemaFacts) -> list[JsonObject]:
    """A flat list: the questions below an answer follow their own question."""
    return [question for item in items for question in flatten_question(item, terms)]


def build_object_classifications(items: list[Item], terms: SchemaFacts) -> list[Any]:
    """A flat list too, but a checklist and the questions below it are in a list of their own (sample
    highly_nested_image)."""
    questions: list[Any] = []
    for item in items:
        if "checklist_answers" in item:
            questions.append(flatten_question(item, terms))
        else:
            questions += flatten_question(item, terms)
    return questions


def flatten_question(item: Item, terms: SchemaFacts, **of_answer: Any) -> list[JsonObject]:
    """A question and all questions below its answers. Every answer that is a feature has the keys of `of_answer`."""
    answers, keys = _build_answers(item, terms, of_answer)
    below = [nested for answer in answers for nested in answer.get("classifications", [])]
    first = build_question(item, terms) | keys
    return [first, *(more for nested in below for more in flatten_question(nested, terms, **of_answer))]


def build_question(item: Item, terms: SchemaFacts) -> JsonObject:
    """A question up to its answer. One about a message names it there (documented, sample v1-conversation)."""
    schema = item.get("feature_schema_id")
    question: JsonObject = {"featureId": item["feature_id"], "schemaId": schema}
    if terms.scopes is not None:
        question["scope"] = terms.scopes.get(schema or "", GLOBAL)
    question |= {"title": item["name"], "value": item.get("value")}
    if "message_id" in item:
        question["messageId"] = item["message_id"]
    return question


def _build_answers(item: Item, terms: SchemaFacts, of_answer: JsonObject) -> tuple[list[Item], JsonObject]:
    """The answers that are features, and the key of the question that holds its answers."""
    for name in ("radio_answer", "conversational_radio_answer"):
        if name in item:
            return [item[name]], {"answer": _build_answer(item[name], terms, of_answer)}
    for name in ("checklist_answers", "conversational_checklist_answers"):
        if name in item:
            return item[name], {"answers": [_build_answer(answer, terms, of_answer) for answer in item[name]]}
    text = item.get("text_answer") or item.get("conversational_text_answer") or {}
    return [], {"answer": text.get("content")}


def _build_answer(item: Item, terms: SchemaFacts, more: JsonObject) -> JsonObject:
    """An option that was chosen, with its place among the options of its question (client: a reader of 2023-04)."""
    answer = build_feature(item)
    position = terms.positions.get(item.get("feature_schema_id") or "")
    if position is not None:
        answer["position"] = position
    return answer | more
