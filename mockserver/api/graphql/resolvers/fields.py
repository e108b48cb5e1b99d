"""How resolvers are gathered: functions for what must be worked out, attributes for what a record simply has."""

from __future__ import annotations

import typing
from collections import defaultdict
from operator import attrgetter
from typing import Any

import msgspec
import orjson

from mockserver.api.graphql.engine import Resolver
from mockserver.api.graphql.filters import snake
from mockserver.world.database import JsonText


class Fields:
    """Type name -> field name -> resolver."""

    def __init__(self) -> None:
        self.by_type: dict[str, dict[str, Resolver]] = defaultdict(dict)

    def add(self, **resolvers: Resolver) -> None:
        """`Project_labelCount=function`: the type, an underscore, the field."""
        for path, resolver in resolvers.items():
            type_name, _, field_name = path.partition("_")
            self.by_type[type_name][field_name] = resolver

    def attributes(self, type_name: str, kind: type[msgspec.Struct], names: str, **renamed: str) -> None:
        """Fields that are attributes of a record: `createdAt` reads `created_at`; `renamed` says where it does not."""
        hints = typing.get_type_hints(kind)
        for name, attribute in ({name: snake(name) for name in names.split()} | renamed).items():
            assert hasattr(kind, attribute), f"{type_name}.{name} must be an attribute of {kind.__name__}"
            hint = hints.get(attribute)
            json_text = JsonText in (hint, *typing.get_args(hint))
            self.by_type[type_name][name] = _json_reader(attribute) if json_text else _reader(attribute)


def _reader(attribute: str) -> Resolver:
    read = attrgetter(attribute)

    def resolve(source: Any, _info: Any) -> Any:
        return read(source)

    return resolve


def _json_reader(attribute: str) -> Resolver:
    read = attrgetter(attribute)

    def resolve(source: Any, _info: Any) -> Any:
        text = read(source)
        return None if text is None else orjson.loads(text)

    return resolve


def json_text(document: Any) -> str:
    """A field that travels as a string of JSON."""
    return orjson.dumps(document).decode()


def nothing(_source: Any, _info: Any, **_arguments: Any) -> None:
    """A field that is null in every world of ours; its description in the schema says why."""


def no_list(_source: Any, _info: Any, **_arguments: Any) -> list[Any]:
    """A list that is empty in every world of ours; its description in the schema says why."""
    return []
