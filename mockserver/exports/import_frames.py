"""The import form of annotations in frames, and what all lines share: references, names, and answers."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mockserver.exports.frames import find_masks, group_classifications, group_objects, list_answer_ids
from mockserver.generate.files.raster import Canvas
from mockserver.generate.masks import BLACK
from mockserver.generate.media.image import draw_mask
from mockserver.world.ids import random_uuid

JsonObject = dict[str, Any]
Timed = list[tuple[JsonObject, list[list[int]]]]
"""A question as it was answered, and the ranges of each answer."""


class Reference(NamedTuple):
    """The data row of all lines, as `{"id": …}` or `{"globalKey": …}`. Features are named by their ids, or
    `by_name`. `mapping` has other ids for some of them."""

    data_row: Mapping[str, str]
    by_name: bool = False
    mapping: Mapping[str, str] = {}

    def uuid(self, feature_id: str) -> str:
        """The `uuid` of an object's line: the same for each feature."""
        return random_uuid("import line", feature_id)

    def start(self, item: JsonObject) -> JsonObject:
        """The first keys of a line."""
        return {"uuid": self.uuid(item["feature_id"]), "dataRow": dict(self.data_row)}

    def name(self, item: JsonObject) -> JsonObject:
        """The key that names a feature of the ontology."""
        if self.by_name:
            return {"name": item["name"]}
        schema_id = item["feature_schema_id"]
        return {"schemaId": self.mapping.get(schema_id, schema_id)}


def render_question(item: JsonObject, reference: Reference) -> JsonObject:
    """A question with its answer, nested or at the top of a line."""
    question = reference.name(item)
    if "message_id" in item:
        question["messageId"] = item["message_id"]
    for start in ("", "conversational_"):
        if text := item.get(f"{start}text_answer"):
            return question | {"answer": text["content"]}
        if radio := item.get(f"{start}radio_answer"):
            return question | {"answer": _render_answer(radio, reference)}
        if answers := item.get(f"{start}checklist_answers"):
            return question | {"answer": [_render_answer(answer, reference) for answer in answers]}
    return question | {"answer": ""}


def _render_answer(answer: JsonObject, reference: Reference) -> JsonObject:
    below = [render_question(item, reference) for item in answer["classifications"]]
    return reference.name(answer) | ({"classifications": below} if below else {})


def read_chosen(timed: Timed, reference: Reference) -> list[JsonObject]:
    """The answers of a question with their ranges. One that is given again is named again: the order of answers may
    differ."""
    return [
        answer | {"frames": [{"start": first, "end": last} for first, last in ranges]}
        for question, ranges in timed
        for answer in _list_answers(question, reference)
    ]


def _list_answers(question: JsonObject, reference: Reference) -> list[JsonObject]:
    if text := question.get("text_answer"):
        return [{"value": text["content"]}]
    answers = [*question.get("checklist_answers", ()), *filter(None, [question.get("radio_answer")])]
    return [_render_answer(answer, reference) for answer in answers]


def iterate_framed_lines(
    annotations: JsonObject, reference: Reference, aside: Mapping[str, Any], size: tuple[int, int] | None
) -> Iterator[JsonObject]:
    """Yields the lines of a clip, or those of the planes of a volume."""
    if "groups" not in annotations:
        sheet = FrameSheet(annotations["frames"], annotations["segments"], reference, {})
        yield from sheet.iterate_lines(aside.get("masks", []), size)
        return
    for plane, group in annotations["groups"].items():
        key = {"groupKey": plane.lower()}
        sheet = FrameSheet(group["frames"], annotations["segments"].get(plane, {}), reference, key)
        masks = [mask for mask in aside.get("masks", []) if mask.get("plane") == plane]
        facts = aside.get("planes", {}).get(plane)
        yield from sheet.iterate_lines(masks, tuple(facts["size"]) if facts else size)


