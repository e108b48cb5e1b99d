"""JSON Schemas (draft 2020-12) of every payload, for validators and for readers. docs/schemas.md.

The files are in `fixtures/schemas/`. They refer to one another; `load` returns a schema with all files that it refers
to, so that any validator accepts it. Only the standard library is imported.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from mockserver.errors import nearest, quote
from mockserver.generate.fixtures import find_fixtures

Schema = dict[str, Any]


def names() -> list[str]:
    """The names for `load`: `v2-image`, `v1-video`, …"""
    return sorted(path.stem for path in (find_fixtures() / "schemas").glob("*.json"))


def load(name: str) -> Schema:
    """Loads a new copy of a schema, with the files that it refers to under its `$defs`. Raises KeyError."""
    loaded: Schema = json.loads(read(name))
    files: set[str] = set()
    missing = find_references(loaded)
    while missing:
        files |= missing
        missing = {further for file in missing for further in find_references(json.loads(read(file)))} - files
    for file in sorted(files - {name}):
        loaded.setdefault("$defs", {})[f"{file}.json"] = json.loads(read(file))
    return loaded


@cache
def read(name: str) -> str:
    """Reads the text of a schema's file."""
    if name not in names():
        raise KeyError(f"unknown schema {name!r}; the nearest known are {quote(nearest(name, names()))}")
    return (find_fixtures() / "schemas" / f"{name}.json").read_text(encoding="utf-8")


def find_references(schema: Any) -> set[str]:
    """The names of the files that a schema refers to."""
    if isinstance(schema, list):
        return {name for part in schema for name in find_references(part)}
    if not isinstance(schema, dict):
        return set()
    names = {name for part in schema.values() for name in find_references(part)}
    file = str(schema.get("$ref", "")).partition("#")[0]
    return names | {file.removesuffix(".json")} if file else names
