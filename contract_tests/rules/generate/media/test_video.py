"""Clips: their annotations over time, and the file that shows the same."""

import io
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import av
import pytest

from contract_tests.rules.generate.media.times import (
    VARIANTS,
    TimedSample,
    features_in,
    names_of,
    ontology_of,
    variants,
)
from mockserver.generate.features import Ontology
from mockserver.generate.files.h264 import CELL, to_ycbcr
from mockserver.generate.files.raster import find_polygon_spans
from mockserver.generate.media.generator import get_generator
from mockserver.generate.media.video import KINDS, build_clip


@pytest.fixture(scope="module")
def samples() -> list[TimedSample]:
    return list(variants("video"))


@pytest.mark.known("client")
def test_a_body_has_the_four_keys_of_a_clip(samples: list[TimedSample]) -> None:
    for each in samples:
        assert list(each.document) == ["frames", "segments", "key_frame_feature_map", "classifications"]


@pytest.mark.known("client")
def test_a_frame_holds_objects_by_their_ids_and_a_list_of_classifications(samples: list[TimedSample]) -> None:
    for each in samples:
        for frame in each.document["frames"].values():
            assert list(frame) == ["objects", "classifications"]
            assert all(key == thing["feature_id"] for key, thing in frame["objects"].items())


@pytest.mark.known("sample")
def test_frames_count_from_one_and_come_in_their_order(samples: list[TimedSample]) -> None:
    for each in samples:
        numbers = [int(number) for number in each.document["frames"]]
        assert numbers == sorted(numbers)
        assert 1 <= numbers[0] <= numbers[-1] <= each.attributes["frame_count"]


@pytest.mark.known("sample")
def test_only_key_frames_are_there_and_a_list_names_them(samples: list[TimedSample]) -> None:
    for each in samples:
        assert list_frames_by_feature(each.document) == each.document["key_frame_feature_map"]


def list_frames_by_feature(document: dict[str, Any]) -> dict[str, list[int]]:
    """Feature id -> the frames that hold it."""
    frames: dict[str, list[int]] = {}
    for number, frame in document["frames"].items():
        answered = [feature["feature_id"] for feature in features_in(frame["classifications"])]
        for feature_id in dict.fromkeys([*frame["objects"], *answered]):
            frames.setdefault(feature_id, []).append(int(number))
    return frames


@pytest.mark.known("sample")
def test_segments_begin_with_a_key_frame_hold_all_of_them_and_leave_gaps(samples: list[TimedSample]) -> None:
    gaps = 0
    for each in samples:
        assert each.document["segments"].keys() <= each.document["key_frame_feature_map"].keys()
        for feature_id, segments in each.document["segments"].items():
            keys = each.document["key_frame_feature_map"][feature_id]
            assert {first for first, _ in segments} <= set(keys)
            assert all(any(first <= key <= last for first, last in segments) for key in keys)
            assert all(last + 1 < first for (_, last), (first, _) in pairwise(segments))
            assert segments[-1][1] <= each.attributes["frame_count"]
            gaps += len(segments) - 1
    assert gaps > 5


@pytest.mark.known("sample")
def test_the_segments_of_a_question_of_frames_are_those_of_its_answers_and_end_in_key_frames(
    samples: list[TimedSample],
) -> None:
    lasting, late = 0, 0
    for each in samples:
        segments, keys = each.document["segments"], each.document["key_frame_feature_map"]
        frames = {int(number): frame["classifications"] for number, frame in each.document["frames"].items()}
        questions = {answered["feature_id"]: answered for answers in frames.values() for answered in answers}
        for question_id, question in questions.items():
            if "text_answer" in question:  # it has no answer with an id of its own (inferred)
                assert question_id in segments
                continue
            assert question_id not in segments
            answered_questions = [
                answered for answers in frames.values() for answered in answers if answered["feature_id"] == question_id
            ]
            answers = {answer["feature_id"] for answered in answered_questions for answer in answers_in(answered)}
            assert answers <= segments.keys()
            for answer_id in answers:
                assert (
                    {end for pair in segments[answer_id] for end in pair}
                    <= set(keys[answer_id])
                    <= set(keys[question_id])
                )
                lasting += len(segments[answer_id]) > 1
                late += {pair[0] for pair in segments[answer_id]} < set(keys[question_id])
    assert lasting > 3
    assert late > 3


def answers_in(question: dict[str, Any]) -> list[dict[str, Any]]:
    return [*question.get("checklist_answers", []), *([question["radio_answer"]] if "radio_answer" in question else [])]


@pytest.mark.known("sample")
def test_what_is_answered_again_has_the_ids_that_it_had(samples: list[TimedSample]) -> None:
    for each in samples:
        ids: dict[tuple[str, ...], set[str]] = {}
        for frame in each.document["frames"].values():
            for path, feature_id in paths(frame["classifications"]):
                ids.setdefault(path, set()).add(feature_id)
        assert ids
        assert all(len(feature_ids) == 1 for feature_ids in ids.values())