class FrameSheet(NamedTuple):
    """The key frames of a clip or of a plane. `more` are keys of all its lines."""

    frames: JsonObject
    segments: Mapping[str, list[list[int]]]
    reference: Reference
    more: JsonObject

    def iterate_lines(self, masks: list[JsonObject], size: tuple[int, int] | None) -> Iterator[JsonObject]:
        """Yields objects, masks together, and questions, each in the order of their ids."""
        objects = group_objects(self.frames)
        painted = {feature for feature, keys in objects.items() if "composite_mask" in next(iter(keys.values()))}
        for feature_id in sorted(objects.keys() - painted):
            if line := self._render_object(objects[feature_id]):
                yield line
        if painted:
            features = [next(iter(objects[feature_id].values())) for feature_id in sorted(painted)]
            yield self._render_masks(features, masks, size)
        questions = group_classifications(self.frames)
        for question_id in sorted(questions):
            yield self._render_timeline(questions[question_id])

    def _start(self, item: JsonObject) -> JsonObject:
        return self.reference.start(item) | self.reference.name(item) | self.more

    def _render_object(self, keys: Mapping[int, JsonObject]) -> JsonObject | None:
        """A segment without a key frame cannot be imported, and one ends with its last key frame."""
        item = next(iter(keys.values()))
        segments = []
        for first, last in self.segments.get(item["feature_id"], []):
            inside = [number for number in sorted(keys) if first <= number <= last]
            if inside:
                rest = [] if inside[-1] == last else [last]
                key_frames = [self._render_key_frame(number, keys[number]) for number in inside]
                key_frames += [self._render_key_frame(number, keys[inside[-1]]) for number in rest]
                segments.append({"keyframes": key_frames})
        return self._start(item) | {"segments": segments} if segments else None

    def _render_key_frame(self, number: int, item: JsonObject) -> JsonObject:
        geometry = {
            key: item[name]
            for name, key in (("bounding_box", "bbox"), ("line", "line"), ("point", "point"))
            if name in item
        }
        questions = [render_question(below, self.reference) for below in item["classifications"]]
        return {"frame": number} | geometry | ({"classifications": questions} if questions else {})

    def _render_masks(
        self, features: list[JsonObject], masks: list[JsonObject], size: tuple[int, int] | None
    ) -> JsonObject:
        """Every frame that shows a mask, as a picture or by the URL of its composite mask."""
        numbers = sorted(
            {
                number
                for item in features
                for first, last in self.segments.get(item["feature_id"], [])
                for number in range(first, last + 1)
            }
        )
        urls = dict(self._list_urls(features))
        frames = [
            {"index": number}
            | ({"imBytes": _draw(masks, number, size)} if masks and size else {"instanceURI": urls.get(number, "")})
            for number in numbers
            if (masks and size) or number in urls
        ]
        instances = [{"colorRGB": item["composite_mask"]["color_rgb"]} | self.reference.name(item) for item in features]
        return (
            {"dataRow": dict(self.reference.data_row)}
            | self.more
            | {"masks": {"frames": frames, "instances": instances}}
        )

    def _list_urls(self, features: list[JsonObject]) -> Iterator[tuple[int, str]]:
        wanted = {item["feature_id"] for item in features}
        for number, frame in self.frames.items():
            for feature_id, item in frame["objects"].items():
                if feature_id in wanted:
                    yield int(number), item["composite_mask"]["url"]

    def _render_timeline(self, keys: Mapping[int, JsonObject]) -> JsonObject:
        """The answers in their segments; those of a text are of the question."""
        item = next(iter(keys.values()))
        timed: Timed = []
        for number in sorted(keys):
            for part in _split_answers(keys[number]):
                names = list(list_answer_ids(part)) or [part["feature_id"]]
                ranges = [pair for pair in self.segments.get(names[0], []) if pair[0] == number]
                if ranges:
                    timed.append((part, ranges))
        return self._start(item) | {"answer": read_chosen(timed, self.reference)}


def _split_answers(question: JsonObject) -> Iterator[JsonObject]:
    """Yields the question with each of its answers alone."""
    answers = question.get("checklist_answers")
    if answers is None:
        yield question
        return
    for answer in answers:
        yield question | {"checklist_answers": [answer]}


def _draw(masks: list[JsonObject], number: int, size: tuple[int, int]) -> str:
    canvas = Canvas(*size, BLACK)
    for mask in find_masks(masks, number):
        red, green, blue = mask["color_rgb"]
        draw_mask(canvas, mask, (red, green, blue))
    return base64.b64encode(canvas.png_rgb()).decode()
