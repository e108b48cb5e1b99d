"""The words of a document or of its variables that were not understood, and the nearest known ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.type import GraphQLSchema, is_enum_type

from mockserver.errors import MOST_SHOWN, nearest, shorten
from mockserver.journal.notes import Operation, Unknown

MOST_ROOT_FIELDS = 20
"""Fields of the root that are noted of one operation."""
_MOST_NEAREST = 3


class _Shape(NamedTuple):
    """A sentence of graphql-core about an unknown word: what the word should be, and the names of its groups."""

    kind: str
    pattern: re.Pattern[str]


_SHAPES = (
    _Shape("field", re.compile(r"""Cannot query field ['"](?P<name>\w+)['"] on type ['"](?P<type>\w+)['"]""")),
    _Shape(
        "argument",
        re.compile(r"""Unknown argument ['"](?P<name>\w+)['"] on field ['"](?P<type>\w+)\.(?P<field>\w+)['"]"""),
    ),
    _Shape("type", re.compile(r"""Unknown type ['"](?P<name>\w+)['"]""")),
    _Shape(
        "argument", re.compile(r"""of type ['"](?P<type>\w+)['"] not to include unknown field ['"](?P<name>\w+)['"]""")
    ),
    _Shape(
        "argument",
        re.compile(r"""Value ['"](?P<name>\w+)['"] does not exist in ['"](?P<type>\w+)['"] enum"""),
    ),
    _Shape("variable", re.compile(r"""Variable ['"]\$(?P<name>\w+)['"]""")),
)


def find_unknown(schema: GraphQLSchema, messages: Iterable[str], otherwise: str = "document") -> tuple[Unknown, ...]:
    """Finds the unknown word that each message is about; the message itself is the word where none is found.

    `otherwise` is the kind of those.
    """
    return tuple(_find(schema, message, otherwise) for message in messages)


def _find(schema: GraphQLSchema, message: str, otherwise: str) -> Unknown:
    for shape in _SHAPES:
        match = shape.pattern.search(message)
        if match is not None:
            names = match.groupdict()
            near = nearest(names["name"], _list_known(schema, shape.kind, names), most=_MOST_NEAREST)
            owner = ".".join(names[part] for part in ("type", "field") if names.get(part))
            word = f"{owner}.{names['name']}" if owner else names["name"]
            return Unknown(shape.kind, word, tuple(near), message)
    return Unknown(otherwise, shorten(message, MOST_SHOWN), (), message)


def _list_known(schema: GraphQLSchema, kind: str, names: dict[str, str]) -> Iterable[str]:
    """The words that are known in the place of an unknown one."""
    if kind == "type":
        return [name for name in schema.type_map if not name.startswith("__")]
    owner: Any = schema.type_map.get(names.get("type", ""))
    if owner is None:
        return ()
    if is_enum_type(owner):
        return list(owner.values)
    fields = getattr(owner, "fields", {})
    if "field" in names:
        field = fields.get(names["field"])
        return () if field is None else list(field.args)
    return list(fields)


def suggest(unknown: Unknown) -> str:
    """The message of an unknown word with the nearest known ones, if it does not name any itself."""
    if not unknown.nearest or "Did you mean" in unknown.message or "nearest known" in unknown.message:
        return unknown.message
    near = ", ".join(f'"{word}"' for word in unknown.nearest)
    return f"{unknown.message} The nearest known are {near}."


# The operations of a document


def list_operations(node: DocumentNode) -> tuple[Operation, ...]:
    """The operations of a document, each with the fields of its root."""
    fragments = {part.name.value: part for part in node.definitions if isinstance(part, FragmentDefinitionNode)}
    return tuple(
        Operation(
            None if part.name is None else part.name.value,
            part.operation.value,
            tuple(dict.fromkeys(_list_root_fields(part.selection_set, fragments, set())))[:MOST_ROOT_FIELDS],
        )
        for part in node.definitions
        if isinstance(part, OperationDefinitionNode)
    )


def _list_root_fields(
    selected: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], spread: set[str]
) -> Iterator[str]:
    for node in selected.selections:
        if isinstance(node, FieldNode):
            yield node.name.value
        elif isinstance(node, InlineFragmentNode):
            yield from _list_root_fields(node.selection_set, fragments, spread)
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments and node.name.value not in spread:
            spread.add(node.name.value)
            yield from _list_root_fields(fragments[node.name.value].selection_set, fragments, spread)


def choose_operation(operations: tuple[Operation, ...], name: str | None) -> Operation | None:
    """The operation of this name; without a name the first one."""
    if name is None:
        return operations[0] if operations else None
    return next((each for each in operations if each.name == name), None)
