"""Frames between key frames: `interpolated_frames` of an export, and the masks of any frame (payloads.md §3 Video).

Between two key frames numbers lie on a straight line (SDK tests: contiguous frames, a box that moves steadily). Other
values stay the same from one key frame to the next: answers, colours, lines whose count of points changes
(points and corners of masks: inferred). Before the first and after the last key frame of a segment a feature does not
move.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from mockserver.exports.steps import Document
from mockserver.world.records.labels import PIXEL_GEOMETRIES

Frames = dict[str, Any]
"""Frame number as text -> `{"objects": {…}, "classifications": […]}`."""
Segments = dict[str, list[list[int]]]
"""Feature id -> inclusive pairs of frame numbers."""
Keys = dict[int, dict[str, Any]]
"""One feature in its key frames."""

OBJECTS, CLASSIFICATIONS = "objects", "classifications"
INDEX = "/index/"
"""The part of a mask's URL in front of the frame number."""
DECIMALS = 3
NUMBERS = frozenset({int, float})
ONLY_PICTURE = 1
"""The index of a mask whose data row is not a clip."""


def interpolate_frames(document: Document) -> Document:
    """Adds every frame of every segment to a body. Bodies without frames stay as they are; so do sounds, which have
    timestamps and no frames."""
    if "groups" in document:
        groups = {
            name: _fill_group(group, document["segments"].get(name, {})) for name, group in document["groups"].items()
        }
        return document | {"groups": groups}
    if "frames" in document:
        return document | {"frames": fill_frames(document["frames"], document["segments"])}
    return document


def _fill_group(group: dict[str, Any], segments: Segments) -> dict[str, Any]:
    return group | {"frames": fill_frames(group["frames"], segments)}


def fill_frames(frames: Frames, segments: Segments) -> Frames:
    """The key frames, unchanged, and all frames between them. A feature without key frames is in no frame."""
    whole = {int(number): frame | create_frame() for number, frame in frames.items()}
    for feature_id, keys in sort_features(group_objects(frames), segments):
        for number, feature in iterate_frames(keys, segments.get(feature_id, [])):
            whole.setdefault(number, create_frame())[OBJECTS][feature_id] = feature
    questions = group_classifications(frames)
    question_segments = find_question_segments(questions, segments)
    for feature_id, keys in sort_features(questions, question_segments):
        for number, feature in iterate_frames(keys, question_segments.get(feature_id, [])):
            whole.setdefault(number, create_frame())[CLASSIFICATIONS].append(feature)
    return {str(number): whole[number] for number in sorted(whole)}


def sort_features(features: dict[str, Keys], segments: Segments) -> list[tuple[str, Keys]]:
    """Features in the order of the segments, which is the same in every frame; then features without a segment."""
    ranks = {feature_id: rank for rank, feature_id in enumerate(segments)}
    return sorted(features.items(), key=lambda item: ranks.get(item[0], len(ranks)))


def create_frame() -> dict[str, Any]:
    return {OBJECTS: {}, CLASSIFICATIONS: []}


def group_objects(frames: Frames) -> dict[str, Keys]:
    """Each object in its key frames."""
    objects: defaultdict[str, Keys] = defaultdict(dict)
    for number, frame in frames.items():
        for feature_id, feature in frame[OBJECTS].items():
            objects[feature_id][int(number)] = feature
    return objects


def group_classifications(frames: Frames) -> dict[str, Keys]:
    """Each question about frames, in its key frames."""
    questions: defaultdict[str, Keys] = defaultdict(dict)
    for number, frame in frames.items():
        for question in frame[CLASSIFICATIONS]:
            questions[question["feature_id"]][int(number)] = question
    return questions


def find_question_segments(questions: dict[str, Keys], segments: Segments) -> Segments:
    """The segments of each question: its own and those of its answers (observed 2025-04: the answers).

    Questions are in the order of the segments, which is the same in every frame.
    """
    names = {
        question_id: {question_id, *(name for question in keys.values() for name in list_answer_ids(question))}
        for question_id, keys in questions.items()
    }
    owners = {name: question_id for question_id, mine in names.items() for name in mine}
    pairs: defaultdict[str, list[list[int]]] = defaultdict(list)
    for name, segment in segments.items():
        if name in owners:
            pairs[owners[name]] += segment
    return {question_id: merge_segments(sorted(own)) for question_id, own in pairs.items() if own}


def list_answer_ids(question: dict[str, Any]) -> Iterator[str]:
    """Yields the ids of a question's answers."""
    for answer in (*question.get("checklist_answers", ()), *filter(None, [question.get("radio_answer")])):
        yield answer["feature_id"]


