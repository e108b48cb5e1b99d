"""Annotations over time: key frames, and the stretches of frames they stand for (shapes: payloads.md §3 Video)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.generate.annotations import Annotator
from mockserver.generate.features import Feature
from mockserver.generate.tracks import Outline, Place, Stretch, Track, key_frames, spans

Frame = dict[str, Any]
"""`{"objects": {feature id: object}, "classifications": […]}`; nothing else, or a reader raises (payloads.md §10)."""
Geometry = Callable[[Outline, Place, Stretch], dict[str, Any]]
"""What an object has in a key frame and not in another: `{"bounding_box": …}`."""


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
        """By frame number as text, in their order."""
        return {str(number): self._frames[number] for number in sorted(self._frames)}

    def add_object(self, made: dict[str, Any], track: Track, geometry: Geometry) -> None:
        """An object along its track."""
        feature_id = made["feature_id"]
        for stretch in track.stretches:
            self.segments.setdefault(feature_id, []).append([stretch.first, stretch.last])
            for place in stretch.keys:
                self.keys.setdefault(feature_id, []).append(place.frame)
                shown = made | geometry(track.outline(place), place, stretch)
                self._frame(place.frame)["objects"][feature_id] = shown

    def add_classification(self, annotator: Annotator, question: Feature, length: int) -> None:
        """A question that is asked of each frame: in each key frame another answer, which holds until the next."""
        feature_id = annotator.feature(question)["feature_id"]
        for first, last in spans(annotator.chance, length):
            self.segments.setdefault(feature_id, []).append([first, last])
            for frame in key_frames(annotator.chance, first, last)[:2]:
                self.keys.setdefault(feature_id, []).append(frame)
                answered = annotator.classification(question) | {"feature_id": feature_id}
                self._frame(frame)["classifications"].append(answered)

    def _frame(self, number: int) -> Frame:
        return self._frames.setdefault(number, {"objects": {}, "classifications": []})
