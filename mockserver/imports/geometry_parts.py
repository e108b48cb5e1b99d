"""The parts of geometries, as exports write them: points, boxes and ranges of a line that was sent."""

from __future__ import annotations

from typing import Any, NamedTuple

from mockserver.generate.features import Feature
from mockserver.imports.contents import Contents
from mockserver.imports.lines import Box, Line, Point
from mockserver.imports.masks import MaskSheet
from mockserver.imports.problems import refuse_value

JsonObject = dict[str, Any]


class Sent(NamedTuple):
    """A line, and the label that it is a part of."""

    line: Line
    tool: Feature
    contents: Contents
    masks: MaskSheet


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


def check_range(start: int, end: int, path: str) -> None:
    """Raises LineProblem for a range that ends in front of its start."""
    if end < start:
        raise refuse_value(f"{path}.end", end, f"{start} or more, because start is {start}")
