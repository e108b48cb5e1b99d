"""The picture of one object alone: white on black, in the size of its data row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.generate.files.raster import Canvas, Point
from mockserver.generate.media.image import draw_mask

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
LINE = 3
"""Pixels a line is thick, and a point's radius (inferred: no sample shows either)."""

Feature = Mapping[str, Any]
Masks = list[dict[str, Any]]
"""The masks of a body's `aside` (world/records/labels.py)."""


def find_feature(document: Any, feature_id: str) -> Iterator[Feature]:
    """Yields every object in a body that has this feature id."""
    if isinstance(document, dict):
        if document.get("feature_id") == feature_id:
            yield document
        for below in document.values():
            yield from find_feature(below, feature_id)
    elif isinstance(document, list):
        for below in document:
            yield from find_feature(below, feature_id)


def draw_feature(feature: Feature, masks: Masks, *, width: int, height: int) -> Canvas | None:
    """Draws one object; None if it has no geometry in pixels: words, answers, places on a globe."""
    canvas = Canvas(width, height, BLACK)
    if box := feature.get("bounding_box"):
        canvas.fill_rectangle(box["left"], box["top"], box["width"], box["height"], WHITE)
    elif ring := feature.get("polygon"):
        canvas.fill_polygon(_points(ring), WHITE)
    elif line := feature.get("line"):
        canvas.draw_line(_points(line), WHITE, LINE)
    elif point := feature.get("point"):
        canvas.dot(point["x"], point["y"], LINE, WHITE)
    elif colour := feature.get("composite_mask", {}).get("color_rgb"):
        for mask in masks:
            if mask["color_rgb"] == colour:
                draw_mask(canvas, mask, WHITE)
    else:
        return None
    return canvas


def _points(line: list[dict[str, float]]) -> list[Point]:
    return [(point["x"], point["y"]) for point in line]
