"""Annotations over time: key frames, and the segments of frames around them (shapes: payloads.md §3 Video)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.generate.annotations import Annotator
from mockserver.generate.features import Feature
from mockserver.generate.tracks import Outline, Position, Segment, Track, pick_spans

Frame = dict[str, Any]
"""`{"objects": {feature id: object}, "classifications": […]}`; nothing else, or a reader raises (payloads.md §10)."""
Geometry = Callable[[Outline, Position, Segment], dict[str, Any]]
"""The part of an object that belongs to one key frame: `{"bounding_box": …}`."""


class KeyFrames:
    """The key frames of one clip or of one plane of a volume. Frames count from 1 (sample: video exports of 2023)."""

    def __init__(self) -> None:
        self._frames: dict[int, Frame] = {}
        self.segments: dict[str, list[list[int]]] = {}
        """Feature id -> inclusive pairs."""
        self.keys: dict[str, list[int]] = {}
        """Feature id -> frames."""

    @property
    def frames(self) -> dict[str, Frame]:
        """The key frames by their number as text, in order."""
        return {str(number): self._frames[number] for number in sorted(self._frames)}

    def add_object(self, annotation: dict[str, Any], track: Track, geometry: Geometry) -> None:
        """An object along its track."""
        feature_id = annotation["feature_id"]
        for segment in track.segments:
            self.segments.setdefault(feature_id, []).append([segment.first, segment.last])
            for position in segment.keys:
                key_frame = annotation | geometry(track.find_outline(position), position, segment)
                self.add_key_frame(position.frame, key_frame)

    def add_key_frame(self, frame: int, annotation: dict[str, Any]) -> None:
        """An object in one of its key frames."""
        feature_id = annotation["feature_id"]
        self.keys.setdefault(feature_id, []).append(frame)
        self._frame(frame)["objects"][feature_id] = annotation

    def add_classification(self, annotator: Annotator, question: Feature, length: int) -> None:
        """A question that is asked of each frame, answered in one to three segments.

        It keeps its id, and so does each of its answers, which may come and go: segments are those of the answers, key
        frames those of question and answers, and the ends of segments are key frames (observed 2025-04 of a checklist;
        of other types inferred). An answer in words has no id, so there the question has the segments.
        """
        known: dict[tuple[str, ...], str] = {}
        for first, last in pick_spans(annotator.chance, length):
            answered = annotator.build_classification(question)
            reuse_ids(answered, known, ())
            for begins, part in _split_answers(answered, first, last):
                for feature_id in dict.fromkeys(list_answer_ids(part) or [part["feature_id"]]):
                    segments = self.segments.setdefault(feature_id, [])
                    if not segments or segments[-1][1] < first:
                        segments.append([begins, last])
                self.add_answers(begins, part)
            self.add_answers(last, answered)

    def add_answers(self, frame: int, answered: dict[str, Any]) -> None:
        """A key frame with a question's answers. They replace the answers that the frame had."""
        classifications = self._frame(frame)["classifications"]
        others = [known for known in classifications if known["feature_id"] != answered["feature_id"]]
        classifications[:] = [*others, answered]
        for feature_id in list_feature_ids(answered):
            keys = self.keys.setdefault(feature_id, [])
            if frame not in keys:
                keys.append(frame)

    def _frame(self, number: int) -> Frame:
        return self._frames.setdefault(number, {"objects": {}, "classifications": []})


def _split_answers(answered: dict[str, Any], first: int, last: int) -> list[tuple[int, dict[str, Any]]]:
    """The frames of a segment in which answers begin: the last of several begins half way."""
    answers = answered.get("checklist_answers", [])
    if len(answers) < 2 or last - first < 2:
        return [(first, answered)]
    return [(first, answered | {"checklist_answers": answers[:-1]}), ((first + last) // 2, answered)]


def reuse_ids(part: Any, known: dict[tuple[str, ...], str], path: tuple[str, ...]) -> None:
    """Gives every question and answer the id that it had in an earlier segment, at the same place of the ontology."""
    if isinstance(part, list):
        for item in part:
            reuse_ids(item, known, path)
    elif isinstance(part, dict):
        if "feature_id" in part:
            path = (*path, part["feature_schema_id"])
            part["feature_id"] = known.setdefault(path, part["feature_id"])
        for below in part.values():
            reuse_ids(below, known, path)


def list_feature_ids(part: Any) -> list[str]:
    """The ids of a question and of everything below it."""
    if isinstance(part, list):
        return [feature_id for item in part for feature_id in list_feature_ids(item)]
    if not isinstance(part, dict):
        return []
    own = [part["feature_id"]] if "feature_id" in part else []
    return own + [feature_id for below in part.values() for feature_id in list_feature_ids(below)]


def list_answer_ids(question: dict[str, Any]) -> list[str]:
    """The ids of a question's answers, and of the answers to the questions below them."""
    answers = [*question.get("checklist_answers", []), *filter(None, [question.get("radio_answer")])]
    below = [nested for answer in answers for nested in answer["classifications"]]
    return [answer["feature_id"] for answer in answers] + [
        feature_id for nested in below for feature_id in list_answer_ids(nested)
    ]
