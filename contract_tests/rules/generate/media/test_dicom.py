"""Volumes: their annotations in three planes, and the file that holds the axial one."""

import io
from typing import Any

import msgspec
import pydicom
import pytest

from contract_tests.rules.generate.media.times import (
    VARIANTS,
    TimedSample,
    features_in,
    names_of,
    ontology_of,
    variants,
)
from mockserver.generate.files.dicom import encode_dicom
from mockserver.generate.files.raster import find_polygon_spans
from mockserver.generate.media.dicom import AXIAL, KINDS, PLANES, SAGITTAL, Volume, build_volume, draw_pictures
from mockserver.generate.media.generator import get_generator


@pytest.fixture(scope="module")
def samples() -> list[TimedSample]:
    return list(variants("dicom"))


@pytest.mark.known("client")
def test_every_body_has_all_three_planes(samples: list[TimedSample]) -> None:
    for each in samples:
        assert list(each.document) == ["groups", "segments", "classifications", "key_frame_feature_map"]
        assert list(each.document["groups"]) == list(each.document["segments"]) == list(PLANES)
        for plane, group in each.document["groups"].items():
            assert list(group) == ["name", "classifications", "frames"]
            assert group["name"] == plane


@pytest.mark.known("client")
def test_key_frames_are_listed_by_plane_and_frame(samples: list[TimedSample]) -> None:
    for each in samples:
        for feature_id, planes in each.document["key_frame_feature_map"].items():
            assert set(planes) == set(PLANES)
            for plane, keys in planes.items():
                frames = each.document["groups"][plane]["frames"]
                assert set(keys.values()) <= {True}
                assert all(feature_id in ids_of(frames[number]) for number in keys)
        said = {
            feature
            for group in each.document["groups"].values()
            for f in group["frames"].values()
            for feature in ids_of(f)
        }
        assert said == set(each.document["key_frame_feature_map"])


def ids_of(frame: dict[str, object]) -> set[str]:
    objects, classifications = frame["objects"], frame["classifications"]
    assert isinstance(objects, dict)
    assert isinstance(classifications, list)
    return {*objects, *(answered["feature_id"] for answered in features_in(classifications))}


@pytest.mark.known("client")
def test_segments_lie_below_the_plane_they_are_in(samples: list[TimedSample]) -> None:
    for each in samples:
        for plane, segments in each.document["segments"].items():
            frames = {int(number) for number in each.document["groups"][plane]["frames"]}
            assert all(first in frames and first <= last for pairs in segments.values() for first, last in pairs)


@pytest.mark.known("client")
def test_lines_and_masks_lie_in_every_plane(samples: list[TimedSample]) -> None:
    """The SDK sends both with any of the three for `group_key` (SDK 5.x video.py)."""
    kinds: dict[str, set[str]] = {plane: set() for plane in PLANES}
    for each in samples:
        for plane, group in each.document["groups"].items():
            for frame in group["frames"].values():
                kinds[plane] |= {thing["annotation_kind"] for thing in frame["objects"].values()}
    assert kinds == {plane: set(KINDS.values()) for plane in PLANES}


@pytest.mark.known("inferred")
def test_the_masks_of_each_plane_are_in_a_picture_of_their_own(samples: list[TimedSample]) -> None:
    for each in samples:
        for plane, group in each.document["groups"].items():
            things = [thing for frame in group["frames"].values() for thing in frame["objects"].values()]
            urls = [thing["composite_mask"]["url"] for thing in things if "composite_mask" in thing]
            assert {url.split("/")[-3] for url in urls} <= {each.planes[plane].get("mask")}
    assert {mask["plane"] for each in samples for mask in each.masks} == set(PLANES)
    for each in samples:
        of_features = {feature["feature_id"] for feature in features_in(each.document)}
        own = [plane["mask"] for plane in each.planes.values() if "mask" in plane]
        assert len({*own}) == len(own)
        assert not of_features & {*own}


