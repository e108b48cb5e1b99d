"""Draws one example of a payload, for the strategies.

The schemas define the keys; the parts that must be consistent with each other (spans, boxes, frames) are drawn by
methods of their own, named after the schema's block.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from mockserver.testing.consistency import index_masks
from mockserver.testing.values import Json, SchemaPart, ValueGenerator

DEEPEST = 4
"""The depth at which classifications within answers end."""
FRAMES, MOST_PAGES = 300, 1000
V2_BLOCKS = "blocks"
FRAMED_LABELS = ("video_label", "dicom_label")
"""The V1 labels that lead to frames, unless they were skipped."""


class PayloadGenerator(ValueGenerator):
    """Draws payloads whose parts are consistent with each other."""

    def __init__(self, draw: DrawFn, presence: Mapping[str, bool]) -> None:
        super().__init__(draw, presence)
        self._depth = 0
        self._joinable: list[str] = []
        self._messages: list[str] = []
        self._skipped = False
        self.width = self.height = 4096.0
        self.frame_count = FRAMES

    def attributes(self, place: SchemaPart) -> Json:
        """Draws media attributes, and keeps their sizes: boxes are within them."""
        value: Json = self.draw(place)
        self.width, self.height = float(value.get("width", self.width)), float(value.get("height", self.height))
        self.frame_count = value.get("frame_count", self.frame_count)
        self._messages = value.get("labelable_ids", [])
        return value

    def page(self, place: SchemaPart) -> int:
        """Counted from 0."""
        return self._draw(st.integers(0, MOST_PAGES - 1))

    def message(self, place: SchemaPart) -> Any:
        """Chooses one of the messages that may be labelled, if the row lists them."""
        return self.choose(self._messages) if self._messages else self.draw(place)

    def draw_below(self, limit: float) -> float:
        return self._draw(st.floats(0, limit, allow_nan=False, allow_subnormal=False))

    def point(self) -> Json:
        return {"x": self.draw_below(self.width), "y": self.draw_below(self.height)}

    def box(self) -> Json:
        top, left = self.draw_below(self.height), self.draw_below(self.width)
        height, width = self.draw_below(self.height - top), self.draw_below(self.width - left)
        return {"top": top, "left": left, "height": height, "width": width}

    def box_in_points(self) -> Json:
        """A box on a page, with its unit."""
        return self.box() | {"unit": "points"}

    def position(self) -> list[float]:
        return [self.draw_below(360) - 180, self.draw_below(180) - 90]

    def coordinates(self, place: SchemaPart) -> list[Any]:
        """Draws closed rings; that of a rectangle has its corners in the order of the documentation."""
        rings: list[Any] = self.draw(place)
        for ring in rings:
            if isinstance(ring, list) and isinstance(ring[0], list):
                if place.schema["items"].get("maxItems"):
                    (left, bottom), (right, top) = ring[:2]
                    ring[:4] = [[left, bottom], [left, top], [right, top], [right, bottom]]
                ring[-1] = list(ring[0])
        return rings

    def objects(self, place: SchemaPart) -> Any:
        """Draws objects, and keeps their ids: relationships join them."""
        items = self.draw(place)
        if isinstance(items, list):
            self._joinable = [item.get("feature_id") or item["featureId"] for item in items]
        return items

    def relationships(self, place: SchemaPart) -> list[Any]:
        """Draws relationships that each join two of the label's objects."""
        items: list[Any] = self.draw(place) if len(self._joinable) > 1 else []
        for item in items:
            first = self._draw(st.integers(0, len(self._joinable) - 2))
            ends = item["data"] if "data" in item else item["unidirectional_relationship"]
            names = [name for name in ends if name != "label"]  # source and target, in the words of each version
            ends |= zip(names, self._joinable[first : first + 2], strict=True)
        return items

    def predictions(self, place: SchemaPart) -> list[Any]:
        """Draws predictions, which alone have a confidence."""
        self._predicting = True
        value: list[Any] = self.draw(place)
        self._predicting = False
        return value

    def label_text(self, place: SchemaPart) -> Any:
        """A V1 label as webhooks have it; the label of a relationship is any text."""
        if place.file != "webhook-v1":
            return self.draw(place)
        return json.dumps(self.block("v1-label", "image_label"))

    def legacy_label(self, place: SchemaPart) -> Json:
        """Draws a V1 label. It is skipped if a clip has no frames, or another label no key."""
        value: Json = self.draw(place)
        target = self._resolve(place)
        has_frames = target is not None and target.schema.get("$ref", "").endswith(FRAMED_LABELS)
        self._skipped = "frames" not in value if has_frames else not value
        return value

    def ring(self, place: SchemaPart) -> list[Any]:
        """Draws a ring; in Export V2 its first point is repeated at the end, in V1 not."""
        if place.file != V2_BLOCKS:
            return self._list(place)
        points = self._list(place)[:-1]
        return [*points, points[0]]

    def classifications(self, place: SchemaPart) -> list[Any]:
        if self._depth >= DEEPEST:
            return []
        self._depth += 1
        value = self.draw(place)
        self._depth -= 1
        assert isinstance(value, list), "classifications are always a list"
        return value

    def history(self, place: SchemaPart, *, moment: str = "created_at") -> list[Any]:
        """Draws a history, newest entry first."""
        return sorted(self.draw(place), key=lambda move: str(move[moment]), reverse=True)

    def label(self, place: SchemaPart) -> Json:
        """Draws a label; a skipped one has no annotations."""
        value = self.object(place, without=frozenset({"annotations"}))
        self._emptied = value.get("performance_details", {}).get("skipped", False)
        value["annotations"] = self.draw(self.shape(place).keys["annotations"])
        self._emptied = False
        if details := value.get("label_details"):
            _date_content(details, value["annotations"])
        return value

    def clip(self, frame: SchemaPart) -> tuple[Json, Json, Json]:
        """Draws frames by number, and segments and key frames by feature id, of the same features."""
        objects = self._parts(frame)["objects"]
        one = SchemaPart(next(iter(objects.schema["patternProperties"].values())), objects.file)
        frames: dict[int, Json] = {}
        segments: Json = {}
        keys: Json = {}

        def add_object() -> None:
            kind = self._kind(one)
            feature = self.draw(kind)
            name = feature["feature_id"]
            segments[name] = self._segments()
            keys[name] = sorted({number for pair in segments[name] for number in pair})
            for number in keys[name]:
                moved = self._frame(frames, number)["objects"][name] = self._move(feature, kind)
                index_masks(moved, number)

        def add_answer() -> None:
            value = self.draw(SchemaPart(self._parts(frame)["classifications"].schema["items"], frame.file))
            number = self._draw(st.integers(1, self.frame_count))
            segments[value["feature_id"]], keys[value["feature_id"]] = [[number, number]], [number]
            self._frame(frames, number)["classifications"].append(value)

        most = 0 if self._emptied else 3
        self._several(add_object, 0, most)
        self._several(add_answer, 0, most)
        return {str(number): frames[number] for number in sorted(frames)}, segments, keys

    def _parts(self, place: SchemaPart) -> dict[str, SchemaPart]:
        return self.shape(place).keys

    def _kind(self, place: SchemaPart) -> SchemaPart:
        """Chooses one of the kinds of object that are allowed."""
        target = self._resolve(place)
        assert target is not None, "an object's schema is a reference"
        return SchemaPart(self.choose(target.schema["anyOf"]), target.file) if "anyOf" in target.schema else target

    def _segments(self) -> list[list[int]]:
        """First and last frames of segments, in order and without overlap."""
        numbers = st.lists(st.integers(1, self.frame_count), min_size=1, max_size=4, unique=True)
        ends = sorted(self._draw(numbers))
        pairs = [ends[index : index + 2] for index in range(0, len(ends), 2)]
        return [[pair[0], pair[-1]] for pair in pairs]

    def _frame(self, frames: dict[int, Json], number: int) -> Json:
        return frames.setdefault(number, {"objects": {}, "classifications": []})

    def _move(self, feature: Json, kind: SchemaPart) -> Json:
        """The same feature in another place: only its geometry is drawn again."""
        common = ("feature_id", "feature_schema_id", "name", "value", "annotation_kind", "classifications")
        geometry = {key: self._value(key, self._parts(kind)[key]) for key in feature if key not in common}
        return {key: geometry.get(key, part) for key, part in feature.items()}

    def video(self, place: SchemaPart) -> Json:
        target = self._resolve(place)
        assert target is not None, "annotations are a reference"
        parts = self._parts(target)
        [frame] = parts["frames"].schema["patternProperties"].values()
        frames, segments, keys = self.clip(SchemaPart(frame, target.file))
        answers = self.classifications(parts["classifications"])
        return {"frames": frames, "segments": segments, "key_frame_feature_map": keys, "classifications": answers}

    def dicom(self, place: SchemaPart) -> Json:
        target = self._resolve(place)
        assert target is not None, "annotations are a reference"
        parts = self._parts(target)
        groups: Json = {}
        segments: Json = {}
        keys: Json = {}
        axes = list(self._parts(parts["groups"]))
        for axis, part in self._parts(parts["groups"]).items():
            within = self._parts(part)
            [frame] = within["frames"].schema["patternProperties"].values()
            frames, segments[axis], numbers = self.clip(SchemaPart(frame, target.file))
            answers = self.classifications(within["classifications"])
            groups[axis] = {"name": axis, "classifications": answers, "frames": frames}
            for feature, key_frames in numbers.items():
                keys[feature] = {other: {str(number): True for number in key_frames if other == axis} for other in axes}
        answers = self.classifications(parts["classifications"])
        return {"groups": groups, "segments": segments, "classifications": answers, "key_frame_feature_map": keys}


