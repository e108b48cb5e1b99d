"""The geometries of documents: boxes on pages, and words of the text layer."""

from __future__ import annotations

from mockserver.generate.media.document import HEIGHT, UNIT, WIDTH
from mockserver.imports.geometry_parts import JsonObject, Sent, build_box
from mockserver.imports.problems import refuse_value


def build_document_box(sent: Sent) -> JsonObject:
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


def build_document_entity(sent: Sent) -> JsonObject:
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
