"""The geometry of an object: what was sent for it, and what exports call it, by media type and tool.

Kinds and keys are those of the generator (generate/media); imports were compared with exports by the SDK's tests
(conftest.py `expected_export_v2_*`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from mockserver.generate.annotations import build_composite_mask_url
from mockserver.generate.features import Feature
from mockserver.generate.media.document import HEIGHT, UNIT, WIDTH
from mockserver.imports.contents import Contents
from mockserver.imports.lines import Box, Judgement, Line, Message, Point
from mockserver.imports.masks import MaskSheet
from mockserver.imports.problems import LineProblem, refuse_value
from mockserver.world.media import SHAPES, AnnotationShape

JsonObject = dict[str, Any]


class Sent(NamedTuple):
    """A line, and the label that it is a part of."""

    line: Line
    tool: Feature
    contents: Contents
    masks: MaskSheet


class Geometry(NamedTuple):
    """`keys` are keys of a line, one of which must be set."""

    annotation_kind: str
    keys: tuple[str, ...]
    build: Callable[[Sent], JsonObject]


def build_points(points: list[Point], path: str, least: int, shape: str) -> list[JsonObject]:
    """Points as exports write them. Raises LineProblem for too few."""
    if len(points) < least:
        raise refuse_value(path, f"a list of {len(points)}", f"at least {least} points, as it is a {shape}")
    return [{"x": point.x, "y": point.y} for point in points]


def build_box(box: Box, path: str) -> JsonObject:
    """A box as exports write it. Raises LineProblem for a side of negative length, which SDKs since 3.52 never send
    (ndjson/objects.py `NDRectangle.from_common`; that the service refuses it is inferred)."""
    for side, length in (("height", box.height), ("width", box.width)):
        if length < 0:
            raise refuse_value(f"{path}.{side}", length, "0 or more, from the upper left corner on")
    return {"top": box.top, "left": box.left, "height": box.height, "width": box.width}


def _build_box(sent: Sent) -> JsonObject:
    assert sent.line.bbox is not None, "find_geometry checks that the key is set"
    return {"bounding_box": build_box(sent.line.bbox, "bbox")}


def _build_polygon(sent: Sent) -> JsonObject:
    """The ring as it was sent: exports repeat its first point where the import did (live-tested), and else close it
    (documented samples are closed)."""
    ring = build_points(sent.line.polygon or [], "polygon", 3, "polygon")
    return {"polygon": ring if ring[0] == ring[-1] else [*ring, ring[0]]}


def _build_line(sent: Sent) -> JsonObject:
    return {"line": build_points(sent.line.line or [], "line", 2, "line")}


def _build_point(sent: Sent) -> JsonObject:
    assert sent.line.point is not None, "find_geometry checks that the key is set"
    return {"point": {"x": sent.line.point.x, "y": sent.line.point.y}}


def _build_mask(sent: Sent) -> JsonObject:
    assert sent.line.mask is not None, "find_geometry checks that the key is set"
    colour = sent.masks.take_colour()
    sent.masks.add(sent.line.mask, colour, "mask")
    return {"composite_mask": {"url": build_composite_mask_url(), "color_rgb": colour}}


def _build_entity(sent: Sent) -> JsonObject:
    """Both ends are inclusive (live-tested). The words are added where the text is known."""
    place = sent.line.location
    assert place is not None, "find_geometry checks that the key is set"
    check_range(place.start, place.end, "location")
    location: JsonObject = {"start": place.start, "end": place.end}
    if (text := sent.contents.text) is not None:
        location["token"] = text[place.start : place.end + 1]
    return {"location": location}


def check_range(start: int, end: int, path: str) -> None:
    """Raises LineProblem for a range that ends in front of its start."""
    if end < start:
        raise refuse_value(f"{path}.end", end, f"{start} or more, because start is {start}")


def _build_message_entity(sent: Sent) -> JsonObject:
    place, message = sent.line.location, sent.line.message_id
    assert place is not None, "find_geometry checks that the key is set"
    check_range(place.start, place.end, "location")
    if message is None:
        raise refuse_value("messageId", None, "the id of the message that the entity is in")
    return {"conversational_location": {"message_id": message, "location": {"start": place.start, "end": place.end}}}


def _build_document_box(sent: Sent) -> JsonObject:
    """A box in points, on the page with the number that was sent (live-tested). Pages whose size is unknown are of US
    letter (inferred)."""
    box, page = sent.line.bbox, sent.line.page
    assert box is not None, "find_geometry checks that the key is set"
    if page is None:
        raise refuse_value("page", None, "the number of the page")
    scale = _UNITS.get(sent.line.unit or "POINTS")
    if scale is None:
        raise refuse_value("unit", sent.line.unit, f"one of {', '.join(_UNITS)}")
    across, down = scale
    factors = {"top": down, "left": across, "height": down, "width": across}
    sides = {
        side: value if factors[side] == 1 else round(value * factors[side], 4)
        for side, value in build_box(box, "bbox").items()
    }
    return {
        "page_number": page,
        "bounding_box": sides | {"unit": UNIT},
        "page_dimensions": {"height": HEIGHT, "width": WIDTH, "unit": UNIT},
    }


_UNITS = {
    "POINTS": (1, 1),
    "INCHES": (72, 72),
    "PIXELS": (0.75, 0.75),
    "PERCENT": (WIDTH / 100, HEIGHT / 100),
}
"""Unit (SDK rectangle.py RectangleUnit) -> points for each, across and down (inferred; 96 pixels an inch)."""


def _build_document_entity(sent: Sent) -> JsonObject:
    """Groups of the text layer with the page numbers that were sent (live-tested), and their words where the layer is
    known."""
    selections = sent.line.text_selections or []
    if not selections:
        raise refuse_value("textSelections", selections, "at least one group of words")
    words = sent.contents.words
    groups = [
        {
            "id": group.group_id,
            "page_number": group.page,
            "tokens": group.token_ids,
            "text": " ".join(words[token] for token in group.token_ids if token in words),
        }
        for group in selections
    ]
    return {"location": {"groups": groups}}


def _build_map_box(sent: Sent) -> JsonObject:
    """Bottom left, top left, top right, bottom right, bottom left (docs/export-geospatial-annotations). `top` and
    `height` are degrees of latitude in either direction: SDKs send the smaller latitude as top (ndjson/objects.py)."""
    box = sent.line.bbox
    assert box is not None, "find_geometry checks that the key is set"
    south, north = sorted((box.top, _add(box.top, box.height)))
    west, east = sorted((box.left, _add(box.left, box.width)))
    ring = [[west, south], [west, north], [east, north], [east, south], [west, south]]
    return {"geojson": {"type": "Polygon", "coordinates": [ring]}}


def _add(start: float, size: float) -> float:
    """The other side; the last bits of a sum are not those of the number that was meant."""
    return round(start + size, 9) if isinstance(start + size, float) else start + size


def _build_map_polygon(sent: Sent) -> JsonObject:
    ring = [[point["x"], point["y"]] for point in _build_polygon(sent)["polygon"]]
    return {"geojson": {"type": "Polygon", "coordinates": [ring]}}


def _build_map_line(sent: Sent) -> JsonObject:
    line = [[point["x"], point["y"]] for point in _build_line(sent)["line"]]
    return {"geojson": {"type": "LineString", "coordinates": line}}


def _build_map_point(sent: Sent) -> JsonObject:
    assert sent.line.point is not None, "find_geometry checks that the key is set"
    return {"geojson": {"type": "Point", "coordinates": [sent.line.point.x, sent.line.point.y]}}


# Messages


def _build_judgement(sent: Sent) -> Judgement:
    task = sent.line.message_evaluation_task
    assert task is not None, "find_geometry checks that the key is set"
    if task.format != sent.tool.kind:
        raise refuse_value(
            "messageEvaluationTask.format", task.format, f"{sent.tool.kind}, which {sent.tool.name!r} is"
        )
    return task.data


_DATA = "messageEvaluationTask.data"


def _build_selected_message(sent: Sent) -> JsonObject:
    data = _build_judgement(sent)
    if data.message_id is None or data.model_config_name is None:
        raise refuse_value(_DATA, "without a message", "messageId, modelConfigName and parentMessageId")
    message = {"message_id": data.message_id, "model_config_name": data.model_config_name}
    return {"selected_message": message | {"parent_message_id": data.parent_message_id}}


def _build_selected_messages(sent: Sent) -> JsonObject:
    data = _build_judgement(sent)
    messages = [_build_message(message) for message in data.selected_messages or []]
    if not messages:
        raise refuse_value(f"{_DATA}.selectedMessages", data.selected_messages, "at least one message")
    return {"selected_messages": {"messages": messages, "parent_message_id": data.parent_message_id}}


def _build_ranked_messages(sent: Sent) -> JsonObject:
    """Orders are consecutive numbers from 1 (SDK mmc.py `_validate_ranked_messages`)."""
    data = _build_judgement(sent)
    ranked = data.ranked_messages or []
    if not ranked or {message.order for message in ranked} != set(range(1, len(ranked) + 1)):
        raise refuse_value(
            f"{_DATA}.rankedMessages",
            [message.order for message in ranked],
            "messages with the orders 1, 2, 3 and so on",
        )
    messages = [_build_message(message) | {"order": message.order} for message in ranked]
    return {"ranked_messages": {"ranked_messages": messages, "parent_message_id": data.parent_message_id}}


def _build_message(message: Message) -> JsonObject:
    return {"message_id": message.message_id, "model_config_name": message.model_config_name}


_PIXELS = {
    "rectangle": Geometry("ImageBoundingBox", ("bbox",), _build_box),
    "polygon": Geometry("ImagePolygon", ("polygon",), _build_polygon),
    "line": Geometry("ImagePolyline", ("line",), _build_line),
    "point": Geometry("ImagePoint", ("point",), _build_point),
}
_TASK = ("messageEvaluationTask",)
_MASK = Geometry("ImageSegmentationMask", ("mask",), _build_mask)
GEOMETRIES: dict[AnnotationShape, dict[str, Geometry]] = {
    "pixels": _PIXELS | {"raster-segmentation": _MASK, "superpixel": _MASK},
    "degrees": {
        "rectangle": Geometry("GeoBoundingBox", ("bbox",), _build_map_box),
        "polygon": Geometry("GeoPolygon", ("polygon",), _build_map_polygon),
        "line": Geometry("GeoPolyline", ("line",), _build_map_line),
        "point": Geometry("GeoPoint", ("point",), _build_map_point),
    },
    "text": {"named-entity": Geometry("TextEntity", ("location",), _build_entity)},
    "pages": {
        "rectangle": Geometry("DocumentBoundingBox", ("bbox",), _build_document_box),
        "named-entity": Geometry("DocumentEntityToken", ("textSelections",), _build_document_entity),
    },
    "messages": {
        "named-entity": Geometry("ConversationalTextEntity", ("location",), _build_message_entity),
        "message-single-selection": Geometry("MessageSingleSelection", _TASK, _build_selected_message),
        "message-multi-selection": Geometry("MessageMultiSelection", _TASK, _build_selected_messages),
        "message-ranking": Geometry("MessageRanking", _TASK, _build_ranked_messages),
    },
}
"""Shape of annotations -> kind of tool -> its geometry. Clips and volumes: `framed`."""
RELATIONSHIPS: dict[AnnotationShape, str] = {
    "pixels": "Image",
    "text": "Text",
    "messages": "Text",
    "pages": "Document",
}
"""Shape of annotations -> the beginning of the annotation kinds of relationships."""


def find_geometry(line: Line, tool: Feature, media: str) -> Geometry:
    """How the tool's geometry is read. Raises LineProblem if the media type has no such tool, or if another geometry
    was sent."""
    known = GEOMETRIES.get(SHAPES.get(media, "answers"), {})
    geometry = known.get(tool.kind)
    if geometry is None:
        raise LineProblem(
            "WrongAnnotationType",
            f"name is {tool.name!r}, a {tool.kind}, on a data row of type {media}; "
            f"expected {' or '.join(known) or 'questions only'}",
        )
    check_keys(line, tool, geometry.keys)
    return geometry


GEOMETRY_KEYS = {
    "bbox": "bbox", "polygon": "polygon", "line": "line", "point": "point", "mask": "mask", "location": "location",
    "textSelections": "text_selections", "segments": "segments", "masks": "masks", "relationship": "relationship",
    "messageEvaluationTask": "message_evaluation_task", "answer": "given",
}  # fmt: skip
"""Key of a line -> attribute: each says what kind of annotation the line is."""


def check_keys(line: Line, tool: Feature, expected: tuple[str, ...]) -> None:
    """Raises LineProblem unless the line has one of the expected keys, and no other geometry."""
    sent = [key for key, attribute in GEOMETRY_KEYS.items() if getattr(line, attribute) is not None]
    if len(sent) != 1 or sent[0] not in expected:
        raise LineProblem(
            "WrongAnnotationType",
            f"{' and '.join(sent) or 'no geometry'} was sent for {tool.name!r}, a {tool.kind}; "
            f"expected {' or '.join(expected)}",
        )
