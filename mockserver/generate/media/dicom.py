"""Volumes: bodies that narrow to both ends, cut into pictures from the bottom to the top, annotated in three planes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from mockserver.generate.annotations import (
    COMPOSITE_MASK,
    Annotator,
    build_composite_mask_url,
    encode_body,
    select_global_questions,
)
from mockserver.generate.chance import Chance
from mockserver.generate.features import Feature, Ontology
from mockserver.generate.files.dicom import encode_dicom
from mockserver.generate.files.raster import find_polygon_spans
from mockserver.generate.keyframes import KeyFrames
from mockserver.generate.media.generator import Asset, MediaGenerator, Variant
from mockserver.generate.media.image import build_points
from mockserver.generate.media.video import Masks
from mockserver.generate.tracks import Outline, Position, Segment, Track, draw_shape
from mockserver.world.record import JsonText, encode_json

SIZES = ((160, 128), (128, 128), (144, 176))
AXIAL, SAGITTAL, CORONAL = PLANES = ("Axial", "Sagittal", "Coronal")
"""All three are always there, even empty (SDK tests). Axial frames are the file's own, from its first."""
KINDS = {"line": "DICOMPolyline", "raster-segmentation": "DICOMSegmentationMask"}
"""Lines: SDK tests; masks: inferred. Both may lie in any plane (SDK 5.x video.py, DICOMMaskAnnotation.group_key)."""


class Volume(msgspec.Struct, frozen=True):
    """`depth` pictures of width x height pixels; each body's track has its outline in those that cut it."""

    width: int
    height: int
    depth: int
    ground: int
    bodies: tuple[Track, ...]


def build_volume(seed: int, project: str, number: int) -> Volume:
    """Volume `number` of a project: three to five bodies in 16 to 24 pictures."""
    chance = Chance(seed, "dicom", project, number)
    width, height = chance.choice(SIZES)
    depth, ground = chance.randint(16, 24), chance.randint(10, 50)
    bodies = tuple(_build_body(chance, width, height, depth) for _ in range(chance.randint(3, 5)))
    return Volume(width, height, depth, ground, bodies)


