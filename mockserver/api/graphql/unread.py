"""Fields of inputs that clients send and nothing reads: the request is answered as if they had not been sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from graphql.language import DocumentNode, FieldNode, OperationDefinitionNode, OperationType, ValueNode
from graphql.pyutils import Undefined
from graphql.type import GraphQLInputType, GraphQLSchema, get_named_type, is_input_object_type
from graphql.utilities import value_from_ast_untyped

from mockserver.journal.notes import Unknown

_NO_SECTION = "a model run has no such section (SDK 3.37 and 3.38)"
UNREAD = {
    "ExportParamsInput.mediaTypeOverride": "it is a hint, and rows are written as the medium that they are",
    "CatalogExportParamsInput.mediaTypeOverride": "it is a hint, and rows are written as the medium that they are",
    "ModelRunExportParamsInput.mediaTypeOverride": "it is a hint, and rows are written as the medium that they are",
    "ExportParamsInput.includeMediaAttributes": "media attributes are in every row",
    "ModelRunExportParamsInput.includeMediaAttributes": "media attributes are in every row",
    "ModelRunExportParamsInput.includeModelRunDetails": "the section that it adds is unknown",
    "ModelRunExportParamsInput.includeProjectDetails": _NO_SECTION,
    "ModelRunExportParamsInput.includeLabels": _NO_SECTION,
    "ModelRunExportParamsInput.includePerformanceDetails": _NO_SECTION,
    "SearchQueryInput.scope": "the scope of an export is that of its mutation",
}
"""Input type and field -> why nothing reads it. null, false and empty values change nothing on any server."""
MOST_LEVELS = 10
MOST_NOTED = 10


class Input(NamedTuple):
    """An argument of a field of the root, with its type and the value that the document gives it."""

    kind: GraphQLInputType
    node: ValueNode


def list_inputs(schema: GraphQLSchema, node: DocumentNode) -> tuple[Input, ...]:
    """The arguments of mutations whose type has a field that nothing reads, at any level."""
    root = schema.mutation_type
    inputs = []
    for part in node.definitions:
        if not isinstance(part, OperationDefinitionNode) or part.operation != OperationType.MUTATION or root is None:
            continue
        for selection in part.selection_set.selections:
            if isinstance(selection, FieldNode) and selection.name.value in root.fields:
                arguments = root.fields[selection.name.value].args
                inputs += [
                    Input(arguments[argument.name.value].type, argument.value)
                    for argument in selection.arguments or ()
                    if argument.name.value in arguments and _may_be_unread(arguments[argument.name.value].type)
                ]
    return tuple(inputs)


def _may_be_unread(kind: GraphQLInputType, seen: frozenset[str] = frozenset()) -> bool:
    input_type: Any = get_named_type(kind)
    if not is_input_object_type(input_type) or input_type.name in seen:
        return False
    inside = seen | {input_type.name}
    return any(
        f"{input_type.name}.{name}" in UNREAD or _may_be_unread(field.type, inside)
        for name, field in input_type.fields.items()
    )


def find_unread(inputs: tuple[Input, ...], variables: Mapping[str, Any]) -> list[Unknown]:
    """Finds the fields that were sent with a value and that nothing reads."""
    unread: dict[str, Unknown] = {}
    for kind, node in inputs:
        value = value_from_ast_untyped(node, dict(variables))
        for word in _walk(kind, value, MOST_LEVELS):
            unread[word] = Unknown("input", word, (), f"Nothing reads {word}: {UNREAD[word]}")
    return list(unread.values())[:MOST_NOTED]


def _walk(kind: GraphQLInputType, value: Any, levels: int) -> Iterator[str]:
    input_type: Any = get_named_type(kind)
    if not isinstance(value, Mapping) or not is_input_object_type(input_type) or not levels:
        return
    for name, inner in value.items():
        field = input_type.fields.get(name)
        if field is None or not inner or inner is Undefined:
            continue
        word = f"{input_type.name}.{name}"
        if word in UNREAD:
            yield word
        else:
            yield from _walk(field.type, inner, levels - 1)
