"""The import form of a label's annotations: the lines of NDJSON that would create them again (mockserver/imports).

Objects in frames and masks are in `import_frames`; the shapes of lines are the SDK's (data/serialization/ndjson).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mockserver.exports.import_frames import JsonObject, Reference, iterate_framed_lines, read_chosen, render_question
from mockserver.generate.files.raster import Canvas
from mockserver.generate.masks import BLACK, draw_feature
from mockserver.world.records.labels import find_ends

Aside = Mapping[str, Any]
Size = tuple[int, int]
FRAMED = ("frames", "groups")
"""Keys of annotations in frames."""


def render_import_lines(
    annotations: JsonObject, reference: Reference, *, aside: Aside | None = None, size: Size | None = None
) -> list[JsonObject]:
    """One line for each annotation, in the order in which an import builds them.

    `annotations` are those of a canonical body or of a row of Export V2. The masks of a body are drawn in `size`; those
    of an export are only named by their URLs.
    """
    pixels = (aside or {}).get("masks")
    drawn = None if pixels is None or size is None else (pixels, size)
    if any(key in annotations for key in FRAMED):
        lines = list(iterate_framed_lines(annotations, reference, aside or {}, size))
    else:
        lines = [_render_object(item, reference, drawn) for item in annotations.get("objects", [])]
    lines += [reference.start(item) | render_question(item, reference) for item in annotations["classifications"]]
    lines += _iterate_moments(annotations, reference)
    lines += [_render_relationship(item, reference) for item in annotations.get("relationships", [])]
    return lines


def _render_object(item: JsonObject, reference: Reference, drawn: tuple[Any, Size] | None) -> JsonObject:
    line = reference.start(item) | reference.name(item)
    key = next(key for key in _GEOMETRIES if key in item)
    line |= _GEOMETRIES[key](item) if key != "composite_mask" else {"mask": _render_mask(item, drawn)}
    if item["classifications"]:
        line["classifications"] = [render_question(below, reference) for below in item["classifications"]]
    return line


def _render_mask(item: JsonObject, drawn: tuple[Any, Size] | None) -> JsonObject:
    """The object alone, as a grey PNG; or the URL of the composite mask and its colour."""
    if drawn is None:
        return {"instanceURI": item["composite_mask"]["url"], "colorRGB": item["composite_mask"]["color_rgb"]}
    masks, (width, height) = drawn
    canvas = draw_feature(item, masks, width=width, height=height) or Canvas(width, height, BLACK)
    return {"png": base64.b64encode(canvas.png_grey()).decode()}


def _render_relationship(item: JsonObject, reference: Reference) -> JsonObject:
    direction, ends = find_ends(item)
    source, target = reference.uuid(ends["source"]), reference.uuid(ends["target"])
    relation = {"source": source, "target": target, "type": direction}
    line = reference.start(item) | reference.name(item)
    if item["classifications"]:
        line["classifications"] = [render_question(below, reference) for below in item["classifications"]]
    return line | {"relationship": relation | ({"readonly": True} if "readonly" in ends else {})}


def _iterate_moments(annotations: JsonObject, reference: Reference) -> Iterator[JsonObject]:
    """Yields a line for each question that is answered at timestamps of a sound."""
    answers: dict[str, list[tuple[int, JsonObject]]] = {}
    for moment, part in annotations.get("timestamp", {}).items():
        for question in part["classifications"]:
            answers.setdefault(question["feature_id"], []).append((int(moment), question))
    for question_id in sorted(answers):
        ends = annotations["segments"].get(question_id, [])
        timed = [
            (question, [pair for pair in ends if pair[0] == moment] or [[moment, moment]])
            for moment, question in answers[question_id]
        ]
        question = answers[question_id][0][1]
        yield reference.start(question) | reference.name(question) | {"answer": read_chosen(timed, reference)}


# Geometries


def _build_box(item: JsonObject) -> JsonObject:
    box = item["bounding_box"]
    bbox = {side: box[side] for side in ("top", "left", "height", "width")}
    return {"bbox": bbox, "page": item["page_number"], "unit": "POINTS"} if "page_number" in item else {"bbox": bbox}


def _build_entity(item: JsonObject) -> JsonObject:
    location = item["location"]
    if "groups" not in location:
        return {"location": {"start": location["start"], "end": location["end"]}}
    selections = [
        {"groupId": group["id"], "tokenIds": group["tokens"], "page": group["page_number"]}
        for group in location["groups"]
    ]
    return {"textSelections": selections}


def _build_message_entity(item: JsonObject) -> JsonObject:
    place = item["conversational_location"]
    return {"location": place["location"], "messageId": place["message_id"]}


def _build_map(item: JsonObject) -> JsonObject:
    places = item["geojson"]["coordinates"]
    if item["annotation_kind"] == "GeoBoundingBox":
        (west, south), _, (east, north) = places[0][:3]
        sides = {"top": south, "left": west, "height": _subtract(north, south), "width": _subtract(east, west)}
        return {"bbox": sides}
    if item["annotation_kind"] == "GeoPoint":
        return {"point": {"x": places[0], "y": places[1]}}
    key, line = ("polygon", places[0]) if item["annotation_kind"] == "GeoPolygon" else ("line", places)
    return {key: [{"x": x, "y": y} for x, y in line]}


def _subtract(end: float, start: float) -> float:
    """A side of a box; the last bits of a difference are not those of the number that was meant."""
    return round(end - start, 9) if isinstance(end - start, float) else end - start


def _build_selected(item: JsonObject) -> JsonObject:
    return _build_task(
        "message-single-selection", {_CAMEL[key]: value for key, value in item["selected_message"].items()}
    )


def _build_several_selected(item: JsonObject) -> JsonObject:
    chosen = item["selected_messages"]
    messages = [_build_message(message) for message in chosen["messages"]]
    data = {"parentMessageId": chosen["parent_message_id"], "selectedMessages": messages}
    return _build_task("message-multi-selection", data)


def _build_ranked(item: JsonObject) -> JsonObject:
    ranked = item["ranked_messages"]
    messages = [_build_message(message) for message in ranked["ranked_messages"]]
    return _build_task("message-ranking", {"parentMessageId": ranked["parent_message_id"], "rankedMessages": messages})


def _build_message(message: JsonObject) -> JsonObject:
    return {_CAMEL[key]: value for key, value in message.items()}


def _build_task(form: str, data: JsonObject) -> JsonObject:
    return {"messageEvaluationTask": {"format": form, "data": data}}


_CAMEL = {
    "message_id": "messageId",
    "model_config_name": "modelConfigName",
    "parent_message_id": "parentMessageId",
    "order": "order",
}


def _copy(key: str) -> Callable[[JsonObject], JsonObject]:
    return lambda item: {key: item[key]}


_GEOMETRIES: dict[str, Callable[[JsonObject], JsonObject]] = {
    "bounding_box": _build_box,
    "polygon": _copy("polygon"),
    "line": _copy("line"),
    "point": _copy("point"),
    "composite_mask": _copy("composite_mask"),
    "location": _build_entity,
    "conversational_location": _build_message_entity,
    "geojson": _build_map,
    "selected_message": _build_selected,
    "selected_messages": _build_several_selected,
    "ranked_messages": _build_ranked,
}
"""Key of an object -> the keys of its line."""
