"""One example of a payload: what the strategies are made of.

The schemas say which keys there are; the parts that must agree with each other (spans, boxes, frames) are drawn by
methods of their own, named after the schema's block.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from mockserver.testing.agreement import index_masks
from mockserver.testing.drawing import Drawing, Json, Place

DEEPEST = 4
"""Classifications within answers within classifications end here."""
FRAMES, MOST_PAGES = 300, 1000
V2_BLOCKS = "blocks"
FRAMED_LABELS = ("video_label", "dicom_label")
"""The V1 labels that lead to frames, unless they were skipped."""


class Maker(Drawing):
    """A drawing whose parts know of each other."""

    def __init__(self, draw: DrawFn, given: Mapping[str, bool]) -> None:
        super().__init__(draw, given)
        self._depth = 0
        self._joinable: list[str] = []
        self._messages: list[str] = []
        self._skipped = False
        self.width = self.height = 4096.0
        self.frame_count = FRAMES

    def attributes(self, place: Place) -> Json:
        """Boxes lie within what they say."""
        made: Json = self.made(place)
        self.width, self.height = float(made.get("width", self.width)), float(made.get("height", self.height))
        self.frame_count = made.get("frame_count", self.frame_count)
        self._messages = made.get("labelable_ids", [])
        return made

    def page(self, place: Place) -> int:
        """Counted from 0."""
        return self._draw(st.integers(0, MOST_PAGES - 1))

    def message(self, place: Place) -> Any:
        """One of those that may be labelled, where the row says which."""
        return self.one_of(self._messages) if self._messages else self.made(place)

    def within(self, limit: float) -> float:
        return self._draw(st.floats(0, limit, allow_nan=False, allow_subnormal=False))

    def point(self) -> Json:
        return {"x": self.within(self.width), "y": self.within(self.height)}

    def box(self) -> Json:
        top, left = self.within(self.height), self.within(self.width)
        height, width = self.within(self.height - top), self.within(self.width - left)
        return {"top": top, "left": left, "height": height, "width": width}

    def box_in_points(self) -> Json:
        """On a page, which says its unit."""
        return self.box() | {"unit": "points"}

    def position(self) -> list[float]:
        return [self.within(360) - 180, self.within(180) - 90]

    def coordinates(self, place: Place) -> list[Any]:
        """Rings are closed; that of a rectangle has its corners in the order of the documentation."""
        found: list[Any] = self.made(place)
        for ring in found:
            if isinstance(ring, list) and isinstance(ring[0], list):
                if place.schema["items"].get("maxItems"):
                    (left, bottom), (right, top) = ring[:2]
                    ring[:4] = [[left, bottom], [left, top], [right, top], [right, bottom]]
                ring[-1] = list(ring[0])
        return found

    def objects(self, place: Place) -> Any:
        """Remembered: relationships join them."""
        found = self.made(place)
        if isinstance(found, list):
            self._joinable = [item.get("feature_id") or item["featureId"] for item in found]
        return found

    def relationships(self, place: Place) -> list[Any]:
        """Each joins two of the objects beside it."""
        found: list[Any] = self.made(place) if len(self._joinable) > 1 else []
        for item in found:
            first = self._draw(st.integers(0, len(self._joinable) - 2))
            ends = item["data"] if "data" in item else item["unidirectional_relationship"]
            names = [name for name in ends if name != "label"]  # source and target, in the words of each version
            ends |= zip(names, self._joinable[first : first + 2], strict=True)
        return found

    def predictions(self, place: Place) -> list[Any]:
        """They alone have a confidence."""
        self._predicting = True
        made: list[Any] = self.made(place)
        self._predicting = False
        return made

    def label_text(self, place: Place) -> Any:
        """A V1 label as webhooks carry it; the label of a relationship is any text."""
        if place.file != "webhook-v1":
            return self.made(place)
        return json.dumps(self.block("v1-label", "image_label"))

    def legacy_label(self, place: Place) -> Json:
        """A V1 label: of a clip without frames, and of anything else without a key, it was skipped."""
        made: Json = self.made(place)
        target = self._referred(place)
        framed = target is not None and target.schema.get("$ref", "").endswith(FRAMED_LABELS)
        self._skipped = "frames" not in made if framed else not made
        return made

    def ring(self, place: Place) -> list[Any]:
        """The first point again at the end, as Export V2 has it and V1 has not."""
        if place.file != V2_BLOCKS:
            return self._list(place)
        points = self._list(place)[:-1]
        return [*points, points[0]]

    def classifications(self, place: Place) -> list[Any]:
        if self._depth >= DEEPEST:
            return []
        self._depth += 1
        made = self.made(place)
        self._depth -= 1
        assert isinstance(made, list), "classifications are a list wherever they stand"
        return made

    def history(self, place: Place, *, moment: str = "created_at") -> list[Any]:
        """Newest first."""
        return sorted(self.made(place), key=lambda move: str(move[moment]), reverse=True)

    def label(self, place: Place) -> Json:
        """A skipped label has nothing on it."""
        made = self.object(place, without=frozenset({"annotations"}))
        self._emptied = made.get("performance_details", {}).get("skipped", False)
        made["annotations"] = self.made(self.shape(place).keys["annotations"])
        self._emptied = False
        if details := made.get("label_details"):
            _tell_of_content(details, made["annotations"])
        return made

    def clip(self, frame: Place) -> tuple[Json, Json, Json]:
        """Frames by number, segments and key frames by feature id, which tell of the same features."""
        objects = self._parts(frame)["objects"]
        one = Place(next(iter(objects.schema["patternProperties"].values())), objects.file)
        frames: dict[int, Json] = {}
        segments: Json = {}
        keys: Json = {}

        def follow() -> None:
            kind = self._kind(one)
            feature = self.made(kind)
            name = feature["feature_id"]
            segments[name] = self._segments()
            keys[name] = sorted({number for pair in segments[name] for number in pair})
            for number in keys[name]:
                moved = self._at(frames, number)["objects"][name] = self._moved(feature, kind)
                index_masks(moved, number)

        def answer() -> None:
            made = self.made(Place(self._parts(frame)["classifications"].schema["items"], frame.file))
            number = self._draw(st.integers(1, self.frame_count))
            segments[made["feature_id"]], keys[made["feature_id"]] = [[number, number]], [number]
            self._at(frames, number)["classifications"].append(made)

        most = 0 if self._emptied else 3
        self._several(follow, 0, most)
        self._several(answer, 0, most)
        return {str(number): frames[number] for number in sorted(frames)}, segments, keys

    def _parts(self, place: Place) -> dict[str, Place]:
        return self.shape(place).keys

    def _kind(self, place: Place) -> Place:
        """One of the kinds of object that may stand here."""
        target = self._referred(place)
        assert target is not None, "an object's schema is a reference"
        return Place(self.one_of(target.schema["anyOf"]), target.file) if "anyOf" in target.schema else target

    def _segments(self) -> list[list[int]]:
        """First and last frames, in order and apart."""
        numbers = st.lists(st.integers(1, self.frame_count), min_size=1, max_size=4, unique=True)
        ends = sorted(self._draw(numbers))
        pairs = [ends[index : index + 2] for index in range(0, len(ends), 2)]
        return [[pair[0], pair[-1]] for pair in pairs]

    def _at(self, frames: dict[int, Json], number: int) -> Json:
        return frames.setdefault(number, {"objects": {}, "classifications": []})

    def _moved(self, feature: Json, kind: Place) -> Json:
        """The same feature elsewhere: only its geometry is drawn again."""
        common = ("feature_id", "feature_schema_id", "name", "value", "annotation_kind", "classifications")
        geometry = {key: self._value(key, self._parts(kind)[key]) for key in feature if key not in common}
        return {key: geometry.get(key, part) for key, part in feature.items()}

    def video(self, place: Place) -> Json:
        target = self._referred(place)
        assert target is not None, "annotations are a reference"
        parts = self._parts(target)
        [frame] = parts["frames"].schema["patternProperties"].values()
        frames, segments, keys = self.clip(Place(frame, target.file))
        answers = self.classifications(parts["classifications"])
        return {"frames": frames, "segments": segments, "key_frame_feature_map": keys, "classifications": answers}

    def dicom(self, place: Place) -> Json:
        target = self._referred(place)
        assert target is not None, "annotations are a reference"
        parts = self._parts(target)
        groups: Json = {}
        segments: Json = {}
        keys: Json = {}
        axes = list(self._parts(parts["groups"]))
        for axis, part in self._parts(parts["groups"]).items():
            within = self._parts(part)
            [frame] = within["frames"].schema["patternProperties"].values()
            frames, segments[axis], numbers = self.clip(Place(frame, target.file))
            answers = self.classifications(within["classifications"])
            groups[axis] = {"name": axis, "classifications": answers, "frames": frames}
            for feature, found in numbers.items():
                keys[feature] = {other: {str(number): True for number in found if other == axis} for other in axes}
        answers = self.classifications(parts["classifications"])
        return {"groups": groups, "segments": segments, "classifications": answers, "key_frame_feature_map": keys}


def _tell_of_content(details: Json, annotations: Json) -> None:
    """A label without annotations has no moment of its content, and every other has one."""
    if '"feature_id"' not in json.dumps(annotations):
        details.pop("content_last_updated_at", None)
    elif "content_last_updated_at" not in details:
        reviews = details.pop("reviews")
        details |= {"content_last_updated_at": details["created_at"], "reviews": reviews}


Maker.blocks = {
    "cuid": lambda maker, place: maker.id(),
    "uuid": lambda maker, place: maker.uuid(),
    "moment": lambda maker, place: maker.moment(),
    "zulu": lambda maker, place: maker.moment().replace("+00:00", "Z"),
    "email": lambda maker, place: maker.email(),
    "url": lambda maker, place: maker.url(),
    "point": lambda maker, place: maker.point(),
    "box": lambda maker, place: maker.box(),
    "box_in_points": lambda maker, place: maker.box_in_points(),
    "position": lambda maker, place: maker.position(),
    "any_label": Maker.label,
    "video_annotations": Maker.video,
    "dicom_annotations": Maker.dicom,
}
Maker.keys = {
    "media_attributes": Maker.attributes,
    "row_data": lambda maker, place: maker.url(),
    "classifications": Maker.classifications,
    "mime_type": Maker.type,
    "mimeType": Maker.type,
    "labels": Maker.labels,
    "projects": lambda maker, place: maker._keyed(place, likely=True),
    "message_id": Maker.message,
    "page_number": Maker.page,
    "objects": Maker.objects,
    "relationships": Maker.relationships,
    "predictions": Maker.predictions,
    "coordinates": Maker.coordinates,
    "label": Maker.label_text,
    "Label": Maker.legacy_label,
    "Skipped": lambda maker, place: maker._skipped,
    "Workflow History": lambda maker, place: maker.history(place, moment="createdAt"),
    "polygon": Maker.ring,
    "workflow_history": Maker.history,
}
