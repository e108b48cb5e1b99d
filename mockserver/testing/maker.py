"""One example of a schema, drawn piece by piece: what the strategies are made of.

The schemas say which keys there are; the parts that must agree with each other (ids, spans, boxes, frames) are drawn by
methods of their own, named after the schema's block. Ids are counted, not drawn: they are unique within an example, and
cost the search nothing.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from mockserver.testing import schemas
from mockserver.testing.agreement import agreed, index_masks

T = TypeVar("T")
Json = dict[str, Any]

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
"""Of every script, with line separators that are not newlines; without control characters."""
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
KEYWORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
NUMBERS = st.floats(-10_000, 10_000, allow_nan=False, allow_subnormal=False)
TYPES = (
    *("text/plain", "text/html", "image/png", "image/jpeg", "video/mp4", "audio/mpeg", "audio/wav"),
    *("application/pdf", "application/dicom", "application/json"),
)
MOST = 4
"""Items of a list, unless it needs more."""
DEEPEST = 4
"""Classifications within answers within classifications end here."""
FIRST_MOMENT = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
FRAMES, MOST_PAGES = 300, 1000
V2_BLOCKS = "blocks"

NAMED = {"feature_schema_id": "name", "schemaId": "title"}
"""Ids that belong to a name: the same in every place where the name stands."""


class Place(NamedTuple):
    """A part of a schema and the file it stands in, where its references begin."""

    schema: Json
    file: str


class Shape(NamedTuple):
    """An object with what it refers to: its keys in order, which must be there, and one of which groups."""

    keys: dict[str, Place]
    required: frozenset[str]
    groups: tuple[Json, ...]
    pairs: Mapping[str, list[str]]


class Maker:
    """Draws one example. `given` says of optional keys, by name, whether they are there; others are drawn."""

    def __init__(self, draw: DrawFn, given: Mapping[str, bool]) -> None:
        self._draw, self._given = draw, given
        self._last_id = 0
        self._schema_ids: dict[str, str] = {}
        self._anchors: dict[str, Place] = {}
        self._depth = 0
        self._emptied = False
        self._predicting = False
        self._joinable: list[str] = []
        self._messages: list[str] = []
        self.width = self.height = 4096.0
        self.frame_count, self.page_count = FRAMES, MOST_PAGES

    # Schemas

    def payload(self, name: str) -> Any:
        return self.made(self._file(name))

    def block(self, name: str, block: str) -> Any:
        """One of a file's `$defs`."""
        return self.made(Place({"$ref": f"#/$defs/{block}"}, name))

    def _file(self, name: str) -> Place:
        """A whole file. The first to name an anchor is who it stands for (draft 2020-12 §8.2.3.2)."""
        schema = document(name)
        for part in schema.get("$defs", {}).values():
            if "$dynamicAnchor" in part:
                self._anchors.setdefault(part["$dynamicAnchor"], Place(part, name))
        return Place(schema, name)

    def _referred(self, place: Place) -> Place | None:
        if anchor := place.schema.get("$dynamicRef"):
            return self._anchors[anchor.removeprefix("#")]
        if "$ref" not in place.schema:
            return None
        file, _, pointer = place.schema["$ref"].partition("#/$defs/")
        found = self._file(file.removesuffix(".json") or place.file)
        return Place(found.schema["$defs"][pointer], found.file) if pointer else found

    def made(self, place: Place) -> Any:
        """A value of a schema."""
        schema = place.schema
        block = schema.get("$ref", "").partition("#/$defs/")[2]
        if block in BLOCKS:
            return BLOCKS[block](self, place)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.one_of(schema["enum"])
        if "anyOf" in schema:
            return self.made(Place(self.one_of(schema["anyOf"]), place.file))
        target = self._referred(place)
        if target is not None and not schema.keys() & {"properties", "required"}:
            return self.made(target)
        if "patternProperties" in schema:
            return self._keyed(place)
        if "properties" in schema or target is not None:
            return self.object(place)
        return self._simple(place)

    def _simple(self, place: Place) -> Any:
        schema = place.schema
        kind = schema["type"]
        if isinstance(kind, list):
            kind = self.one_of(sorted(kind))
        match kind:
            case "null":
                return None
            case "boolean":
                return self._flag()
            case "integer":
                low = schema.get("minimum", 0)
                return self._draw(st.integers(low, schema.get("maximum", low + 1000)))
            case "number":
                return self._number(schema)
            case "array":
                return self._list(place)
            case "object":
                return {}
        if pattern := schema.get("pattern"):
            return self._draw(st.from_regex(pattern, fullmatch=True))
        return self._draw(NAMES if schema.get("minLength") else TEXT)

    def object(self, place: Place, *, without: frozenset[str] = frozenset()) -> Json:
        """An object with all its required keys and some of the others."""
        shape = self.shape(place)
        chosen = set(shape.required)
        if shape.groups:
            chosen |= set(self.one_of(shape.groups)["required"])
        alternatives = {key for group in shape.groups for key in group["required"]}
        made: Json = {}
        for key, part in shape.keys.items():
            optional = key not in chosen and key not in alternatives
            if key not in without and (key in chosen or (optional and self._wanted(key, shape, made))):
                made[key] = self._value(key, part)
        for key, name in NAMED.items():
            if key in made and name in made:
                made[key] = self._schema_ids.setdefault(made[name], made[key])
        return agreed(made)

    def _wanted(self, key: str, shape: Shape, made: Json) -> bool:
        """Drawn, unless it is said, or another key brings it along."""
        before = [other for other in shape.pairs.get(key, ()) if order(shape, other) < order(shape, key)]
        if before:
            return all(other in made for other in before)
        if key == "confidence" and not self._predicting:
            return False
        return self._given[key] if key in self._given else self._flag()

    def _value(self, key: str, part: Place) -> Any:
        if key in KEYS:
            return KEYS[key](self, part)
        return self.made(part)

    def shape(self, place: Place) -> Shape:
        """An object's keys, those of what it refers to first."""
        target = self._referred(place)
        below = self.shape(target) if target is not None else Shape({}, frozenset(), (), {})
        schema = place.schema
        keys = below.keys | {key: Place(part, place.file) for key, part in schema.get("properties", {}).items()}
        required = below.required | frozenset(schema.get("required", []))
        groups = below.groups or tuple(schema.get("oneOf", ()))
        return Shape(keys, required, groups, schema.get("dependentRequired", {}))

    def _list(self, place: Place) -> list[Any]:
        schema = place.schema
        low, high = schema.get("minItems", 0), schema.get("maxItems", max(MOST, schema.get("minItems", 0)))
        if self._emptied:
            low = high = 0
        return self._several(lambda: self.made(Place(schema["items"], place.file)), low, high)

    def _several(self, make: Callable[[], T], low: int, high: int, *, likely: bool = False) -> list[T]:
        """A list, mostly short: an item and all that follow it are one thing to the search, within which those that
        follow are another. So it can end a list anywhere, and put what follows an item in the item's place.

        st.lists() would do, but gives two to three items everywhere, and what nests six deep grows with their power.
        `likely` ones have a first item mostly.
        """
        made: list[T] = []

        def rest() -> None:
            more = self._draw(st.integers(0, 7)) > 0 if likely and not made else self._flag()
            if len(made) >= low and (not more or len(made) >= high):
                return
            made.append(make())
            self._draw(st.builds(rest))

        self._draw(st.builds(rest))
        return made

    def labels(self, place: Place) -> list[Any]:
        """What rows are read for is mostly there."""
        return self._several(lambda: self.made(Place(place.schema["items"], place.file)), 0, MOST, likely=True)

    def _keyed(self, place: Place, *, likely: bool = False) -> Json:
        """Values by ids or numbers."""
        [(pattern, part)] = place.schema["patternProperties"].items()
        if self._emptied:
            return {}
        values = self._several(lambda: self.made(Place(part, place.file)), 0, 2, likely=likely)
        return {self.id() if pattern.startswith("^c") else str(number): each for number, each in enumerate(values, 1)}

    # What needs no schema

    def one_of(self, choices: Any) -> Any:
        return choices[self._draw(st.integers(0, len(choices) - 1))] if len(choices) > 1 else choices[0]

    def _flag(self) -> bool:
        return self._draw(st.booleans())

    def _number(self, schema: Json) -> float:
        low = schema.get("minimum", schema.get("exclusiveMinimum", -10_000))
        high = schema.get("maximum", 10_000)
        return self._draw(
            st.floats(low, high, allow_nan=False, allow_subnormal=False, exclude_min="exclusiveMinimum" in schema)
        )

    def id(self) -> str:
        self._last_id += 1
        return f"c{self._last_id:024}"

    def uuid(self) -> str:
        self._last_id += 1
        return f"00000000-0000-4000-8000-{self._last_id:012}"

    def moment(self) -> str:
        later = datetime.timedelta(milliseconds=self._draw(st.integers(0, 40_000_000_000)))
        return (FIRST_MOMENT + later).isoformat(timespec="milliseconds")

    def email(self) -> str:
        return f"{self._draw(KEYWORDS)}@example.com"

    def url(self) -> str:
        return f"https://files.example/{self._draw(KEYWORDS)}"

    def type(self, place: Place) -> str:
        """A MIME type that the media type may have."""
        return str(self.one_of([known for known in TYPES if re.search(place.schema["pattern"], known)]))

    # What must agree

    def attributes(self, place: Place) -> Json:
        """Boxes lie within what they say."""
        made: Json = self.made(place)
        self.width, self.height = float(made.get("width", self.width)), float(made.get("height", self.height))
        self.frame_count = made.get("frame_count", self.frame_count)
        self._messages = made.get("labelable_ids", [])
        self.page_count = made.get("page_count", self.page_count)
        return made

    def page(self, place: Place) -> int:
        """Counted from 0."""
        return self._draw(st.integers(0, min(self.page_count, MOST_PAGES) - 1))

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

    def history(self, place: Place) -> list[Any]:
        """Newest first."""
        return sorted(self.made(place), key=lambda move: str(move["created_at"]), reverse=True)

    def label(self, place: Place) -> Json:
        """A skipped label has nothing on it."""
        made = self.object(place, without=frozenset({"annotations"}))
        self._emptied = made.get("performance_details", {}).get("skipped", False)
        made["annotations"] = self.made(self.shape(place).keys["annotations"])
        self._emptied = False
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


