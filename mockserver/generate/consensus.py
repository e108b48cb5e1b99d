"""The same thing seen by another person: a body whose geometry lies a little elsewhere."""

from __future__ import annotations

from typing import Any

from mockserver.generate.chance import Chance
from mockserver.world.records.labels import PIXEL_GEOMETRIES, parse_body, render_body

DRIFT = 3
"""At most so many pixels or points. Places in a text or on a map stay: they name words and coordinates."""


def move_objects(content: bytes, chance: Chance) -> bytes:
    """Every object moved as a whole, so that a shape stays the shape it is and inside what it was drawn on."""
    document = parse_body(content)
    _move_all(document, chance)
    return render_body(document)


def _move_all(node: Any, chance: Chance) -> None:
    if isinstance(node, list):
        for item in node:
            _move_all(item, chance)
    elif isinstance(node, dict):
        for key in [key for key in node if key in PIXEL_GEOMETRIES]:
            _move(node[key], chance.randint(0, DRIFT), chance.randint(0, DRIFT))
        for value in node.values():
            _move_all(value, chance)


def _move(shape: Any, right: int, down: int) -> None:
    """Towards the upper left corner, never past it."""
    points = shape if isinstance(shape, list) else [shape]
    x, y = ("left", "top") if "left" in points[0] else ("x", "y")
    across = min(right, *(point[x] for point in points), right)
    along = min(down, *(point[y] for point in points), down)
    for point in points:
        point[x], point[y] = round(point[x] - across, 2), round(point[y] - along, 2)
