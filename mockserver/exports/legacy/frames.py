"""The frames of a video or DICOM label in Export V1: one line of NDJSON for each labelled frame.

Every frame of every segment has its line, key frame or not (sample: 100 lines for a clip of 100 frames). Lines are
built one after another from the key frames, so that a clip of 100,000 frames takes no more memory than a short one. The
frames between key frames are those of Export V2 (exports/frames.py); a test compares both. Numbers are written as
JavaScript writes them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise, repeat
from typing import Any, NamedTuple

import orjson

from mockserver.exports.frames import (
    DECIMALS,
    Keys,
    Segments,
    find_question_segments,
    group_classifications,
    group_objects,
    interpolate,
    sort_features,
)
from mockserver.exports.legacy import features
from mockserver.exports.legacy.numbers import to_javascript
from mockserver.exports.legacy.schema_facts import SchemaFacts
from mockserver.exports.text import escape_non_ascii
from mockserver.world.records.labels import FEATURES, HOST, PIXEL_GEOMETRIES, PROJECT, TASK

PIECE = 128 * 1024
"""Bytes of whole lines in one chunk."""
FIRST_PIECE = 2 * 1024
"""Bytes of the first chunk, which is sent immediately."""

JsonObject = dict[str, Any]


class Run(NamedTuple):
    """One feature from the first to the last frame of one segment: its JSON text for each of these frames."""

    first: int
    last: int
    order: int
    texts: Iterator[str]
    is_object: bool


def render_frame_lines(content: bytes, *, prefix: str, terms: SchemaFacts, mask: str | None = None) -> Iterator[bytes]:
    """Chunks of whole lines, ASCII only, from a canonical body; none for a body without frames.

    `prefix` is the label's feature prefix, `terms` are those of its ontology, `mask` is a URL with a place for a
    feature id and one for a frame number: the URL of an object's mask (inferred: samples of frames have no masks).
    """
    filled = content.replace(FEATURES, prefix.encode()).replace(HOST, b"").replace(TASK, b"").replace(PROJECT, b"")
    document: JsonObject = orjson.loads(filled)
    if "groups" not in document:
        yield from _lines(document.get("frames", {}), document.get("segments", {}), "", terms, mask)
        return
    for name, group in document["groups"].items():
        # Lines of DICOM carry relationships, those of video do not (sample of each).
        ending = ',"relationships":[]'
        yield from _lines(group["frames"], document["segments"].get(name, {}), ending, terms, mask)


def has_frames(content: bytes) -> bool:
    """Whether a body has any labelled frame."""
    return next(render_frame_lines(content, prefix="", terms=SchemaFacts()), None) is not None


def _lines(
    frames: JsonObject, segments: Segments, ending: str, terms: SchemaFacts, mask: str | None
) -> Iterator[bytes]:
    """The lines of one clip, or of one axis of a volume."""
    runs = list(_runs(frames, segments, terms, mask))
    runs.sort(key=lambda run: (run.first, run.order))
    piece: list[str] = []
    size, enough = 0, FIRST_PIECE
    for line in _merge_runs(runs, ending):
        piece.append(line)
        size += len(line)
        if size >= enough:
            yield "".join(piece).encode("ascii")
            piece.clear()
            size, enough = 0, PIECE
    if piece:
        yield "".join(piece).encode("ascii")


def _merge_runs(runs: list[Run], ending: str) -> Iterator[str]:
    """Yields one line for each frame, with the features that are shown in it."""
    waiting = iter([*runs, None])
    following = next(waiting)
    active: list[Run] = []
    number = 0
    while active or following is not None:
        if not active:
            assert following is not None, "the loop ends when nothing is left"
            number = following.first
        while following is not None and following.first == number:
            active.append(following)
            active.sort(key=lambda run: run.order)
            following = next(waiting)
        stop = min(run.last for run in active) + 1
        if following is not None:
            stop = min(stop, following.first)
        objects = [run.texts for run in active if run.is_object]
        answers = [run.texts for run in active if not run.is_object]
        for at in range(number, stop):
            yield (
                f'{{"frameNumber":{at},"classifications":[{",".join(map(next, answers))}],'
                f'"objects":[{",".join(map(next, objects))}]{ending}}}\n'
            )
        number = stop
        active = [run for run in active if run.last >= number]


def _runs(frames: JsonObject, segments: Segments, terms: SchemaFacts, mask: str | None) -> Iterator[Run]:
    """Every range of frames in which a feature is shown, and its texts there."""
    order = 0
    questions = group_classifications(frames)
    for is_object, features_by_id in ((True, group_objects(frames)), (False, questions)):
        segments = segments if is_object else find_question_segments(questions, segments)
        for feature_id, keys in sort_features(features_by_id, segments):
            order += 1
            numbers = sorted(keys)
            for first, last in _ranges(numbers, _segments_of(feature_id, keys, segments)):
                inside = numbers[bisect_left(numbers, first) : bisect_right(numbers, last)]
                texts = (
                    _objects(keys, inside, first, last, terms, mask)
                    if is_object
                    else _answers(keys, inside, first, last, terms)
                )
                yield Run(first, last, order, texts, is_object)


def _segments_of(feature_id: str, keys: Keys, segments: Segments) -> list[list[int]]:
    """The segments of a feature. A question that has none of its own is shown while one of its answers is."""
    if feature_id in segments:
        return segments[feature_id]
    answers = {answer["feature_id"] for question in keys.values() for answer in answers_of(question)}
    joined: list[list[int]] = []
    for first, last in sorted(pair for answer in answers for pair in segments.get(answer, [])):
        if joined and first <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return joined


def answers_of(question: JsonObject) -> list[JsonObject]:
    """The answers of a question that are features."""
    radio = question.get("radio_answer")
    chosen: list[JsonObject] = question.get("checklist_answers", [] if radio is None else [radio])
    return chosen


def _ranges(numbers: list[int], segments: list[list[int]]) -> Iterator[tuple[int, int]]:
    """Segments that have a key frame, and key frames that have no segment. None begins in another."""
    done = 0
    for first, last in sorted(segments):
        start = max(first, done + 1)
        if bisect_left(numbers, start) < bisect_right(numbers, last):
            yield start, last
            done = last
    for number in numbers:
        if not any(first <= number <= last for first, last in segments):
            yield number, number


def _split_at_keys(inside: list[int], first: int, last: int) -> Iterator[tuple[int, int, int, int]]:
    """(key frame before, key frame after, first and last frame) from one key frame to the next. Before the first and
    after the last the feature rests."""
    if first < inside[0]:
        yield inside[0], inside[0], first, inside[0] - 1
    for before, after in pairwise(inside):
        yield before, after, before, after - 1
    yield inside[-1], inside[-1], inside[-1], last


def _answers(keys: Keys, inside: list[int], first: int, last: int, terms: SchemaFacts) -> Iterator[str]:
    """A question's texts. Every answer that is a feature says whether this is its key frame (SDK classification.py)."""
    for key, _, start, end in _split_at_keys(inside, first, last):
        for number in range(start, end + 1):
            if number - start < 2:  # the first may be a key frame, the others are not
                items = features.flatten_question(keys[key], terms, keyframe=number == key)
                text = ",".join(_json(item) for item in items)
            yield text


