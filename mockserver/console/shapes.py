"""Shapes of SVG for the objects of a label. Numbers come from records of the world, which may be any JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]
Point = tuple[float, float]
Project = Callable[[Point], Point]
"""Turns a position on a map into one of the picture."""
DOT = 0.006
"""The radius of a point, as a share of the larger side of the picture."""


class Shape(NamedTuple):
    """One shape of a feature. `tag` is `polygon`, `polyline` or `circle`."""

    feature_id: str
    tag: str
    points: str
    x: float = 0.0
    y: float = 0.0


def draw_object(item: Json, masks: dict[str, list[Json]]) -> Iterator[Shape]:
    """Draws a box, polygon, line, point or mask in pixels."""
    feature_id = str(item.get("feature_id"))
    box = item.get("bounding_box")
    if isinstance(box, dict):
        left, top, width, height = (_number(box.get(side)) for side in ("left", "top", "width", "height"))
        right, bottom = left + width, top + height
        yield Shape(feature_id, "polygon", _join([(left, top), (right, top), (right, bottom), (left, bottom)]))
    for key, tag in (("polygon", "polygon"), ("line", "polyline")):
        if isinstance(item.get(key), list):
            yield Shape(feature_id, tag, _join(map(_read_point, item[key])))
    if isinstance(item.get("point"), dict):
        x, y = _read_point(item["point"])
        yield Shape(feature_id, "circle", "", x, y)
    for mask in masks.get(feature_id[-5:], ()):
        for ring in mask.get("polygons") or ():
            yield Shape(feature_id, "polygon", _join((_number(pair[0]), _number(pair[1])) for pair in ring))


def draw_geojson(item: Json, project: Project) -> Iterator[Shape]:
    """Draws an object in degrees."""
    feature_id, geometry = str(item.get("feature_id")), item.get("geojson") or {}
    positions, kind = geometry.get("coordinates") or [], geometry.get("type")
    if kind == "Point":
        x, y = project(_read_pair(positions))
        yield Shape(feature_id, "circle", "", x, y)
    for ring in positions if kind == "Polygon" else [positions] if kind == "LineString" else []:
        tag = "polygon" if kind == "Polygon" else "polyline"
        yield Shape(feature_id, tag, _join(project(_read_pair(pair)) for pair in ring))


def to_mercator(zoom: int) -> Project:
    """Returns the projection of longitude and latitude to the pixels of a zoom, as tiles of maps have it."""

    def project(position: Point) -> Point:
        longitude, latitude = position
        size = 256.0 * 2**zoom
        sine = math.sin(math.radians(max(-85.0, min(85.0, latitude))))
        return (longitude + 180) / 360 * size, (0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)) * size

    return project


def _read_point(point: Any) -> Point:
    return (_number(point.get("x")), _number(point.get("y"))) if isinstance(point, dict) else (0.0, 0.0)


def _read_pair(pair: Any) -> Point:
    return (_number(pair[0]), _number(pair[1])) if isinstance(pair, list) and len(pair) > 1 else (0.0, 0.0)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _join(points: Iterable[Point]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in ((round(x, 2), round(y, 2)) for x, y in points))