def _build_body(chance: Chance, width: int, height: int, depth: int) -> Track:
    radius, half = chance.randint(12, 24), chance.randint(2, depth // 2 - 2)
    x, y = chance.randint(radius, width - radius), chance.randint(radius, height - radius)
    middle = chance.randint(half + 1, depth - half)
    end = radius / 4
    keys = [(middle - half, end), (middle, float(radius)), (middle + half, end)]
    places = tuple(Position(frame, float(x), float(y), reach) for frame, reach in keys)
    grey = chance.randint(90, 250)
    return Track(draw_shape(chance), (grey, grey, grey), (Segment(middle - half, middle + half, places),))


def build_document(sheets: dict[str, KeyFrames], classifications: list[dict[str, Any]]) -> dict[str, Any]:
    """The annotations of a volume (SDK tests, until 5.x)."""
    features = [feature for sheet in sheets.values() for feature in sheet.keys]
    return {
        "groups": {
            plane: {"name": plane, "classifications": [], "frames": sheet.frames} for plane, sheet in sheets.items()
        },
        "segments": {plane: sheet.segments for plane, sheet in sheets.items()},
        "classifications": classifications,
        "key_frame_feature_map": {
            feature: {
                plane: {str(frame): True for frame in sheet.keys.get(feature, [])} for plane, sheet in sheets.items()
            }
            for feature in features
        },
    }


class Dicom(MediaGenerator):
    empty_body = encode_body(build_document({plane: KeyFrames() for plane in PLANES}, []))

    def build_variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """Every tool in turn takes one body; what one tool makes lies in another plane each time."""
        volume = build_volume(seed, project, number)
        annotator = Annotator(Chance(seed, "dicom", project, number, "annotations"))
        sheets = {plane: Sheet(volume, plane) for plane in PLANES}
        masks, turns = Masks(), {"line": 0, "raster-segmentation": number}
        for index, body in enumerate(volume.bodies if ontology.tools else ()):
            tool = ontology.tools[(number + index) % len(ontology.tools)]
            sheet = sheets[PLANES[turns[tool.kind] % len(PLANES)]]
            turns[tool.kind] += 1
            sheet.add(annotator, tool, body, masks)
        for question in ontology.questions:
            if question.scope == "index":
                sheets[AXIAL].frames.add_classification(annotator, question, volume.depth)
        planes = {plane: sheet.frames for plane, sheet in sheets.items()}
        content = build_document(planes, annotator.build_classifications(select_global_questions(ontology.questions)))
        aside = {"masks": masks.entries, "planes": {plane: sheet.picture for plane, sheet in sheets.items()}}
        return Variant(_render_attributes(volume), encode_body(content), encode_json(aside))

    def build_asset(self, seed: int, project: str, number: int) -> Asset:
        volume = build_volume(seed, project, number)
        name = f"{seed}/{project}/{number}"
        return Asset(
            "application/dicom", encode_dicom(volume.width, volume.height, list(draw_pictures(volume)), name=name)
        )


class Sheet:
    """The annotations in one plane of a volume."""

    def __init__(self, volume: Volume, plane: str) -> None:
        self._volume, self._plane = volume, plane
        self._mask: str | None = COMPOSITE_MASK if plane == AXIAL else None
        self.frames = KeyFrames()

    @property
    def picture(self) -> dict[str, Any]:
        """The size of its frames, and the ordinal of its composite mask's id (world/records/labels.py, `aside`).

        Each plane has a composite mask of its own (inferred): the number in its URL is a frame of one plane.
        """
        volume = self._volume
        sizes = {
            AXIAL: (volume.width, volume.height),
            SAGITTAL: (volume.height, volume.depth),
            CORONAL: (volume.width, volume.depth),
        }
        return {"size": sizes[self._plane]} | ({} if self._mask is None else {"mask": self._mask})

    def add(self, annotator: Annotator, tool: Feature, body: Track, masks: Masks) -> None:
        thing = annotator.build_object(tool, KINDS[tool.kind])
        drawn = tool.kind == "raster-segmentation"
        if drawn and self._mask is None:
            self._mask = annotator.take_ordinal()
        colour = masks.colour() if drawn else []
        cut = None if self._plane == AXIAL else self._build_section(body, drawn)

        def geometry(outline: Outline, position: Position, segment: Segment) -> dict[str, Any]:
            if not drawn:
                return {"line": build_points(cut.find_side(position) if cut else outline[: len(outline) // 2])}
            assert self._mask is not None, "it was set above"
            masks.add_entry(colour, outline, position, segment, plane=self._plane)
            return {
                "composite_mask": {"url": build_composite_mask_url(position.frame, self._mask), "color_rgb": colour}
            }

        self.frames.add_object(thing, cut or body, geometry)

    def _build_section(self, body: Track, drawn: bool) -> Section:
        """A line is in the one frame that cuts the body's middle, a mask in those for half its radius around."""
        middle = body.segments[0].keys[1]
        centre = middle.x if self._plane == SAGITTAL else middle.y
        half = middle.radius // 2 if drawn else 0
        frames = sorted({int(centre + step) + 1 for step in (-half, 0, half)})
        keys = tuple(msgspec.structs.replace(middle, frame=frame) for frame in frames)
        segment = Segment(frames[0], frames[-1], keys)
        return Section(
            body.shape, body.colour, (segment,), body, self._plane, (self._volume.width, self._volume.height)
        )


class Section(Track, frozen=True):
    """A body as the frames of another plane cut it: from where they enter it to where they leave it."""

    body: Track
    plane: str
    size: tuple[int, int]
    """Pixels of an axial frame."""

    def find_outline(self, position: Position) -> Outline:
        """Down one side and up the other, a step for each axial frame; where none is cut the sides touch."""
        [segment] = self.body.segments
        centre = position.y if self.plane == SAGITTAL else position.x
        near: list[tuple[float, float]] = []
        far: list[tuple[float, float]] = []
        for frame in range(segment.first, segment.last + 1):
            enters, leaves = self._find_chord(frame, position.frame - 1) or (centre, centre)
            near += [(enters, frame - 1.0), (enters, float(frame))]
            far += [(leaves, frame - 1.0), (leaves, float(frame))]
        return (*near, *reversed(far))

    def find_side(self, position: Position) -> Outline:
        """The points at which the plane leaves the body's key frames, in the middle of their slices."""
        [segment] = self.body.segments
        chords = ((key.frame, self._find_chord(key.frame, position.frame - 1)) for key in segment.keys)
        return tuple((chord[1], frame - 0.5) for frame, chord in chords if chord is not None)

    def _find_chord(self, frame: int, at: int) -> tuple[float, float] | None:
        """The pixels of an axial frame's column, or row, that show the body."""
        spans = find_polygon_spans(self.body.find_outline_at(frame) or (), *self.size)
        if self.plane == SAGITTAL:
            rows = [row for row, first, after in spans if first <= at < after]
            return (float(rows[0]), rows[-1] + 1.0) if rows else None
        ends = [(float(first), float(after)) for row, first, after in spans if row == at]
        return (ends[0][0], ends[-1][1]) if ends else None


def _render_attributes(volume: Volume) -> JsonText:
    """The attributes of pictures (inferred)."""
    attributes = {
        "height": volume.height,
        "width": volume.width,
        "asset_type": "dicom",
        "mime_type": "application/dicom",
    }
    return encode_json(attributes)


def draw_pictures(volume: Volume) -> Iterator[bytes]:
    """The axial frames, in grey."""
    for frame in range(1, volume.depth + 1):
        picture = bytearray([volume.ground]) * (volume.width * volume.height)
        for body in volume.bodies:
            if outline := body.find_outline_at(frame):
                for row, first, after in find_polygon_spans(outline, volume.width, volume.height):
                    start = row * volume.width
                    picture[start + first : start + after] = bytes([body.colour[0]]) * (after - first)
        yield bytes(picture)