def _objects(
    keys: Keys, inside: list[int], first: int, last: int, terms: SchemaFacts, mask: str | None
) -> Iterator[str]:
    for before, after, start, end in _split_at_keys(inside, first, last):
        item = keys[before]
        head = _json(_build_start(item, terms))[:-1] + ',"keyframe":'
        below = features.build_classifications(item.get("classifications", []), terms)
        tail = f',"classifications":{_json(below)}}}'
        drawn = _json(features.build_geometry(item, {}))[1:-1]
        if not drawn:
            for number in range(start, end + 1):
                uri = "" if mask is None else f',"instanceURI":{_json(mask.format(item["feature_id"], number))}'
                yield f"{head}{'true' if number == before else 'false'}{uri}{tail}"
            continue
        if start == before:
            yield f"{head}true,{drawn}{tail}"
        if before + 1 < after:
            yield from _interpolate_object(item, keys[after], after - before, f"{head}false,", tail)
        elif before == after:
            yield from repeat(f"{head}false,{drawn}{tail}", end - start + (start != before))


def _build_start(item: JsonObject, terms: SchemaFacts) -> JsonObject:
    """The first keys of an object, in the order of the sample of frames, which differs from that of pictures."""
    return features.build_feature(item) | {"color": terms.colours.get(item.get("feature_schema_id") or "")}


def _interpolate_object(start: JsonObject, end: JsonObject, length: int, head: str, tail: str) -> Iterator[str]:
    """The object's texts between two key frames at a distance of `length`."""
    name = next((name for name in PIXEL_GEOMETRIES if name in start and name in end), None)
    if name is None or start[name] == end[name]:
        yield from repeat(f"{head}{_json(features.build_geometry(start, {}))[1:-1]}{tail}", length - 1)
    elif name == "bounding_box":
        yield from _interpolate_box(start[name], end[name], length, head, tail)
    else:
        for step in range(1, length):
            item = start | {name: interpolate(start[name], end[name], step / length)}
            yield f"{head}{_json(features.build_geometry(item, {}))[1:-1]}{tail}"


def _interpolate_box(start: JsonObject, end: JsonObject, length: int, head: str, tail: str) -> Iterator[str]:
    """The same for boxes, side by side at a time: almost all frames of almost all clips are boxes."""
    shares = [step / length for step in range(1, length)]
    tops, lefts, heights, widths = (_way(start[side], end[side], shares) for side in ("top", "left", "height", "width"))
    for top, left, height, width in zip(tops, lefts, heights, widths, strict=True):
        yield f'{head}"bbox":{{"top":{top},"left":{left},"height":{height},"width":{width}}}{tail}'


def _way(start: float, end: float, shares: list[float]) -> list[str]:
    """One number on its way, written. Encoded together, which takes a fifth of the time of one by one."""
    if start == end:
        return [_json(to_javascript(start))] * len(shares)
    low, high, whole = min(start, end), max(start, end), end - start
    way = [round(start + whole * share, DECIMALS) for share in shares]
    if round(low, DECIMALS) != low or round(high, DECIMALS) != high:  # rounding may leave the way
        way = [min(max(number, low), high) for number in way]
    if min(way) < 1 and max(way) > -1:  # small numbers and -0.0 need more than their end cut off
        return _json(to_javascript(way))[1:-1].split(",")
    return _json(way)[:-1].replace(".0,", ",").removesuffix(".0")[1:].split(",")


def _json(value: Any) -> str:
    return escape_non_ascii(orjson.dumps(value).decode())
