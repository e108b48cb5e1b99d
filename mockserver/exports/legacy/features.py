"""Objects and classifications as Export V1 says them, from those of a canonical body (payloads.md §4).

Samples are the V1 exports of 2021 and 2022 in the SDK's repository (tests/data/assets/labelbox_v1); what V1 was never
seen to say is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.exports.legacy.numbers import to_javascript
from mockserver.exports.legacy.schema_facts import GLOBAL, SchemaFacts
from mockserver.world.ids import ORDINAL
from mockserver.world.media import LEGACY_RELATIONSHIPS

Item = Mapping[str, Any]
Made = dict[str, Any]

_TILED = {"Point": "point", "LineString": "polyline", "Polygon": "polygon"}


def feature(item: Item) -> Made:
    """What every feature has. `title` is V2's name."""
    return {
        "featureId": item["feature_id"],
        "schemaId": item.get("feature_schema_id"),
        "title": item["name"],
        "value": item.get("value"),
    }


def coloured(item: Item, terms: SchemaFacts) -> Made:
    """An object's beginning, in the order of the samples; null where the ontology has no such tool any more."""
    schema = item.get("feature_schema_id")
    return {
        "featureId": item["feature_id"],
        "schemaId": schema,
        "color": terms.colours.get(schema or ""),
        "title": item["name"],
        "value": item.get("value"),
    }


def geometry(item: Item, boxes: Mapping[str, Any]) -> Made:
    """Where an object lies; nothing for a mask, which is only its `instanceURI`.

    `boxes` are those of PDF entities by the ordinal in their feature id: V2 names their tokens, V1 their places.
    """
    made: Made = {}
    add_geometry(made, item, boxes)
    return made


def add_geometry(made: Made, item: Item, boxes: Mapping[str, Any]) -> None:
    """Add where an object lies to what else is said of it."""
    for name, read in _READERS.items():
        if name in item:
            made.update(to_javascript(read(item, boxes)))
            return


def _line(item: Item, _boxes: Mapping[str, Any]) -> Made:
    return {"line": item["line"]}


def _point(item: Item, _boxes: Mapping[str, Any]) -> Made:
    return {"point": item["point"]}


def _polygon(item: Item, _boxes: Mapping[str, Any]) -> Made:
    """An open ring, where V2's is closed (samples of both)."""
    ring = item["polygon"]
    return {"polygon": ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring}


def _box(item: Item, _boxes: Mapping[str, Any]) -> Made:
    if "page_number" in item:
        box = {side: size for side, size in item["bounding_box"].items() if side != "unit"}
        return {"bbox": box, "page": item["page_number"], "unit": "POINTS"}
    return {"bbox": item["bounding_box"]}


def _entity(item: Item, boxes: Mapping[str, Any]) -> Made:
    """Of a text; or of a PDF, as its model-run export says it (labelbox-notebooks, v1 to v2 migration)."""
    location = item["location"]
    if "groups" in location:
        places = [{"text-bbox": box} for box in boxes.get(item["feature_id"][-ORDINAL:], [])]
        return {"data": {"location": places, "unit": "POINTS"}}
    place = {"start": location["start"], "end": location["end"]}
    return {"data": {"location": place}, "format": "text.location", "version": 1}


def _spoken(item: Item, _boxes: Mapping[str, Any]) -> Made:
    """An entity of a conversation (docs/export-conversational-text-annotations)."""
    where = item["conversational_location"]
    place = {"messageId": where["message_id"], **where["location"]}
    return {"version": 1, "format": "text.location", "data": {"location": place}}


def _tile(item: Item, _boxes: Mapping[str, Any]) -> Made:
    shape = item["geojson"]
    kind = "rectangle" if item.get("annotation_kind") == "GeoBoundingBox" else _TILED[shape["type"]]
    return {"type": kind, "geometry": {"coordinates": shape["coordinates"]}}


_READERS = {
    "bounding_box": _box,
    "polygon": _polygon,
    "line": _line,
    "point": _point,
    "location": _entity,
    "conversational_location": _spoken,
    "geojson": _tile,
}
"""What an object of Export V2 may be drawn as; a mask is none of them."""


def relationship(item: Item, media: str, mask: str | None) -> Made:
    """Between two objects. Pictures name the ends alone, texts in words of their own with a blank label
    (docs/reference/relationship); conversations name them with a label (documented, sample v1-conversation). Other
    media are written as conversations are (inferred)."""
    ends = item["unidirectional_relationship"]
    form = LEGACY_RELATIONSHIPS.get(media, "labelled")
    if form == "text":
        told = {"label": "", "startFeatureId": ends["source"], "endFeatureId": ends["target"]}
        made = feature(item) | {"data": told, "format": "unidirectional", "version": 1}
        return made if mask is None else made | {"instanceURI": mask % item["feature_id"]}
    data = {"source": ends["source"], "target": ends["target"]}
    if form == "labelled":
        data["label"] = item["name"]
    start: Made = {"featureId": item["feature_id"], "schemaId": item.get("feature_schema_id")}
    return start | {"data": data, "relationshipType": "unidirectional", "version": 1}


def classifications(items: list[Item], terms: SchemaFacts) -> list[Made]:
    """Flat: the questions below an answer follow their own question."""
    return [made for item in items for made in flattened(item, terms)]


def classifications_of_object(items: list[Item], terms: SchemaFacts) -> list[Any]:
    """Flat too, but a checklist stands with what is below it in a list of its own (sample highly_nested_image)."""
    found: list[Any] = []
    for item in items:
        if "checklist_answers" in item:
            found.append(flattened(item, terms))
        else:
            found += flattened(item, terms)
    return found


def flattened(item: Item, terms: SchemaFacts, **of_answer: Any) -> list[Made]:
    """A question and all below its answers. `of_answer` is said on every answer that is a feature."""
    answers, answered = _answered(item, terms, of_answer)
    below = [nested for answer in answers for nested in answer.get("classifications", [])]
    made = question(item, terms) | answered
    return [made, *(more for nested in below for more in flattened(nested, terms, **of_answer))]


def question(item: Item, terms: SchemaFacts) -> Made:
    """A question up to its answer. One about a message names it there (documented, sample v1-conversation)."""
    schema = item.get("feature_schema_id")
    made: Made = {"featureId": item["feature_id"], "schemaId": schema}
    if terms.scopes is not None:
        made["scope"] = terms.scopes.get(schema or "", GLOBAL)
    made |= {"title": item["name"], "value": item.get("value")}
    if "message_id" in item:
        made["messageId"] = item["message_id"]
    return made


def _answered(item: Item, terms: SchemaFacts, of_answer: Made) -> tuple[list[Item], Made]:
    """The answers that are features, and what the question says of them."""
    for name in ("radio_answer", "conversational_radio_answer"):
        if name in item:
            return [item[name]], {"answer": _answer(item[name], terms, of_answer)}
    for name in ("checklist_answers", "conversational_checklist_answers"):
        if name in item:
            return item[name], {"answers": [_answer(answer, terms, of_answer) for answer in item[name]]}
    text = item.get("text_answer") or item.get("conversational_text_answer") or {}
    return [], {"answer": text.get("content")}


def _answer(item: Item, terms: SchemaFacts, more: Made) -> Made:
    """An option that was chosen, with its place among the options of its question (client: a reader of 2023-04)."""
    made = feature(item)
    position = terms.positions.get(item.get("feature_schema_id") or "")
    if position is not None:
        made["position"] = position
    return made | more
