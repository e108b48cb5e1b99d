"""A built schema as bytes, and back: the types are read immediately, the fields of each when they are first needed.

A document requests fields of some ten types, and the schema has hundreds. The bytes are pickles, which can run code:
they are only read where nobody else could have written them.
"""

from __future__ import annotations

import hashlib
import pickle
import threading
from io import BytesIO
from typing import Any, NamedTuple

from graphql.type import GraphQLInterfaceType, GraphQLNamedType, GraphQLSchema

LATE = ("fields", "interfaces", "types", "values")
"""Parts of a type that refer to other types, or are many. graphql-core keeps each under its name, and calls the
attribute with an underscore in front for it."""
_CHECKSUM_BYTES = 16
_reading = threading.RLock()


class KeptType(NamedTuple):
    """A type by its class and its attributes, which need not be checked again. `late` ones are pickles themselves."""

    kind: type[GraphQLNamedType]
    attributes: dict[str, Any]
    late: dict[str, bytes]


def dump_schema(schema: GraphQLSchema) -> bytes:
    """The schema with a checksum in front. It may have no interfaces: their implementations would be searched."""
    own = {name: kind for name, kind in schema.type_map.items() if name not in GraphQLNamedType.reserved_types}
    assert not any(isinstance(kind, GraphQLInterfaceType) for kind in own.values())
    content = pickle.dumps((list(schema.type_map), {name: _keep_type(kind) for name, kind in own.items()}))
    return hashlib.blake2b(content, digest_size=_CHECKSUM_BYTES).digest() + content


def _keep_type(kind: Any) -> KeptType:
    late = {f"_{name}": _dump_late(getattr(kind, name)) for name in LATE if hasattr(kind, name)}
    attributes = {name: value for name, value in vars(kind).items() if name.removeprefix("_") not in LATE}
    return KeptType(type(kind), attributes, late)


def load_schema(content: bytes) -> GraphQLSchema:
    """The schema in these bytes. Raises an exception of any type when they are damaged."""
    checksum, content = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
    if hashlib.blake2b(content, digest_size=_CHECKSUM_BYTES).digest() != checksum:
        raise ValueError("the kept schema is damaged")
    names, kept_types = pickle.loads(content)  # noqa: S301  the caller checks who wrote it
    types: dict[str, Any] = dict(GraphQLNamedType.reserved_types)
    for name, (kind, attributes, late) in kept_types.items():
        types[name] = object.__new__(kind)
        vars(types[name]).update(attributes, **{part: Late(pickled, types) for part, pickled in late.items()})
    # Its constructor would read the fields of all types, to find the types that these refer to.
    schema = GraphQLSchema(assume_valid=True)
    schema.type_map = {name: types[name] for name in names}
    schema.query_type, schema.mutation_type = types["Query"], types["Mutation"]
    return schema


class Late:
    """Reads a part of a type when it is first called, and returns the same objects afterwards: resolvers are registered
    in them. graphql-core calls it when it needs the part."""

    def __init__(self, pickled: bytes, types: dict[str, Any]) -> None:
        self._pickled, self._types = pickled, types
        self._part: Any = None

    def __call__(self) -> Any:
        with _reading:
            if self._part is None:
                self._part = _LateUnpickler(self._pickled, self._types).load()
                self._pickled = b""
            return self._part


def _dump_late(part: Any) -> bytes:
    output = BytesIO()
    _LatePickler(output).dump(part)
    return output.getvalue()


class _LatePickler(pickle.Pickler):
    """Writes the types that a part refers to as their names."""

    def persistent_id(self, part: Any) -> str | None:
        return part.name if isinstance(part, GraphQLNamedType) else None


class _LateUnpickler(pickle.Unpickler):
    def __init__(self, pickled: bytes, types: dict[str, Any]) -> None:
        super().__init__(BytesIO(pickled))
        self._types = types

    def persistent_load(self, name: str) -> Any:
        return self._types[name]