def paths(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The place in the ontology of everything that is said, and the id it is said with."""
    if isinstance(value, list):
        for item in value:
            yield from paths(item, above)
    elif isinstance(value, dict):
        if "feature_id" in value:
            above = (*above, value["feature_schema_id"])
            yield above, value["feature_id"]
        for item in value.values():
            yield from paths(item, above)


@pytest.mark.known("inferred")
def test_every_tool_is_used_in_its_kind(samples: list[TimedSample]) -> None:
    things = [
        thing for each in samples for frame in each.document["frames"].values() for thing in frame["objects"].values()
    ]
    assert {thing["annotation_kind"] for thing in things} == set(KINDS.values())


def test_things_move_and_change_their_size_inside_the_picture(samples: list[TimedSample]) -> None:
    boxes: dict[tuple[int, str], list[dict[str, float]]] = {}
    for number, each in enumerate(samples):
        for frame in each.document["frames"].values():
            for feature_id, thing in frame["objects"].items():
                if box := thing.get("bounding_box"):
                    assert list(box) == ["top", "left", "height", "width"]
                    assert 0 <= box["top"] <= box["top"] + box["height"] <= each.attributes["height"]
                    assert 0 <= box["left"] <= box["left"] + box["width"] <= each.attributes["width"]
                    boxes.setdefault((number, feature_id), []).append(box)
    assert all(len({(box["top"], box["left"]) for box in way}) > 1 for way in boxes.values() if len(way) > 1)
    assert any(len({box["width"] for box in way}) > 2 for way in boxes.values())


@pytest.mark.known("documented")
def test_questions_of_frames_are_asked_in_frames_and_the_others_once(samples: list[TimedSample]) -> None:
    scopes = {question.name: question.scope for question in ontology_of("video").questions}
    seen: dict[str, set[str]] = {"index": set(), "global": set()}
    for each in samples:
        seen["global"] |= {answered["name"] for answered in each.document["classifications"]}
        for frame in each.document["frames"].values():
            seen["index"] |= {answered["name"] for answered in frame["classifications"]}
    assert seen == {scope: {name for name in scopes if scopes[name] == scope} for scope in seen}


@pytest.mark.known("client")
def test_every_annotation_is_in_the_ontology(samples: list[TimedSample]) -> None:
    known = names_of(ontology_of("video"))
    depth = 0
    for each in samples:
        for feature in features_in(each.document):
            assert (feature["feature_schema_id"], feature["name"], feature["value"]) in known
        depth += "How many" in each.variant.content.decode() or "Turn note" in each.variant.content.decode()
    assert depth > 0  # answers to questions of the third level


@pytest.mark.known("sample")
def test_a_masks_url_names_its_frame_and_its_colour_stays(samples: list[TimedSample]) -> None:
    seen = 0
    for each in samples:
        colours: dict[str, set[tuple[int, ...]]] = {}
        seen_masks = set()
        for number, frame in each.document["frames"].items():
            for feature_id, thing in frame["objects"].items():
                if mask := thing.get("composite_mask"):
                    assert mask["url"].endswith(f"/index/{number}")
                    assert list(thing)[-2:] == ["mask", "composite_mask"]
                    assert thing["mask"]["url"].endswith(f"/annotations/{feature_id}/index/{number}/mask")
                    colours.setdefault(feature_id, set()).add(tuple(mask["color_rgb"]))
                    seen_masks.add((int(number), *mask["color_rgb"]))
        assert all(len(each_colours) == 1 for each_colours in colours.values())
        assert len(set.union(set(), *colours.values())) == len(colours)
        assert seen_masks == {(mask["frame"], *mask["color_rgb"]) for mask in each.masks}
        seen += len(seen_masks)
    assert seen > 10


@pytest.mark.parametrize("number", VARIANTS[:4])
def test_the_file_has_the_frames_of_its_row(samples: list[TimedSample], number: int) -> None:
    asset, attributes = get_generator("video").build_asset(0, "video", number), samples[number].attributes
    assert list(attributes) == ["height", "width", "asset_type", "mime_type", "frame_rate", "frame_count"]
    assert asset.content_type == attributes["mime_type"] == "video/mp4"
    with av.open(io.BytesIO(asset.content), "r") as container:
        stream = container.streams.video[0]
        assert (stream.height, stream.width) == (attributes["height"], attributes["width"])
        assert stream.average_rate is not None
        assert float(stream.average_rate) == attributes["frame_rate"]
        assert sum(1 for _ in container.decode(video=0)) == attributes["frame_count"]


@pytest.mark.parametrize("number", VARIANTS[:3])
def test_the_file_shows_each_thing_where_it_is_annotated(number: int) -> None:
    clip = build_clip(0, "video", number)
    content = get_generator("video").build_asset(0, "video", number).content
    with av.open(io.BytesIO(content), "r") as container:
        for index, frame in enumerate(container.decode(video=0)):
            if outline := clip.tracks[-1].find_outline_at(index + 1):  # the last one lies over the others
                row, first, _ = find_polygon_spans([(x / CELL, y / CELL) for x, y in outline], 999, 999)[0]
                luma = frame.to_ndarray(format="yuv420p")[row * CELL, first * CELL]
                assert luma == to_ycbcr(*clip.tracks[-1].colour)[0]


def test_without_tools_and_questions_there_is_nothing_to_say() -> None:
    for each in variants("video", Ontology("o", (), ())):
        assert each.document == {"frames": {}, "segments": {}, "key_frame_feature_map": {}, "classifications": []}
        assert each.variant.aside is None


@pytest.mark.parametrize("frames", [1, 2, 7, 300])
def test_a_clip_has_the_length_requested_and_its_things_are_there_from_the_first_frame(frames: int) -> None:
    generator = get_generator(f"video?frames={frames}&first")
    for number in range(3):
        variant = generator.build_variant(0, "long", number, ontology_of("video"))
        document = json.loads(variant.content.translate(None, b"\x01\x02\x03\x05"))
        assert json.loads(variant.media_attributes)["frame_count"] == frames
        objects = {name for frame in document["frames"].values() for name in frame["objects"]}
        assert objects
        assert all(document["segments"][name][0][0] == 1 for name in objects)
        assert max(int(name) for name in document["frames"]) <= frames
    with av.open(io.BytesIO(generator.build_asset(0, "long", 0).content), "r") as film:
        assert len(list(film.decode(video=0))) == frames
