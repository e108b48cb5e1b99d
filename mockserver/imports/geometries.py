"""The geometry of an object: what was sent for it, and what exports call it, by media type and tool.

Kinds and keys are those of the generator (generate/media); imports were compared with exports by the SDK's tests
(conftest.py `expected_export_v2_*`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mockserver.generate.annotations import build_composite_mask_url
from mockserver.generate.features import Feature
from mockserver.imports.document_geometries import build_document_box, build_document_entity
from mockserver.imports.geometry_parts import JsonObject, Sent, build_box, build_points, check_range
from mockserver.imports.lines import Line
from mockserver.imports.message_geometries import (
    build_message_entity,
    build_ranked_messages,
    build_selected_message,
    build_selected_messages,
)
from mockserver.imports.problems import LineProblem
from mockserver.world.media import SHAPES, AnnotationShape


class Geometry(NamedTuple):
    """`keys` are keys of a line, one of which must be set."""

    annotation_kind: str
    keys: tuple[str, ...]
    build: Callable[[Sent], JsonObject]


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
        "rectangle": Geometry("DocumentBoundingBox", ("bbox",), build_document_box),
        "named-entity": Geometry("DocumentEntityToken", ("textSelections",), build_document_entity),
    },
    "messages": {
        "named-entity": Geometry("ConversationalTextEntity", ("location",), build_message_entity),
        "message-single-selection": Geometry("MessageSingleSelection", _TASK, build_selected_message),
        "message-multi-selection": Geometry("MessageMultiSelection", _TASK, build_selected_messages),
        "message-ranking": Geometry("MessageRanking", _TASK, build_ranked_messages),
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
