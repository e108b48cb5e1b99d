"""Maps and pictures in tiles, with objects over them."""

from __future__ import annotations

from typing import Any

import orjson

from mockserver.console.drawn import Drawing, Frame, Source, Tile
from mockserver.console.shapes import draw_geojson, draw_object, to_mercator

MOST_TILES = 64
EDGE = 0.5
"""Pixels. An area that ends at the edge of a tile does not need the next one."""
DEEPER = 2
"""Zooms below the highest: a map lies in one tile of the highest, which shows too little."""


def draw_map(source: Source) -> Drawing:
    """Draws the tiles of a zoom that shows some detail, and objects in its pixels."""
    document = orjson.loads((source.content or b"{}").replace(b"\x04", b""))
    zoom = min(int(document["maxZoom"]), int(document["minZoom"]) + DEEPER)
    (first_y, first_x), (second_y, second_x) = document["bounds"]
    if document["epsg"] != "Simple":
        project = to_mercator(zoom)
        corners = [project((first_x, first_y)), project((second_x, second_y))]
        shapes = [shape for item in source.objects for shape in draw_geojson(item, project)]
    else:
        scale = 2**zoom
        corners = [(first_y * scale, first_x * scale), (second_y * scale, second_x * scale)]
        shapes = [shape for item in source.objects for shape in draw_object(_scale(item, scale), {})]
    left, right = sorted(corner[0] for corner in corners)
    top, bottom = sorted(corner[1] for corner in corners)
    tiles = list_tiles(source.tile_url(), zoom, (left, top, right, bottom))
    return Drawing("map", right - left, bottom - top, left=left, top=top, frames=[Frame(0, shapes)], tiles=tiles)


def list_tiles(url: str, zoom: int, area: tuple[float, float, float, float]) -> list[Tile]:
    """Lists the tiles of an area: left, top, right and bottom in the pixels of the zoom."""
    left, top, right, bottom = area
    places = [
        (x, y)
        for y in range(int((top + EDGE) // 256), int(-(-(bottom - EDGE) // 256)))
        for x in range(int((left + EDGE) // 256), int(-(-(right - EDGE) // 256)))
    ]
    return [
        Tile(url.replace("{z}", str(zoom)).replace("{x}", str(x)).replace("{y}", str(y)), 256 * x, 256 * y)
        for x, y in places[:MOST_TILES]
    ]


def _scale(value: Any, factor: float) -> Any:
    """Multiplies the coordinates of an object, which are in pixels of zoom 0."""
    if isinstance(value, dict):
        return {key: inner if key == "classifications" else _scale(inner, factor) for key, inner in value.items()}
    if isinstance(value, list):
        return [_scale(inner, factor) for inner in value]
    return value * factor if isinstance(value, int | float) else value
