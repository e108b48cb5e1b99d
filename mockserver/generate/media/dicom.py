"""Volumes: bodies that narrow to both ends, cut into pictures from the bottom to the top, annotated in three planes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import orjson

from mockserver.generate.annotations import Annotator, encoded
from mockserver.generate.chance import Chance
from mockserver.generate.features import Ontology
from mockserver.generate.files.dicom import dicom
from mockserver.generate.files.raster import polygon_spans
from mockserver.generate.keyframes import KeyFrames
from mockserver.generate.media.image import aside, points
from mockserver.generate.media.medium import Asset, Medium, Variant
from mockserver.generate.media.video import Geometry, Masks, whole
from mockserver.generate.tracks import Outline, Place, Stretch, Track, shape_of
from mockserver.world.database import JsonText

SIZES = ((160, 128), (128, 128), (144, 176))
AXIAL, SAGITTAL, CORONAL = PLANES = ("Axial", "Sagittal", "Coronal")
"""All three are always there, even empty (SDK tests). Axial frames are the file's own, from its first."""
KINDS = {"line": "DICOMPolyline", "raster-segmentation": "DICOMSegmentationMask"}
"""Lines: SDK tests; masks: inferred."""
RIGHT, DOWN = 0, 4
"""Where a shape's ring goes straight to the right and straight down."""


class Volume(msgspec.Struct, frozen=True):
    """`depth` pictures of width x height pixels; each body's track tells its outline in those that cut it."""

    width: int
    height: int
    depth: int
    ground: int
    bodies: tuple[Track, ...]


def volume(seed: int, project: str, number: int) -> Volume:
    """Volume `number` of a project: three to five bodies in 16 to 24 pictures."""
    chance = Chance(seed, "dicom", project, number)
    width, height = chance.pick(SIZES)
    depth, ground = chance.between(16, 24), chance.between(10, 50)
    bodies = tuple(_body(chance, width, height, depth) for _ in range(chance.between(3, 5)))
    return Volume(width, height, depth, ground, bodies)


def _body(chance: Chance, width: int, height: int, depth: int) -> Track:
    radius, half = chance.between(12, 24), chance.between(2, depth // 2 - 2)
    x, y = chance.between(radius, width - radius), chance.between(radius, height - radius)
    middle = chance.between(half + 1, depth - half)
    end = radius / 4
    keys = [(middle - half, end), (middle, float(radius)), (middle + half, end)]
    places = tuple(Place(frame, float(x), float(y), reach) for frame, reach in keys)
    grey = chance.between(90, 250)
    return Track(shape_of(chance), (grey, grey, grey), (Stretch(middle - half, middle + half, places),))


def document(sheets: dict[str, KeyFrames], classifications: list[dict[str, Any]]) -> dict[str, Any]:
    """What a label says of a volume (SDK tests, until 5.x)."""
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


class Dicom(Medium):
    media_type = "DICOM"
    extension = "dcm"
    empty = encoded(document({plane: KeyFrames() for plane in PLANES}, []))

    def variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """Every tool in turn takes one body; of three lines one lies in the sagittal and one in the coronal plane."""
        made = volume(seed, project, number)
        annotator = Annotator(Chance(seed, "dicom", project, number, "annotations"))
        sheets, masks, lines = {plane: KeyFrames() for plane in PLANES}, Masks(), 0
        for index, body in enumerate(made.bodies if ontology.tools else ()):
            tool = ontology.tools[(number + index) % len(ontology.tools)]
            plane = PLANES[lines % len(PLANES)] if tool.kind == "line" else AXIAL
            lines += tool.kind == "line"
            thing = annotator.object(tool, KINDS[tool.kind])
            if plane == AXIAL:
                sheets[plane].add_object(thing, body, Geometry(tool, masks))
            else:
                sheets[plane].add_object(thing, *profile(body, plane))
        for question in ontology.questions:
            if question.scope == "index":
                sheets[AXIAL].add_classification(annotator, question, made.depth)
        content = document(sheets, annotator.classifications(whole(ontology.questions)))
        return Variant(_media_attributes(made), encoded(content), aside(masks.found))

    def asset(self, seed: int, project: str, number: int) -> Asset:
        made = volume(seed, project, number)
        name = f"{seed}/{project}/{number}"
        return Asset("application/dicom", dicom(made.width, made.height, list(pictures(made)), name=name))


MEDIA = {"dicom": Dicom()}


def profile(body: Track, plane: str) -> tuple[Track, Any]:
    """A body's edge as seen from the side, in the one frame of that plane that cuts its middle."""
    [stretch] = body.stretches
    outlines = [(place.frame, body.outline(place)) for place in stretch.keys]
    corner, axis = (DOWN, 1) if plane == SAGITTAL else (RIGHT, 0)
    edge = points([(outline[corner][axis], frame - 0.5) for frame, outline in outlines])
    middle = stretch.keys[1]
    frame = int(middle.x if plane == SAGITTAL else middle.y) + 1
    place = msgspec.structs.replace(middle, frame=frame)
    there = msgspec.structs.replace(body, stretches=(Stretch(frame, frame, (place,)),))

    def line(_outline: Outline, _place: Place, _stretch: Stretch) -> dict[str, Any]:
        return {"line": edge}

    return there, line


def _media_attributes(made: Volume) -> JsonText:
    """Inferred: those of pictures."""
    attributes = {
        "height": made.height,
        "width": made.width,
        "asset_type": "dicom",
        "mime_type": "application/dicom",
    }
    return JsonText(orjson.dumps(attributes).decode())


def pictures(made: Volume) -> Iterator[bytes]:
    """The axial frames, in grey."""
    for frame in range(1, made.depth + 1):
        picture = bytearray([made.ground]) * (made.width * made.height)
        for body in made.bodies:
            if outline := body.shown(frame):
                for row, first, after in polygon_spans(outline, made.width, made.height):
                    start = row * made.width
                    picture[start + first : start + after] = bytes([body.colour[0]]) * (after - first)
        yield bytes(picture)
