"""Frames between key frames: laws for any body, and the comparisons of the SDK's own tests."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.rules.generate.media.times import variants
from mockserver.exports.frames import find_masks, interpolate, interpolate_frames

CLIPS = [variant.document for variant in variants("video")]
VOLUMES = [variant.document for variant in variants("dicom")]
# By their number: the text of a strategy with all of its documents would be too long to read.
GENERATED_CLIPS = st.integers(0, len(CLIPS) - 1).map(CLIPS.__getitem__)
GENERATED = st.integers(0, len(CLIPS) + len(VOLUMES) - 1).map((CLIPS + VOLUMES).__getitem__)

coordinates = st.integers(-10_000, 10_000).map(lambda hundredths: hundredths / 100)
boxes = st.fixed_dictionaries(dict.fromkeys(("top", "left", "height", "width"), coordinates))


@st.composite
def clips(draw: st.DrawFn) -> dict[str, Any]:
    """Boxes and answers with key frames anywhere in their segments, also before and after any."""
    frames: dict[int, Any] = {}
    segments: dict[str, list[list[int]]] = {}
    for number in range(draw(st.integers(0, 4))):
        feature_id = f"f{number}"
        ends = sorted(draw(st.lists(st.integers(1, 40), min_size=2, max_size=6, unique=True)))
        segments[feature_id] = [list(pair) for pair in zip(ends[::2], ends[1::2], strict=False)]
        for first, last in segments[feature_id]:
            for key in draw(st.sets(st.integers(first, last), min_size=1, max_size=4)):
                frame = frames.setdefault(key, {"objects": {}, "classifications": []})
                if number % 2:
                    frame["classifications"].append({"feature_id": feature_id, "text_answer": {"content": f"{key}"}})
                else:
                    frame["objects"][feature_id] = {"feature_id": feature_id, "bounding_box": draw(boxes)}
    ordered = {str(number): frames[number] for number in sorted(frames)}
    return {"frames": ordered, "segments": segments, "key_frame_feature_map": {}, "classifications": []}


def features(frame: Any) -> dict[str, Any]:
    """Objects and questions, with all features below the questions."""
    return {
        **frame["objects"],
        **{feature["feature_id"]: feature for feature in iterate_features(frame["classifications"])},
    }


def iterate_features(part: Any) -> Iterator[Any]:
    if isinstance(part, list):
        for below in part:
            yield from iterate_features(below)
    elif isinstance(part, dict):
        if "feature_id" in part:
            yield part
        for below in part.values():
            yield from iterate_features(below)


def frames_of(document: Any, feature_id: str) -> dict[int, Any]:
    """A feature by frame."""
    by_frame = {int(number): features(frame).get(feature_id) for number, frame in document["frames"].items()}
    return {number: feature for number, feature in by_frame.items() if feature is not None}


@given(clips() | GENERATED_CLIPS)
def test_key_frames_stay_as_they_are(document: dict[str, Any]) -> None:
    whole = interpolate_frames(document)
    for number, frame in document["frames"].items():
        whole_frame = features(whole["frames"][number])
        assert {feature_id: whole_frame[feature_id] for feature_id in features(frame)} == features(frame)


@given(clips() | GENERATED_CLIPS)
def test_a_feature_is_in_every_frame_of_its_segments_and_in_no_other(document: dict[str, Any]) -> None:
    whole = interpolate_frames(document)
    for feature_id, segments in document["segments"].items():
        expected = {number for first, last in segments for number in range(first, last + 1)}
        assert set(frames_of(whole, feature_id)) == expected


@pytest.mark.known("client")
@given(clips() | GENERATED_CLIPS)
def test_frames_are_in_order_and_have_the_keys_of_frames(document: dict[str, Any]) -> None:
    whole = interpolate_frames(document)
    numbers = [int(number) for number in whole["frames"]]
    assert numbers == sorted(numbers)
    assert all(list(frame) == ["objects", "classifications"] for frame in whole["frames"].values())


@given(clips() | GENERATED)
def test_filling_twice_is_filling_once(document: dict[str, Any]) -> None:
    whole = interpolate_frames(document)
    assert interpolate_frames(whole) == whole


@given(clips() | GENERATED)
def test_the_argument_is_not_changed(document: dict[str, Any]) -> None:
    before = repr(document)
    interpolate_frames(document)
    assert repr(document) == before


@pytest.mark.known("client")
@given(clips())
def test_every_number_moves_steadily_between_two_key_frames(document: dict[str, Any]) -> None:
    whole = interpolate_frames(document)
    for feature_id, segments in document["segments"].items():
        keys, by_frame = frames_of(document, feature_id), frames_of(whole, feature_id)
        if "bounding_box" not in next(iter(by_frame.values())):
            continue
        for first, last in segments:
            stops = [first, *sorted(key for key in keys if first <= key <= last), last]
            for start, end in pairwise(stops):
                for side in ("top", "left", "height", "width"):
                    way = [by_frame[number]["bounding_box"][side] for number in range(start, end + 1)]
                    assert way in (sorted(way), sorted(way, reverse=True))


@given(clips())
def test_an_answer_holds_until_the_next(document: dict[str, Any]) -> None:
    whole = interpolate_frames(document)
    for feature_id, segments in document["segments"].items():
        keys, by_frame = frames_of(document, feature_id), frames_of(whole, feature_id)
        for number, answered in by_frame.items():
            [first] = [first for first, last in segments if first <= number <= last]
            earlier = [key for key in keys if first <= key <= number]
            if "text_answer" in answered and earlier:
                assert answered["text_answer"] == keys[max(earlier)]["text_answer"]


@pytest.mark.known("client")
def test_a_box_moves_as_the_sdks_test_of_a_clip_says() -> None:
    """libs/labelbox/tests/data/export/streamable/test_export_video_streamable.py"""
    keys = {13: 146.0, 18: 146.0 + 50, 19: 146.0 + 60}
    frames = {
        str(number): {"objects": {"c1": {"bounding_box": {"top": 98.0, "left": left}}}, "classifications": []}
        for number, left in keys.items()
    }
    whole = interpolate_frames({"frames": frames, "segments": {"c1": [[13, 19]]}})["frames"]
    assert list(whole) == [str(number) for number in range(13, 20)]
    assert [frame["objects"]["c1"]["bounding_box"]["left"] for frame in whole.values()] == [
        146.0, 156.0, 166.0, 176.0, 186.0, 196.0, 206.0,
    ]  # fmt: skip


@pytest.mark.known("sample")
def test_a_checklist_between_its_key_frames_has_the_answers_whose_segments_these_are() -> None:
    """The structure of a public export of 2025-04; an answer that is added later is inferred."""
    kite: Any
    boat: Any
    kite, boat = ({"feature_id": name, "name": name, "classifications": []} for name in ("kite", "boat"))
    question = {"feature_id": "seen", "checklist_answers": [kite, boat]}
    frames = {
        "4": {"objects": {}, "classifications": [{**question, "checklist_answers": [kite]}]},
        "12": {"objects": {}, "classifications": [question]},
        "21": {"objects": {}, "classifications": [question]},
    }
    whole = interpolate_frames({"frames": frames, "segments": {"kite": [[4, 21]], "boat": [[12, 21]]}})["frames"]
    assert list(whole) == [str(number) for number in range(4, 22)]
    for number, frame in whole.items():
        [answered] = frame["classifications"]
        assert answered["checklist_answers"] == ([kite] if int(number) < 12 else [kite, boat])


@pytest.mark.known("client")
def test_a_classification_of_the_whole_clip_may_have_segments_and_is_in_no_frame() -> None:
    document = {"frames": {}, "segments": {"c1": [[7, 13], [18, 19]]}, "classifications": [{"feature_id": "c1"}]}
    assert interpolate_frames(document) == document


def test_a_volume_is_filled_in_each_plane() -> None:
    for document in VOLUMES:
        whole = interpolate_frames(document)
        for plane, segments in document["segments"].items():
            for feature_id, pairs in segments.items():
                by_frame = frames_of(whole["groups"][plane], feature_id)
                assert set(by_frame) == {number for first, last in pairs for number in range(first, last + 1)}


@pytest.mark.parametrize(
    "document",
    [
        {"objects": [], "classifications": [], "relationships": []},
        {"classifications": [], "segments": {"c1": [[900, 3300]]}, "timestamp": {"900": {"classifications": []}}},
    ],
)
def test_bodies_without_frames_stay_as_they_are(document: dict[str, Any]) -> None:
    assert interpolate_frames(document) == document


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 10, 5),
        ([{"x": 0.0, "y": 1.0}], [{"x": 1.0, "y": 1.0}], [{"x": 0.5, "y": 1.0}]),
        ([1, 2, 3], [1, 2], [1, 2, 3]),
        ({"a": 1}, {"b": 1}, {"a": 1}),
        ("red", "blue", "red"),
        (0.1234567, 0.1234568, 0.1234567),
    ],
)
def test_a_value_halfway(start: Any, end: Any, expected: Any) -> None:
    assert interpolate(start, end, 0.5) == expected


# Masks


def test_a_frame_shows_the_masks_that_its_body_names() -> None:
    seen = 0
    for variant in variants("video"):
        whole = interpolate_frames(variant.document)
        for number in range(1, variant.attributes["frame_count"] + 1):
            objects = whole["frames"].get(str(number), {"objects": {}})["objects"].values()
            named_masks = [thing["composite_mask"] for thing in objects if "composite_mask" in thing]
            assert all(mask["url"].endswith(f"/index/{number}") for mask in named_masks)
            masks = find_masks(variant.masks, number)
            assert sorted(mask["color_rgb"] for mask in masks) == sorted(mask["color_rgb"] for mask in named_masks)
            seen += len(masks)
    assert seen > 100


def test_a_mask_moves_between_its_key_frames() -> None:
    square = [[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]]
    moved = [[x + 10, y] for x, y in square]
    masks = [
        {"color_rgb": [1, 2, 3], "polygons": [square], "frame": 1, "segment": [1, 8]},
        {"color_rgb": [1, 2, 3], "polygons": [moved], "frame": 6, "segment": [1, 8]},
    ]
    corners = [[mask["polygons"][0][0][0] for mask in find_masks(masks, index)] for index in range(10)]
    assert corners == [[], [0.0], [2.0], [4.0], [6.0], [8.0], [10.0], [10.0], [10.0], []]


@pytest.mark.parametrize(("index", "count"), [(0, 0), (1, 1), (2, 0)])
def test_a_picture_has_the_index_1_only(index: int, count: int) -> None:
    assert len(find_masks([{"color_rgb": [1, 2, 3], "polygons": []}], index)) == count


@pytest.mark.parametrize(("index", "count"), [(4, 0), (5, 1), (6, 0)])
def test_a_mask_without_a_segment_is_in_its_frame_only(index: int, count: int) -> None:
    assert len(find_masks([{"color_rgb": [1, 2, 3], "polygons": [], "frame": 5}], index)) == count