def merge_segments(pairs: list[list[int]]) -> list[list[int]]:
    """The segments with overlapping ones joined. `pairs` are sorted."""
    whole = [list(pairs[0])]
    for first, last in pairs[1:]:
        if first <= whole[-1][1]:
            whole[-1][1] = max(whole[-1][1], last)
        else:
            whole.append([first, last])
    return whole


def find_object(document: Document, feature_id: str, number: int) -> dict[str, Any] | None:
    """An object of a clip or volume in one frame; None if it is not in that frame."""
    for group, tracked in document.get("groups", {"": document}).items():
        keys = group_objects(tracked["frames"]).get(feature_id)
        if not keys:
            continue
        if number in keys:
            return keys[number]
        segments = document["segments"].get(group, {}) if group else document["segments"]
        for first, last in segments.get(feature_id, []):
            inside = [key for key in sorted(keys) if first <= key <= last]
            if inside and first <= number <= last:
                return interpolate_feature(keys, inside, number)
    return None


def iterate_frames(keys: Keys, segments: list[list[int]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields a feature in its key frames and in the other frames of its segments."""
    yield from keys.items()
    done, numbers = set(keys), sorted(keys)
    for first, last in segments:
        inside = numbers[bisect_left(numbers, first) : bisect_right(numbers, last)]
        for number in range(first, last + 1) if inside else ():
            if number not in done:
                done.add(number)
                yield number, interpolate_feature(keys, inside, number)


def interpolate_feature(keys: Keys, inside: list[int], number: int) -> dict[str, Any]:
    """The feature in one frame; `inside` are the key frames of its segment."""
    before, after, share = find_key_frames(inside, number)
    start, end = keys[before], keys[after]
    feature = dict(start)
    for geometry in PIXEL_GEOMETRIES if share else ():
        if geometry in start and geometry in end:
            feature[geometry] = interpolate(start[geometry], end[geometry], share)
    for key, ending in (("mask", "/mask"), ("composite_mask", "")):
        if mask := start.get(key):
            feature[key] = mask | {"url": f"{mask['url'].rpartition(INDEX)[0]}{INDEX}{number}{ending}"}
    return feature


def find_key_frames(inside: list[int], number: int) -> tuple[int, int, float]:
    """The key frames before and after a frame, and its position between them (0 to 1). At the ends of a segment both
    are the same."""
    at = bisect_right(inside, number)
    before, after = inside[max(at - 1, 0)], inside[min(at, len(inside) - 1)]
    return before, after, (number - before) / (after - before) if before < number < after else 0.0


def interpolate(start: Any, end: Any, share: float) -> Any:
    """The value at `share` (0 to 1) of the way. Values that cannot be compared stay as at the start.

    Compares exact types, because this is called for every number of every frame: true is no number, and JSON has no
    other types.
    """
    kind = type(start)
    if kind in NUMBERS and type(end) in NUMBERS:
        low, high = (start, end) if start <= end else (end, start)
        moved = round(start + (end - start) * share, DECIMALS)
        return low if moved < low else min(moved, high)
    if kind is dict and type(end) is dict and start.keys() == end.keys():
        return {key: interpolate(value, end[key], share) for key, value in start.items()}
    if kind is list and type(end) is list and len(start) == len(end):
        return [interpolate(one, other, share) for one, other in zip(start, end, strict=True)]
    return start


def find_masks(masks: list[dict[str, Any]], index: int) -> list[dict[str, Any]]:
    """The masks in a composite mask's picture of this index (world/records/labels.py, `aside`)."""
    still = [mask for mask in masks if "frame" not in mask and index == ONLY_PICTURE]
    tracked: defaultdict[tuple[int, ...], Keys] = defaultdict(dict)
    for mask in masks:
        if "frame" in mask:
            first, last = mask.get("segment", [mask["frame"]] * 2)
            if first <= index <= last:
                tracked[(*mask["color_rgb"], first, last)][mask["frame"]] = mask
    return still + [interpolate_mask(keys, index) for keys in tracked.values()]


def interpolate_mask(keys: Keys, index: int) -> dict[str, Any]:
    """One feature's mask in a frame of its segment."""
    before, after, share = find_key_frames(sorted(keys), index)
    start = keys[before]
    if "spans" in start:  # imported pixels do not move
        return start
    return start | {"polygons": interpolate(start["polygons"], keys[after]["polygons"], share)}