def _date_content(details: Json, annotations: Json) -> None:
    """Removes the timestamp of the content from a label without annotations, and adds it to every other."""
    if '"feature_id"' not in json.dumps(annotations):
        details.pop("content_last_updated_at", None)
    elif "content_last_updated_at" not in details:
        reviews = details.pop("reviews")
        details |= {"content_last_updated_at": details["created_at"], "reviews": reviews}


PayloadGenerator.blocks = {
    "cuid": lambda generator, place: generator.id(),
    "uuid": lambda generator, place: generator.uuid(),
    "moment": lambda generator, place: generator.moment(),
    "zulu": lambda generator, place: generator.moment().replace("+00:00", "Z"),
    "email": lambda generator, place: generator.email(),
    "url": lambda generator, place: generator.url(),
    "point": lambda generator, place: generator.point(),
    "box": lambda generator, place: generator.box(),
    "box_in_points": lambda generator, place: generator.box_in_points(),
    "position": lambda generator, place: generator.position(),
    "any_label": PayloadGenerator.label,
    "video_annotations": PayloadGenerator.video,
    "dicom_annotations": PayloadGenerator.dicom,
}
PayloadGenerator.keys = {
    "media_attributes": PayloadGenerator.attributes,
    "row_data": lambda generator, place: generator.url(),
    "classifications": PayloadGenerator.classifications,
    "mime_type": PayloadGenerator.type,
    "mimeType": PayloadGenerator.type,
    "labels": PayloadGenerator.labels,
    "projects": lambda generator, place: generator._draw_keyed(place, likely=True),
    "message_id": PayloadGenerator.message,
    "page_number": PayloadGenerator.page,
    "objects": PayloadGenerator.objects,
    "relationships": PayloadGenerator.relationships,
    "predictions": PayloadGenerator.predictions,
    "coordinates": PayloadGenerator.coordinates,
    "label": PayloadGenerator.label_text,
    "Label": PayloadGenerator.legacy_label,
    "Skipped": lambda generator, place: generator._skipped,
    "Workflow History": lambda generator, place: generator.history(place, moment="createdAt"),
    "polygon": PayloadGenerator.ring,
    "workflow_history": PayloadGenerator.history,
}
