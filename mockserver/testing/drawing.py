"""Values of a schema, drawn piece by piece: which keys there are, and what stands behind them.

Ids are counted, not drawn: they are unique within an example, and cost the search nothing.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from mockserver.testing import schemas
from mockserver.testing.agreement import agreed

T = TypeVar("T")
Json = dict[str, Any]

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
"""Of every script, with line separators that are not newlines; without control characters."""
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
KEYWORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
TYPES = (
    *("text/plain", "text/html", "image/png", "image/jpeg", "video/mp4", "audio/mpeg", "audio/wav"),
    *("application/pdf", "application/dicom", "application/json"),
)
MOST = 4
"""Items of a list, unless it needs more."""
FIRST_MOMENT = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)

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


Drawn = Callable[[Any, Place], Any]
"""A method of a subclass."""


class Drawing:
    """Draws one example. `given` says of optional keys, by name, whether they are there; others are drawn."""

    blocks: ClassVar[Mapping[str, Drawn]] = MappingProxyType({})
    """What is drawn otherwise than its schema says, by the name of the block."""
    keys: ClassVar[Mapping[str, Drawn]] = MappingProxyType({})
    """And by the name of the key it stands behind."""

    def __init__(self, draw: DrawFn, given: Mapping[str, bool]) -> None:
        self._draw, self._given = draw, given
        self._last_id = 0
        self._schema_ids: dict[str, str] = {}
        self._anchors: dict[str, Place] = {}
        self._emptied = False
        """Whether lists are left empty, as in a skipped label."""
        self._predicting = False

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
        if block in self.blocks:
            return self.blocks[block](self, place)
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
        if key in self.keys:
            return self.keys[key](self, part)
        return self.made(part)

    def shape(self, place: Place) -> Shape:
        """An object's keys, those of what it refers to first."""
        target = self._referred(place)
        below = self.shape(target) if target is not None else Shape({}, frozenset(), (), {})
        schema = place.schema
        keys = below.keys | {key: Place(part, place.file) for key, part in schema.get("properties", {}).items()}
        required = below.required | frozenset(schema.get("required", []))
        groups = below.groups or tuple(schema.get("oneOf", ()))
        return Shape(keys, required, groups, {**below.pairs, **schema.get("dependentRequired", {})})

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
        return {self._key(pattern, number): each for number, each in enumerate(values, 1)}

    def _key(self, pattern: str, number: int) -> str:
        """An id in the shape that the pattern asks for, or the number."""
        if pattern.startswith("^c"):
            return self.id()
        return self.uuid() if pattern.startswith("^[0-9a-f]{8}") else str(number)

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


def order(shape: Shape, key: str) -> int:
    """Where a key stands in an object."""
    return list(shape.keys).index(key)


def document(name: str) -> Json:
    """A schema's file, parsed once."""
    if name not in _DOCUMENTS:
        _DOCUMENTS[name] = json.loads(schemas.read(name))
    return _DOCUMENTS[name]


_DOCUMENTS: dict[str, Json] = {}