@pytest.mark.known("inferred")
@pytest.mark.parametrize("number", VARIANTS)
def test_a_mask_reaches_as_far_as_its_body_does_in_that_slice(samples: list[TimedSample], number: int) -> None:
    """Compares with the file: in each axial frame from the first to the last pixel of the body."""
    pixels = bodies_of(build_volume(0, "dicom", number))
    masks = [mask for mask in samples[number].masks if mask["plane"] != AXIAL]
    for mask in masks:
        at, (width, height) = mask["frame"] - 1, samples[number].planes[mask["plane"]]["size"]
        spans = {(row, first, after) for row, first, after in find_polygon_spans(mask["polygons"][0], width, height)}
        slices = [cube[:, :, at] if mask["plane"] == SAGITTAL else cube[:, at, :] for cube in pixels]
        assert all(each.shape == (height, width) for each in slices)
        assert spans in [reaches(each) for each in slices]


def bodies_of(shape: Volume) -> list[Any]:
    """For each body of a volume the pixels that show it, by frame, row and column."""
    volumes = []
    for body in shape.bodies:
        alone = msgspec.structs.replace(shape, ground=0, bodies=(body,))
        content = encode_dicom(shape.width, shape.height, list(draw_pictures(alone)), name="x")
        volumes.append(pydicom.dcmread(io.BytesIO(content)).pixel_array > 0)
    return volumes


def reaches(picture: Any) -> set[tuple[int, int, int]]:
    """(row, first pixel, the one after the last) of every row that has some."""
    columns = [(row, line.nonzero()[0]) for row, line in enumerate(picture)]
    return {(row, int(each[0]), int(each[-1]) + 1) for row, each in columns if len(each)}


@pytest.mark.known("inferred")
def test_lines_and_masks_stay_inside_their_plane(samples: list[TimedSample]) -> None:
    for number, each in enumerate(samples):
        shape = build_volume(0, "dicom", number)
        sizes = {
            "Axial": (shape.width, shape.height, shape.depth),
            "Sagittal": (shape.height, shape.depth, shape.width),
            "Coronal": (shape.width, shape.depth, shape.height),
        }
        for mask in each.masks:
            assert all(0 <= x <= sizes[mask["plane"]][0] for x, _ in mask["polygons"][0])
            assert all(0 <= y <= sizes[mask["plane"]][1] for _, y in mask["polygons"][0])
        for plane, group in each.document["groups"].items():
            width, height, depth = sizes[plane]
            assert each.planes[plane]["size"] == [width, height]
            for frame, frame_content in group["frames"].items():
                assert 1 <= int(frame) <= depth
                for thing in frame_content["objects"].values():
                    for point in thing.get("line", []):
                        assert 0 <= point["x"] <= width
                        assert 0 <= point["y"] <= height


def test_every_annotation_is_in_the_ontology(samples: list[TimedSample]) -> None:
    known = names_of(ontology_of("dicom"))
    for each in samples:
        for feature in features_in(each.document):
            assert (feature["feature_schema_id"], feature["name"], feature["value"]) in known


def test_a_skipped_volume_has_empty_planes() -> None:
    assert get_generator("dicom").empty_body.count(b'"frames":{}') == len(PLANES)


@pytest.mark.parametrize("number", VARIANTS[:4])
def test_the_file_shows_each_body_where_it_is_annotated(samples: list[TimedSample], number: int) -> None:
    shape, attributes = build_volume(0, "dicom", number), samples[number].attributes
    asset = get_generator("dicom").build_asset(0, "dicom", number)
    assert asset.content_type == attributes["mime_type"]
    read = pydicom.dcmread(io.BytesIO(asset.content))
    assert (read.Rows, read.Columns, int(read.NumberOfFrames)) == (
        attributes["height"],
        attributes["width"],
        shape.depth,
    )
    body, pixels = shape.bodies[-1], read.pixel_array
    for frame in range(1, shape.depth + 1):
        for row, first, after in find_polygon_spans(body.find_outline_at(frame) or (), shape.width, shape.height):
            assert (pixels[frame - 1, row, first:after] == body.colour[0]).all()
