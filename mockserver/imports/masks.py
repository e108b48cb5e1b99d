"""The masks of one label while it is imported: their colours, and their pixels (world/records/labels.py, `aside`)."""

from __future__ import annotations

from typing import Any

from mockserver.generate.media.image import get_mask_colour
from mockserver.imports.contents import ReadFile
from mockserver.imports.lines import Colour, Mask
from mockserver.imports.pictures import Spans, find_spans, read_mask


class MaskSheet:
    """The entries of `masks` of a body's `aside`, and the size of the pictures they were sent in."""

    def __init__(self, read_file: ReadFile) -> None:
        self.read_file = read_file
        self.entries: list[dict[str, Any]] = []
        self.size: tuple[int, int] | None = None
        self._features = 0

    def take_colour(self) -> list[int]:
        """The colour of the next object in the label's composite mask: no two objects share one, although several
        pictures may have used the same."""
        self._features += 1
        return get_mask_colour(self._features)

    def add(self, mask: Mask, colour: list[int], path: str) -> None:
        """Adds the pixels of a still picture's mask. Those behind a URL are known only if the file was uploaded to this
        server. Raises LineProblem."""
        spans = read_mask(mask, path)
        if spans is None and mask.instance_uri is not None and mask.colour is not None:
            spans = self.read_picture(mask.instance_uri, mask.colour, f"{path}.instanceURI")
        self.add_entry(colour, spans)

    def read_picture(self, url: str, colour: Colour, path: str) -> Spans | None:
        """The pixels of one colour in an uploaded picture; None for a URL elsewhere, which is never fetched."""
        png = self.read_file(url)
        return None if png is None else find_spans(png, colour, path)

    def add_entry(self, colour: list[int], spans: Spans | None, **more: Any) -> None:
        """Adds the pixels of an object; of a clip also its `frame` and `segment`, of a volume its `plane`."""
        entry: dict[str, Any] = {"color_rgb": colour, "polygons": []}
        if spans is not None:
            entry["spans"] = spans.spans
            self.size = self.size or (spans.width, spans.height)
        self.entries.append(entry | more)

    @property
    def aside(self) -> dict[str, Any]:
        """The keys of a body's `aside`: none without a mask."""
        if not self.entries:
            return {}
        return {"masks": self.entries} | ({"size": self.size} if self.size else {})
