"""Frames of Export V1: one line for each labelled frame, saying what Export V2's interpolated frames say."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.exports.frames import interpolate_frames
from mockserver.exports.legacy.frames import has_frames, render_frame_lines
from mockserver.exports.legacy.schema_facts import SchemaFacts

PREFIX = "cprefix0000000000000"
BOX = {"top": 10.0, "left": 20.0, "height": 5.5, "width": 7.25}


def feature(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"feature_id": f"\x02{number:05}", "feature_schema_id": f"s{number}", "name": name, "value": name, **more}


def draw_object(number: int, classifications: Any = (), **geometry: Any) -> dict[str, Any]:
    item = feature(number, f"tool {number}", annotation_kind="Any", classifications=[*classifications], **geometry)
    return {item["feature_id"]: item}


def radio(number: int, answer: str, **more: Any) -> dict[str, Any]:
    return feature(number, "question", radio_answer=feature(number + 1, answer, classifications=[]), **more)


def clip(frames: dict[int, Any], segments: dict[int, Any]) -> dict[str, Any]:
    """Frame number -> (objects, classifications); feature number -> segments."""
    return {
        "frames": {
            str(at): {"objects": objects, "classifications": list(answers)} for at, (objects, answers) in frames.items()
        },
        "segments": {f"\x02{number:05}": pairs for number, pairs in segments.items()},
        "key_frame_feature_map": {},
        "classifications": [],
    }


def content(document: Any) -> bytes:
    return orjson.dumps(document).replace(b"\\u0002", b"\x02")


def lines(document: Any, **more: Any) -> list[Any]:
    pieces = render_frame_lines(content(document), prefix=PREFIX, terms=SchemaFacts({"s1": "#ff0000"}), **more)
    return [json.loads(line) for line in b"".join(pieces).splitlines()]


@pytest.mark.known("sample")
def test_a_line_has_the_keys_of_the_sample_in_its_order() -> None:
    [line] = lines(clip({3: (draw_object(1, bounding_box=BOX), [])}, {1: [[3, 3]]}))
    assert list(line) == ["frameNumber", "classifications", "objects"]
    assert line == {
        "frameNumber": 3,
        "classifications": [],
        "objects": [
            {
                "featureId": f"{PREFIX}00001",
                "schemaId": "s1",
                "title": "tool 1",
                "value": "tool 1",
                "color": "#ff0000",
                "keyframe": True,
                "bbox": BOX,
                "classifications": [],
            }
        ],
    }
    assert list(line["objects"][0]) == [
        "featureId", "schemaId", "title", "value", "color", "keyframe", "bbox", "classifications",
    ]  # fmt: skip


@pytest.mark.known("sample")
def test_every_frame_of_a_segment_has_a_line_and_only_key_frames_say_so() -> None:
    moved = BOX | {"left": 26.0}
    document = clip(
        {2: (draw_object(1, bounding_box=BOX), []), 5: (draw_object(1, bounding_box=moved), [])}, {1: [[2, 7]]}
    )
    rows = lines(document)
    assert [line["frameNumber"] for line in rows] == [2, 3, 4, 5, 6, 7]
    assert [line["objects"][0]["keyframe"] for line in rows] == [True, False, False, True, False, False]
    assert [line["objects"][0]["bbox"]["left"] for line in rows] == [20.0, 22.0, 24.0, 26.0, 26.0, 26.0]


@pytest.mark.known("documented")
def test_frames_without_annotations_have_no_line() -> None:
    document = clip(
        {1: (draw_object(1, point={"x": 1, "y": 1}), []), 90: (draw_object(2, point={"x": 2, "y": 2}), [])},
        {1: [[1, 2]], 2: [[90, 91]]},
    )
    assert [line["frameNumber"] for line in lines(document)] == [1, 2, 90, 91]


@pytest.mark.known("client")
def test_answers_about_frames_hold_until_the_next_and_say_where_their_key_frames_are() -> None:
    document = clip({1: ({}, [radio(1, "on")]), 3: ({}, [radio(1, "off")])}, {1: [[1, 4]]})
    answers = [line["classifications"][0]["answer"] for line in lines(document)]
    assert [answer["title"] for answer in answers] == ["on", "on", "off", "off"]
    assert [answer["keyframe"] for answer in answers] == [True, False, True, False]


@pytest.mark.known("sample")
def test_questions_on_an_object_are_flat_and_there_in_every_frame() -> None:
    nested = radio(3, "yes")
    nested["radio_answer"]["classifications"] = [radio(5, "deep")]
    document = clip({1: (draw_object(1, [nested], bounding_box=BOX), [])}, {1: [[1, 2]]})
    for line in lines(document):
        assert [item["answer"]["title"] for item in line["objects"][0]["classifications"]] == ["yes", "deep"]


@pytest.mark.known("documented")
def test_a_volume_has_the_lines_of_its_axes_one_after_another_with_relationships() -> None:
    line = [{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": 4.0}]
    one = clip({1: (draw_object(1, line=line), [])}, {1: [[1, 2]]})
    other = clip({1: (draw_object(2, line=line), [])}, {2: [[1, 1]]})
    document = {
        "groups": {"Axial": {"frames": one["frames"]}, "Sagittal": {"frames": other["frames"]}},
        "segments": {"Axial": one["segments"], "Sagittal": other["segments"], "Coronal": {}},
    }
    rows = lines(document)
    assert [entry["frameNumber"] for entry in rows] == [1, 2, 1]
    assert all(entry["relationships"] == [] for entry in rows)
    assert rows[0]["objects"][0]["line"] == line


@pytest.mark.known("inferred")
def test_a_mask_is_a_url_for_its_feature_and_frame() -> None:
    document = clip({4: (draw_object(1, composite_mask={"url": "…", "color_rgb": [1, 2, 3]}), [])}, {1: [[4, 5]]})
    rows = lines(document, mask="http://host/masks/feature/{}?frame={}")
    assert [line["objects"][0]["instanceURI"] for line in rows] == [
        f"http://host/masks/feature/{PREFIX}00001?frame=4",
        f"http://host/masks/feature/{PREFIX}00001?frame=5",
    ]


NUMBER = st.floats(-1000, 1000, allow_nan=False).map(lambda value: round(value, 2)) | st.integers(0, 500)
SMALL = st.integers(1, 40)


@st.composite
def clips(draw: st.DrawFn) -> dict[str, Any]:
    """Objects of every geometry and questions, in segments that may touch, with key frames in and outside of them."""
    frames: dict[int, tuple[dict[str, Any], list[Any]]] = {}
    segments: dict[int, Any] = {}
    for number in range(draw(st.integers(0, 4))):
        keys = draw(st.sets(SMALL, min_size=1, max_size=5))
        bounds = sorted(draw(st.sets(SMALL, min_size=2, max_size=6)))
        segments[number * 10] = [[first, last] for first, last in zip(bounds[::2], bounds[1::2], strict=False)]
        geometry = draw(st.sampled_from(["bounding_box", "point", "line"]))
        for key in sorted(keys):
            objects, answers = frames.setdefault(key, ({}, []))
            if number == 3:
                answers.append(radio(number * 10, draw(st.sampled_from(["a", "b"]))))
            elif geometry == "bounding_box":
                objects |= draw_object(number * 10, bounding_box={side: draw(NUMBER) for side in BOX})
            elif geometry == "point":
                objects |= draw_object(number * 10, point={"x": draw(NUMBER), "y": draw(NUMBER)})
            else:
                many = draw(st.integers(2, 3))
                objects |= draw_object(number * 10, line=[{"x": draw(NUMBER), "y": draw(NUMBER)} for _ in range(many)])
    return clip(frames, segments)


@given(clips())
def test_lines_say_what_the_interpolated_frames_of_export_v2_say(document: dict[str, Any]) -> None:
    lines_by_frame = {str(line["frameNumber"]): line for line in lines(document)}
    whole = {at: frame for at, frame in interpolate_frames(document)["frames"].items() if any(frame.values())}
    assert [*lines_by_frame] == [*whole]
    for at, frame in whole.items():
        v1 = {item["featureId"]: item for item in lines_by_frame[at]["objects"]}
        v2 = {key.replace("\x02", PREFIX): item for key, item in frame["objects"].items()}
        assert v1.keys() == v2.keys()
        for key, item in v2.items():
            geometry = {"bbox": item["bounding_box"]} if "bounding_box" in item else {}
            geometry |= {name: item[name] for name in ("point", "line") if name in item}
            assert {name: v1[key][name] for name in geometry} == geometry
            assert v1[key]["keyframe"] == (
                at in document["frames"] and f"\x02{key[-5:]}" in document["frames"][at]["objects"]
            )
        assert [item["answer"]["title"] for item in lines_by_frame[at]["classifications"]] == [
            item["radio_answer"]["name"] for item in frame["classifications"]
        ]


def test_a_body_without_frames_has_no_lines() -> None:
    others: list[dict[str, Any]] = [{"objects": [], "classifications": []}, {"groups": {}, "segments": {}}]
    for document in [clip({}, {}), *others]:
        assert not has_frames(content(document))
        assert lines(document) == []
    assert has_frames(content(clip({1: (draw_object(1, bounding_box=BOX), [])}, {1: [[1, 1]]})))


def test_a_long_clip_is_made_piece_by_piece() -> None:
    document = clip(
        {1: (draw_object(1, bounding_box=BOX), []), 50_000: (draw_object(1, bounding_box=BOX | {"top": 1.0}), [])},
        {1: [[1, 50_000]]},
    )
    sizes = [len(piece) for piece in render_frame_lines(content(document), prefix=PREFIX, terms=SchemaFacts())]
    assert len(sizes) > 50
    assert sizes[0] < 4_000  # the first is not waited for
    assert max(sizes) < 140_000
