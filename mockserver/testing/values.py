"""Draws values of a schema: the keys of each object, and their values.

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
from mockserver.testing.consistency import make_consistent

T = TypeVar("T")
Json = dict[str, Any]

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
"""Text of every script, with line separators that are not newlines; without control characters."""
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
"""Ids that belong to a name: equal wherever the name is equal."""


class SchemaPart(NamedTuple):
    """A part of a schema, and the file to which its references are relative."""

    schema: Json
    file: str


class ObjectShape(NamedTuple):
    """The keys of an object and its references, in order; the required ones; and groups, of which one is required."""

    keys: dict[str, SchemaPart]
    required: frozenset[str]
    groups: tuple[Json, ...]
    pairs: Mapping[str, list[str]]


Draw = Callable[[Any, SchemaPart], Any]
"""A method of a subclass."""


class ValueGenerator:
    """Draws one example. `presence` says which optional keys are present; the presence of others is drawn."""

    blocks: ClassVar[Mapping[str, Draw]] = MappingProxyType({})
    """Methods that draw a block differently from its schema, by the block's name."""
    keys: ClassVar[Mapping[str, Draw]] = MappingProxyType({})
    """Methods that draw the value of a key differently from its schema, by the key's name."""

    def __init__(self, draw: DrawFn, presence: Mapping[str, bool]) -> None:
        self._draw, self._presence = draw, presence
        self._last_id = 0
        self._schema_ids: dict[str, str] = {}
        self._anchors: dict[str, SchemaPart] = {}
        self._emptied = False
        """Whether lists are left empty, as in a skipped label."""
        self._predicting = False

    # Schemas

    def payload(self, name: str) -> Any:
        return self.draw(self._file(name))

    def block(self, name: str, block: str) -> Any:
        """Draws one of a file's `$defs`."""
        return self.draw(SchemaPart({"$ref": f"#/$defs/{block}"}, name))

    def _file(self, name: str) -> SchemaPart:
        """A whole file. A dynamic anchor means its first definition (draft 2020-12 §8.2.3.2)."""
        schema = load_document(name)
        for part in schema.get("$defs", {}).values():
            if "$dynamicAnchor" in part:
                self._anchors.setdefault(part["$dynamicAnchor"], SchemaPart(part, name))
        return SchemaPart(schema, name)

    def _resolve(self, place: SchemaPart) -> SchemaPart | None:
        if anchor := place.schema.get("$dynamicRef"):
            return self._anchors[anchor.removeprefix("#")]
        if "$ref" not in place.schema:
            return None
        file, _, pointer = place.schema["$ref"].partition("#/$defs/")
        target = self._file(file.removesuffix(".json") or place.file)
        return SchemaPart(target.schema["$defs"][pointer], target.file) if pointer else target

    def draw(self, place: SchemaPart) -> Any:
        """Draws a value of a schema."""
        schema = place.schema
        block = schema.get("$ref", "").partition("#/$defs/")[2]
        if block in self.blocks:
            return self.blocks[block](self, place)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.choose(schema["enum"])
        if "anyOf" in schema:
            return self.draw(SchemaPart(self.choose(schema["anyOf"]), place.file))
        target = self._resolve(place)
        if target is not None and not schema.keys() & {"properties", "required"}:
            return self.draw(target)
        if "patternProperties" in schema:
            return self._draw_keyed(place)
        if "properties" in schema or target is not None:
            return self.object(place)
        return self._simple(place)

    def _simple(self, place: SchemaPart) -> Any:
        schema = place.schema
        kind = schema["type"]
        if isinstance(kind, list):
            kind = self.choose(sorted(kind))
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

    def object(self, place: SchemaPart, *, without: frozenset[str] = frozenset()) -> Json:
        """Draws an object with all its required keys and some of the others."""
        shape = self.shape(place)
        chosen = set(shape.required)
        if shape.groups:
            chosen |= set(self.choose(shape.groups)["required"])
        alternatives = {key for group in shape.groups for key in group["required"]}
        value: Json = {}
        for key, part in shape.keys.items():
            optional = key not in chosen and key not in alternatives
            if key not in without and (key in chosen or (optional and self._is_present(key, shape, value))):
                value[key] = self._value(key, part)
        for key, name in NAMED.items():
            if key in value and name in value:
                value[key] = self._schema_ids.setdefault(value[name], value[key])
        return make_consistent(value)

    def _is_present(self, key: str, shape: ObjectShape, value: Json) -> bool:
        """Draws the presence of a key, unless `presence` has it, or another key requires it."""
        before = [other for other in shape.pairs.get(key, ()) if position(shape, other) < position(shape, key)]
        if before:
            return all(other in value for other in before)
        if key == "confidence" and not self._predicting:
            return False
        return self._presence[key] if key in self._presence else self._flag()

    def _value(self, key: str, part: SchemaPart) -> Any:
        if key in self.keys:
            return self.keys[key](self, part)
        return self.draw(part)

    def shape(self, place: SchemaPart) -> ObjectShape:
        """The keys of an object; those of its reference come first."""
        target = self._resolve(place)
        below = self.shape(target) if target is not None else ObjectShape({}, frozenset(), (), {})
        schema = place.schema
        keys = below.keys | {key: SchemaPart(part, place.file) for key, part in schema.get("properties", {}).items()}
        required = below.required | frozenset(schema.get("required", []))
        groups = below.groups or tuple(schema.get("oneOf", ()))
        return ObjectShape(keys, required, groups, {**below.pairs, **schema.get("dependentRequired", {})})

    def _list(self, place: SchemaPart) -> list[Any]:
        schema = place.schema
        low, high = schema.get("minItems", 0), schema.get("maxItems", max(MOST, schema.get("minItems", 0)))
        if self._emptied:
            low = high = 0
        return self._several(lambda: self.draw(SchemaPart(schema["items"], place.file)), low, high)

    def _several(self, make: Callable[[], T], low: int, high: int, *, likely: bool = False) -> list[T]:
        """Draws a list that is mostly short.

        An item and all items after it are one unit for Hypothesis's search, and the items after it are another within
        it. So the search can end a list anywhere, and replace an item by those after it. st.lists() would draw two or
        three items everywhere, and lists that are nested six deep would grow exponentially. `likely`: mostly not empty.
        """
        value: list[T] = []

        def rest() -> None:
            more = self._draw(st.integers(0, 7)) > 0 if likely and not value else self._flag()
            if len(value) >= low and (not more or len(value) >= high):
                return
            value.append(make())
            self._draw(st.builds(rest))

        self._draw(st.builds(rest))
        return value

    def labels(self, place: SchemaPart) -> list[Any]:
        """Draws labels, which are mostly present, as rows are read for them."""
        return self._several(lambda: self.draw(SchemaPart(place.schema["items"], place.file)), 0, MOST, likely=True)

    def _draw_keyed(self, place: SchemaPart, *, likely: bool = False) -> Json:
        """Draws an object with ids or numbers as keys."""
        [(pattern, part)] = place.schema["patternProperties"].items()
        if self._emptied:
            return {}
        values = self._several(lambda: self.draw(SchemaPart(part, place.file)), 0, 2, likely=likely)
        return {self._key(pattern, number): each for number, each in enumerate(values, 1)}

    def _key(self, pattern: str, number: int) -> str:
        """An id in the form of the pattern, or the number."""
        if pattern.startswith("^c"):
            return self.id()
        return self.uuid() if pattern.startswith("^[0-9a-f]{8}") else str(number)

    # Values without a schema

    def choose(self, choices: Any) -> Any:
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

    def type(self, place: SchemaPart) -> str:
        """A MIME type that the media type may have."""
        return str(self.choose([known for known in TYPES if re.search(place.schema["pattern"], known)]))


def position(shape: ObjectShape, key: str) -> int:
    """The position of a key in an object."""
    return list(shape.keys).index(key)


def load_document(name: str) -> Json:
    """Parses a schema's file once."""
    if name not in _DOCUMENTS:
        _DOCUMENTS[name] = json.loads(schemas.read(name))
    return _DOCUMENTS[name]


_DOCUMENTS: dict[str, Json] = {}
