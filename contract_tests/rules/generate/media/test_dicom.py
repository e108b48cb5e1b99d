"""Volumes: their annotations in three planes, and the file that holds the axial one."""

import io

import pydicom
import pytest

from contract_tests.rules.generate.media.times import VARIANTS, Made, features_in, names_of, ontology_of, variants
from mockserver.generate.files.raster import polygon_spans
from mockserver.generate.media.dicom import AXIAL, KINDS, PLANES, volume
from mockserver.generate.media.medium import medium_of


@pytest.fixture(scope="module")
def made() -> list[Made]:
    return list(variants("dicom"))


@pytest.mark.known("client")
def test_every_body_has_all_three_planes(made: list[Made]) -> None:
    for each in made:
        assert list(each.document) == ["groups", "segments", "classifications", "key_frame_feature_map"]
        assert list(each.document["groups"]) == list(each.document["segments"]) == list(PLANES)
        for plane, group in each.document["groups"].items():
            assert list(group) == ["name", "classifications", "frames"]
            assert group["name"] == plane


@pytest.mark.known("client")
def test_key_frames_are_told_by_plane_and_frame(made: list[Made]) -> None:
    for each in made:
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
    return {*objects, *(answered["feature_id"] for answered in classifications)}


@pytest.mark.known("client")
def test_segments_lie_below_the_plane_they_are_in(made: list[Made]) -> None:
    for each in made:
        for plane, segments in each.document["segments"].items():
            frames = {int(number) for number in each.document["groups"][plane]["frames"]}
            assert all(first in frames and first <= last for pairs in segments.values() for first, last in pairs)


@pytest.mark.known("inferred")
def test_lines_lie_in_every_plane_and_masks_in_the_axial_one(made: list[Made]) -> None:
    kinds: dict[str, set[str]] = {plane: set() for plane in PLANES}
    for each in made:
        for plane, group in each.document["groups"].items():
            for frame in group["frames"].values():
                kinds[plane] |= {thing["annotation_kind"] for thing in frame["objects"].values()}
    assert kinds == {plane: set(KINDS.values()) if plane == AXIAL else {KINDS["line"]} for plane in PLANES}


@pytest.mark.known("inferred")
def test_lines_stay_inside_their_plane(made: list[Made]) -> None:
    for number, each in enumerate(made):
        shape = volume(0, "dicom", number)
        sizes = {
            "Axial": (shape.width, shape.height, shape.depth),
            "Sagittal": (shape.height, shape.depth, shape.width),
            "Coronal": (shape.width, shape.depth, shape.height),
        }
        for plane, group in each.document["groups"].items():
            width, height, depth = sizes[plane]
            for frame, shown in group["frames"].items():
                assert 1 <= int(frame) <= depth
                for thing in shown["objects"].values():
                    for point in thing.get("line", []):
                        assert 0 <= point["x"] <= width
                        assert 0 <= point["y"] <= height


def test_everything_said_is_in_the_ontology(made: list[Made]) -> None:
    known = names_of(ontology_of("dicom"))
    for each in made:
        for feature in features_in(each.document):
            assert (feature["feature_schema_id"], feature["name"], feature["value"]) in known


def test_a_skipped_volume_has_empty_planes() -> None:
    assert medium_of("dicom").empty.count(b'"frames":{}') == len(PLANES)


@pytest.mark.parametrize("number", VARIANTS[:4])
def test_the_file_shows_each_body_where_it_is_annotated(made: list[Made], number: int) -> None:
    shape, told = volume(0, "dicom", number), made[number].attributes
    asset = medium_of("dicom").asset(0, "dicom", number)
    assert asset.content_type == told["mime_type"]
    read = pydicom.dcmread(io.BytesIO(asset.content))
    assert (read.Rows, read.Columns, int(read.NumberOfFrames)) == (told["height"], told["width"], shape.depth)
    body, pixels = shape.bodies[-1], read.pixel_array
    for frame in range(1, shape.depth + 1):
        for row, first, after in polygon_spans(body.shown(frame) or (), shape.width, shape.height):
            assert (pixels[frame - 1, row, first:after] == body.colour[0]).all()