def order(shape: Shape, key: str) -> int:
    """Where a key stands in an object."""
    return list(shape.keys).index(key)


def document(name: str) -> Json:
    """A schema's file, parsed once."""
    if name not in _DOCUMENTS:
        _DOCUMENTS[name] = json.loads(schemas.read(name))
    return _DOCUMENTS[name]


_DOCUMENTS: dict[str, Json] = {}

BLOCKS: dict[str, Callable[[Maker, Place], Any]] = {
    "cuid": lambda maker, place: maker.id(),
    "uuid": lambda maker, place: maker.uuid(),
    "moment": lambda maker, place: maker.moment(),
    "zulu": lambda maker, place: maker.moment().replace("+00:00", "Z"),
    "email": lambda maker, place: maker.email(),
    "url": lambda maker, place: maker.url(),
    "point": lambda maker, place: maker.point(),
    "box": lambda maker, place: maker.box(),
    "position": lambda maker, place: maker.position(),
    "any_label": Maker.label,
    "video_annotations": Maker.video,
    "dicom_annotations": Maker.dicom,
}
"""What is drawn otherwise than its schema says, by the name of the block."""
KEYS: dict[str, Callable[[Maker, Place], Any]] = {
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
    "polygon": Maker.ring,
    "workflow_history": Maker.history,
}
"""And by the name of the key it stands behind."""
