"""The table of fields: which function resolves each field of the schema, and which fields are slow.

A resolver is called with the object it belongs to, the `Call` it works for, and the arguments of the field. Fields that
are attributes of a record need no function.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import wraps
from importlib import import_module
from operator import attrgetter
from typing import Any, cast

import msgspec
import orjson
from graphql.type import GraphQLField, GraphQLObjectType, GraphQLSchema

from mockserver.api.graphql.filters import snake
from mockserver.errors import BadInput
from mockserver.world.record import JsonText

Resolver = Callable[..., Any]

_RESOLVER, _LONG, _FEW, _MODULE = "resolver", "long", "few", "module"


class RegisteredField(msgspec.Struct, frozen=True):
    """`long` fields may take so much time that they run in a thread: their time grows with what they read or change.
    Lists of `few` items are short whatever the world has, so that a change may list them on the event loop."""

    resolver: Resolver
    long: bool = False
    few: bool = False


class Fields:
    """Type name -> field name -> registered field."""

    def __init__(self) -> None:
        self.by_type: dict[str, dict[str, RegisteredField]] = defaultdict(dict)

    def add(self, type: str, name: str, resolver: Resolver, *, long: bool = False, few: bool = False) -> None:  # noqa: A002  GraphQL's word
        """Registers the resolver of one field."""
        self.by_type[type][name] = RegisteredField(resolver, long, few)

    def add_nulls(self, type: str, names: str) -> None:  # noqa: A002  GraphQL's word
        """Registers fields that are null in every generated world."""
        for name in names.split():
            self.add(type, name, resolve_null)

    def add_attributes(self, type: str, kind: type[msgspec.Struct], names: str, **renamed: str) -> None:  # noqa: A002  GraphQL's word
        """Registers attributes of a record: `createdAt` reads `created_at`, unless `renamed` gives another."""
        for name, attribute in ({name: snake(name) for name in names.split()} | renamed).items():
            assert hasattr(kind, attribute), f"{type}.{name} must be an attribute of {kind.__name__}"
            self.add(type, name, _json_reader(attribute) if _is_json_text(kind, attribute) else _reader(attribute))


def _is_json_text(kind: type[msgspec.Struct], attribute: str) -> bool:
    """Whether a record declares the attribute as JsonText. Annotations are read as texts: evaluating those of all
    records takes longer than all else here."""
    annotations = (vars(base).get("__annotations__", {}).get(attribute) for base in kind.__mro__)
    declared = next((annotation for annotation in annotations if annotation is not None), "")
    return JsonText.__name__ in str(declared)


def _reader(attribute: str) -> Resolver:
    read = attrgetter(attribute)

    def resolve(source: Any, _call: Any) -> Any:
        return read(source)

    resolve.read = read  # type: ignore[attr-defined]  # plans call it itself
    return resolve


def attribute_reader(resolver: Resolver) -> Callable[[Any], Any] | None:
    """The function that reads a field that is only an attribute; None for other fields."""
    read: Callable[[Any], Any] | None = getattr(resolver, "read", None)
    return read


def _json_reader(attribute: str) -> Resolver:
    read = attrgetter(attribute)

    def resolve(source: Any, call: Any) -> Any:
        text = read(source)
        if text is None:
            return None
        call.count_text(len(text))
        return orjson.loads(text)

    return resolve


def json_text(document: Any) -> str:
    """The text of a field that is a string of JSON."""
    return orjson.dumps(document).decode()


def resolve_null(_source: Any, _call: Any, **_arguments: Any) -> None:
    """Resolves a field that is null in every generated world; its description in the schema says why."""


def resolve_empty_list(_source: Any, _call: Any, **_arguments: Any) -> list[Any]:
    """Resolves a list that is empty in every generated world; its description in the schema says why."""
    return []


# Fields of the schema


def assign_modules(schema: GraphQLSchema, modules: Iterable[str]) -> None:
    """Notes for each field of the schema which module has its resolver, so that it is imported when it is needed."""
    for module in modules:
        notes: dict[tuple[bool, bool], dict[str, Any]] = {}  # shared: a kept schema is read sooner
        for type_name, registered in list_fields(module).items():
            for name, field in registered.items():
                note = {_MODULE: module, _LONG: field.long, _FEW: field.few}
                _field_of(schema, type_name, name).extensions = notes.setdefault((field.long, field.few), note)


def load_modules(schema: GraphQLSchema, modules: Iterable[str]) -> None:
    """Imports modules of resolvers, and registers all that they have."""
    for module in modules:
        for type_name, registered in list_fields(module).items():
            for name, field in registered.items():
                register(_field_of(schema, type_name, name), field)


def module_of(field: GraphQLField) -> str | None:
    """The module that has to be loaded before the field can be resolved."""
    return field.extensions.get(_MODULE)


def list_fields(module: str) -> dict[str, dict[str, RegisteredField]]:
    """Imports a module of resolvers; returns its registered fields by the names of types and fields."""
    fields = Fields()
    import_module(module).add_to(fields)
    return fields.by_type


def _field_of(schema: GraphQLSchema, type_name: str, name: str) -> GraphQLField:
    kind = cast("GraphQLObjectType", schema.type_map[type_name])
    field: GraphQLField = kind.fields[name]
    return field


def register(field: GraphQLField, registered: RegisteredField) -> None:
    """Gives a field of the schema its resolver: plans call it itself, graphql-core calls it through its `info`."""
    resolver = _with_checked_arguments(registered.resolver) if field.args else registered.resolver
    field.extensions = {_RESOLVER: resolver, _LONG: registered.long, _FEW: registered.few}

    @wraps(resolver)
    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        return resolver(source, info.context, **arguments)

    field.resolve = resolve


def resolver_of(field: GraphQLField) -> Resolver | None:
    """The resolver that is called with the `Call`; None for the fields of introspection."""
    return field.extensions.get(_RESOLVER)


def is_long(field: GraphQLField) -> bool:
    """Whether the field was registered as long."""
    return field.extensions.get(_LONG, False) is True


def has_few(field: GraphQLField) -> bool:
    """Whether the field was registered as a list of few items."""
    return field.extensions.get(_FEW, False) is True


def _with_checked_arguments(resolver: Resolver) -> Resolver:
    """Drops arguments that are null, and refuses pages that begin or end in front of the first item."""

    @wraps(resolver)
    def resolve(source: Any, call: Any, **sent: Any) -> Any:
        arguments = {name: value for name, value in sent.items() if value is not None}
        for name in ("skip", "first"):
            if arguments.get(name, 0) < 0:
                raise BadInput(f"{name} is {arguments[name]}; expected 0 or more")
        return resolver(source, call, **arguments)

    return resolve
