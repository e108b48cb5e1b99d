"""JSON Schemas (draft 2020-12) of every payload, for validators and for readers. docs/schemas.md.

The files stand in `fixtures/schemas/`. They refer to one another; `load` gives one with all that it refers to, so that
any validator takes it as it is. Nothing is imported but the standard library.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from mockserver.errors import nearest, quote
from mockserver.generate.fixtures import find_fixtures

Schema = dict[str, Any]


def names() -> list[str]:
    """`v2-image`, `v1-video`, …: what `load` takes."""
    return sorted(path.stem for path in (find_fixtures() / "schemas").glob("*.json"))


def load(name: str) -> Schema:
    """A schema of its own to keep and change, the files that it refers to under its `$defs`. Raises KeyError."""
    loaded: Schema = json.loads(read(name))
    found: set[str] = set()
    missing = referred(loaded)
    while missing:
        found |= missing
        missing = {further for file in missing for further in referred(json.loads(read(file)))} - found
    for file in sorted(found - {name}):
        loaded.setdefault("$defs", {})[f"{file}.json"] = json.loads(read(file))
    return loaded


@cache
def read(name: str) -> str:
    """The text of a schema's file."""
    if name not in names():
        raise KeyError(f"there is no schema {name!r}; the nearest known are {quote(nearest(name, names()))}")
    return (find_fixtures() / "schemas" / f"{name}.json").read_text(encoding="utf-8")


def referred(schema: Any) -> set[str]:
    """The names of the files that a schema refers to."""
    if isinstance(schema, list):
        return {name for part in schema for name in referred(part)}
    if not isinstance(schema, dict):
        return set()
    found = {name for part in schema.values() for name in referred(part)}
    file = str(schema.get("$ref", "")).partition("#")[0]
    return found | {file.removesuffix(".json")} if file else found
