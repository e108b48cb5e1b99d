"""Clips: things that cross a plain ground, as a mosaic in H.264, annotated along the ways they take."""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from mockserver.generate.annotations import (
    Annotator,
    build_composite_mask_url,
    build_single_mask_url,
    encode_body,
    select_global_questions,
)
from mockserver.generate.chance import Chance
from mockserver.generate.features import Feature, Ontology
from mockserver.generate.files.h264 import CELL, Cells, to_ycbcr
from mockserver.generate.files.mp4 import encode_mp4
from mockserver.generate.files.raster import find_polygon_spans
from mockserver.generate.keyframes import KeyFrames
from mockserver.generate.media.generator import Asset, MediaGenerator, Variant
from mockserver.generate.media.image import build_bounding_box, build_points, get_mask_colour, render_aside
from mockserver.generate.tracks import Outline, Position, Segment, Track, build_track
from mockserver.world.record import JsonText, encode_json

SIZES = ((640, 360), (480, 480), (1280, 720), (360, 640), (640, 480))
FRAME_RATES = (25, 30, 10, 29.97, 24)
"""Whole numbers and others: both were seen in exports (sample: video exports of 2023)."""
KINDS = {
    "rectangle": "VideoBoundingBox",
    "point": "VideoPoint",
    "line": "VideoPolyline",
    "raster-segmentation": "VideoSegmentationMask",
}
"""Boxes: SDK tests; masks: a public reader; the other two inferred."""


class Clip(msgspec.Struct, frozen=True):
    """Sizes in pixels, frames counted from 1."""

    width: int
    height: int
    frame_rate: float
    frame_count: int
    ground: tuple[int, int, int]
    tracks: tuple[Track, ...]


def build_clip(seed: int, project: str, number: int, *, length: int | None = None, from_first: bool = False) -> Clip:
    """Clip `number` of a project: three to six things in 40 to 90 frames, or in `length` of them; `from_first` shows
    all of them in frame 1."""
    chance = Chance(seed, "video", project, number)
    width, height = chance.choice(SIZES)
    frames, rate = chance.randint(40, 90), chance.choice(FRAME_RATES)
    frames = length or frames
    ground = (chance.randint(170, 235), chance.randint(170, 235), chance.randint(170, 235))
    tracks = tuple(
        build_track(chance, width=width, height=height, frames=frames, from_first=from_first)
        for _ in range(chance.randint(3, 6))
    )
    return Clip(width, height, rate, frames, ground, tracks)


class Video(MediaGenerator):
    length: int | None = None
    """Frames of each clip; None: drawn."""
    from_first = False
    """Whether everything is shown from frame 1 on."""
    empty_body = b'{"frames":{},"segments":{},"key_frame_feature_map":{},"classifications":[]}'

    def build_variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """Every tool in turn takes one thing; questions of scope "index" are answered in frames, the others once."""
        clip = self._build_clip(seed, project, number)
        annotator = Annotator(Chance(seed, "video", project, number, "annotations"))
        sheet, masks = KeyFrames(), Masks()
        for index, way in enumerate(clip.tracks if ontology.tools else ()):
            tool = ontology.tools[(number + index) % len(ontology.tools)]
            thing = annotator.build_object(tool, KINDS[tool.kind])
            sheet.add_object(thing, way, Geometry(tool, masks, thing["feature_id"]))
        for question in ontology.questions:
            if question.scope == "index":
                sheet.add_classification(annotator, question, clip.frame_count)
        annotations = {
            "frames": sheet.frames,
            "segments": sheet.segments,
            "key_frame_feature_map": sheet.keys,  # lists: the dictionary form breaks readers (payloads.md §10)
            "classifications": annotator.build_classifications(select_global_questions(ontology.questions)),
        }
        return Variant(_render_attributes(clip), encode_body(annotations), render_aside(masks.entries))

    def build_asset(self, seed: int, project: str, number: int) -> Asset:
        return Asset("video/mp4", encode_film(self._build_clip(seed, project, number)))

    def with_options(self, options: list[str]) -> Video:
        generator = Video(self.media)
        lengths = [int(option.removeprefix("frames=")) for option in options if option.startswith("frames=")]
        generator.length, generator.from_first = next(iter(lengths), None), "first" in options
        return generator

    def _build_clip(self, seed: int, project: str, number: int) -> Clip:
        return build_clip(seed, project, number, length=self.length, from_first=self.from_first)


class Masks:
    """The contents of the composite masks of a clip's frames (world/records/labels.py, `aside`)."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._features = 0

    def colour(self) -> list[int]:
        """The colour of the next feature, the same in all of its frames."""
        self._features += 1
        return get_mask_colour(self._features)

    def add_entry(self, colour: list[int], outline: Outline, position: Position, segment: Segment, **more: Any) -> None:
        frames = [segment.first, segment.last]
        entry = {"color_rgb": colour, "polygons": [outline], "frame": position.frame, "segment": frames}
        self.entries.append(entry | more)


class Geometry:
    """The geometry of one object in each of its key frames."""

    def __init__(self, tool: Feature, masks: Masks, feature_id: str) -> None:
        self._kind, self._masks, self._feature_id = tool.kind, masks, feature_id
        self._colour = masks.colour() if tool.kind == "raster-segmentation" else []

    def __call__(self, outline: Outline, position: Position, segment: Segment) -> dict[str, Any]:
        match self._kind:
            case "rectangle":
                return {"bounding_box": build_bounding_box(outline)}
            case "point":
                return {"point": build_points([(position.x, position.y)])[0]}
            case "line":
                return {"line": build_points(outline[: len(outline) // 2])}
            case "raster-segmentation":
                self._masks.add_entry(self._colour, outline, position, segment)
                return {
                    "mask": {"url": build_single_mask_url(self._feature_id, position.frame)},
                    "composite_mask": {"url": build_composite_mask_url(position.frame), "color_rgb": self._colour},
                }
        raise AssertionError(f"the scenario lets no tool {self._kind!r} into an ontology of clips")


def _render_attributes(clip: Clip) -> JsonText:
    """Keys of the sample (video exports of 2023), with the newer `asset_type` where pictures have it."""
    attributes = {
        "height": clip.height,
        "width": clip.width,
        "asset_type": "video",
        "mime_type": "video/mp4",
        "frame_rate": clip.frame_rate,
        "frame_count": clip.frame_count,
    }
    return encode_json(attributes)


def encode_film(clip: Clip) -> bytes:
    """The clip as an MP4: each cell has the colour of the thing at its centre."""
    return encode_mp4(
        clip.width, clip.height, clip.frame_rate, (draw_cells(clip, 1 + index) for index in range(clip.frame_count))
    )


def draw_cells(clip: Clip, frame: int) -> Cells:
    columns, rows = -(-clip.width // CELL), -(-clip.height // CELL)
    ground = _to_cell_colour(clip.ground)
    picture = [[ground] * columns for _ in range(rows)]
    for way in clip.tracks:
        if outline := way.find_outline_at(frame):
            small = [(x / CELL, y / CELL) for x, y in outline]
            for row, first, after in find_polygon_spans(small, columns, rows):
                picture[row][first:after] = [_to_cell_colour(way.colour)] * (after - first)
    return picture


@functools.cache
def _to_cell_colour(rgb: tuple[int, int, int]) -> tuple[int, int, int]:
    return to_ycbcr(*rgb)
