"""The GraphQL schema: built from the files in schema/, one for each theme, and kept in the cache folder, as building
takes six times as long as reading it back."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graphql.type import GraphQLSchema
from graphql.version import version

from mockserver import __version__
from mockserver.api.graphql import kept_schema
from mockserver.api.graphql.fields import assign_modules
from mockserver.folders import write_atomically

WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_HERE = Path(__file__).parent


def read_sdl() -> str:
    """The schema as text: all files, by name."""
    return "\n".join(path.read_text("utf-8") for path in sorted((_HERE / "schema").glob("*.graphql")))


def load_schema(modules: Iterable[str], cache: Path | None) -> GraphQLSchema:
    """The schema, from the cache folder if it is kept there. Its fields know which of the modules resolves them."""
    if cache is None:
        return _build_schema(modules)
    path = cache / f"schema-{_key()}.pickle"
    schema = _read_kept(path)
    if schema is not None:
        return schema
    schema = _build_schema(modules)
    with contextlib.suppress(OSError):  # without a cache the next start builds it again
        cache.mkdir(parents=True, exist_ok=True)
        write_atomically(path, kept_schema.dump_schema(schema), durable=False)
        path.chmod(0o600)
    return schema


def _build_schema(modules: Iterable[str]) -> GraphQLSchema:
    schema = build_bare_schema(read_sdl())
    assign_modules(schema, modules)
    return schema


def build_bare_schema(sdl: str) -> GraphQLSchema:
    """The schema without the nodes of its text, which nothing reads and which are half of its size."""
    from graphql.utilities import build_schema  # noqa: PLC0415  a start reads the kept schema

    schema = build_schema(sdl, assume_valid=True, no_location=True)
    schema.ast_node = None
    for kind in schema.type_map.values():
        _drop_nodes(kind)
    return schema


def _drop_nodes(part: Any) -> None:
    """Drops the node of a type, field, argument or value, and those of its parts."""
    if getattr(part, "ast_node", None) is not None:
        part.ast_node = None
    for name in ("fields", "args", "values"):
        parts = getattr(part, name, None)
        for inner in parts.values() if isinstance(parts, dict) else ():
            _drop_nodes(inner)


def _key() -> str:
    """Everything that a kept schema depends on: a pickle is only read by what wrote it."""
    key = hashlib.blake2b(f"{version} {sys.implementation.cache_tag}".encode(), digest_size=12)
    sources = sorted([*_HERE.glob("*/*.graphql"), *_HERE.glob("*/*.py")])
    for path in (_HERE / "fields.py", _HERE / "kept_schema.py", _HERE / "schema.py", *sources):
        key.update(path.read_bytes())
    return f"{__version__}-{key.hexdigest()}"


def _read_kept(path: Path) -> GraphQLSchema | None:
    """The kept schema; None if there is none, or if another user could have written it: a pickle can run code."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            known = os.fstat(file.fileno())
            if known.st_uid != os.getuid() or known.st_mode & WRITABLE_BY_OTHERS:
                return None
            return kept_schema.load_schema(file.read())
    except Exception:  # noqa: BLE001  a file that is missing or damaged is built again
        return None
