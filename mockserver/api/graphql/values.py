"""Variables and arguments of a kept document, read as graphql-core reads them, in a fraction of its time where they
are plain: variables that are leaves, null or left out; arguments of literals, variables, and objects and lists of
these.

For all else, and for whatever is wrong, graphql-core is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from graphql.language import FieldNode, ListValueNode, ObjectValueNode, OperationDefinitionNode, ValueNode, VariableNode
from graphql.pyutils import Undefined
from graphql.type import (
    GraphQLField,
    GraphQLInputType,
    GraphQLSchema,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.utilities import coerce_input_literal, type_from_ast

Values = dict[str, Any]


class NotPlain(Exception):
    """It takes graphql-core to read this."""


class _Variable(NamedTuple):
    """A variable that an operation declares."""

    name: str
    read: Callable[[Any], Any] | None
    """Reads a value that is a leaf; None where values are lists or objects."""
    nullable: bool
    omissible: bool


class Declared:
    """The variables that an operation declares."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema, self._nodes = schema, operation.variable_definitions or ()
        types = {node.variable.name.value: type_from_ast(schema, node.type) for node in self._nodes}
        defaults = {node.variable.name.value for node in self._nodes if node.default_value is not None}
        self._variables = [_build_variable(name, kind, name in defaults) for name, kind in types.items()]
        self.booleans = [name for name, kind in types.items() if str(_nullable(kind)) == "Boolean"]

    def plain(self, sent: Values) -> Values | None:
        """Their values, if they are plain."""
        values: Values = {}
        try:
            for name, read, nullable, omissible in self._variables:
                value = sent.get(name, Undefined)
                if value is Undefined:
                    if not omissible:
                        return None
                elif value is None:
                    if not nullable:
                        return None
                    values[name] = None
                elif read is None:
                    return None
                else:
                    values[name] = read(value)
        except Exception:  # noqa: BLE001  graphql-core says what is wrong
            return None
        return values

    def whole(self, sent: Values) -> VariableValues:
        """Raises NotPlain when they are wrong."""
        values = get_variable_values(self._schema, self._nodes, sent, max_errors=1, hide_suggestions=True)
        if isinstance(values, list):
            raise NotPlain
        return values


class Variables:
    """The variables of one request: `values` by name, and `whole` as graphql-core has them. Raises NotPlain."""

    def __init__(self, declared: Declared, sent: Values) -> None:
        self._declared, self._sent = declared, sent
        self._whole: VariableValues | None = None
        plain = declared.plain(sent)
        self.values = self.whole.coerced if plain is None else plain

    @property
    def whole(self) -> VariableValues:
        if self._whole is None:
            self._whole = self._declared.whole(self._sent)
        return self._whole


Arguments = Callable[[Variables], Values]
_Read = Callable[[Values], Any]
"""A value of an argument, with the values of the variables; Undefined where its variable was left out. Raises KeyError
when it is not plain with these."""


def arguments_of(field: GraphQLField, node: FieldNode) -> Arguments:
    """How the arguments of a field are read."""
    nodes = {argument.name.value: argument.value for argument in node.arguments or ()}
    try:
        reads = {name: _reader(nodes[name], _plain_type(kind)) for name, kind in field.args.items() if name in nodes}
    except NotPlain:
        return lambda variables: get_argument_values(field, node, variables.whole)

    def read(variables: Variables) -> Values:
        try:
            return _read_given(reads, variables.values)
        except KeyError:
            return get_argument_values(field, node, variables.whole)

    return read


def _plain_type(defined: Any) -> GraphQLInputType:
    """The type of an argument or a field of an input. Raises NotPlain if it has a default."""
    if defined.default is not None or defined.default_value is not Undefined or defined.out_name is not None:
        raise NotPlain
    kind: GraphQLInputType = defined.type
    return kind


def _nullable(kind: Any) -> Any:
    return kind.of_type if is_non_null_type(kind) else kind


def _reader(node: ValueNode, kind: GraphQLInputType) -> _Read:
    if isinstance(node, VariableNode):
        return _variable(node.name.value, required=is_non_null_type(kind))
    if not _has_variables(node):
        value = coerce_input_literal(node, kind)
        if value is Undefined:
            raise NotPlain
        return lambda _values: value
    kind = _nullable(kind)
    if is_list_type(kind):
        return _items([_reader(item, kind.of_type) for item in getattr(node, "values", (node,))])
    if is_input_object_type(kind) and isinstance(node, ObjectValueNode) and not kind.is_one_of:
        nodes = {field.name.value: field.value for field in node.fields}
        return _fields({n: _reader(nodes[n], _plain_type(field)) for n, field in kind.fields.items() if n in nodes})
    raise NotPlain


def _has_variables(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(map(_has_variables, node.values))
    if isinstance(node, ObjectValueNode):
        return any(_has_variables(field.value) for field in node.fields)
    return isinstance(node, VariableNode)


def _build_variable(name: str, kind: Any, has_default: bool) -> _Variable:
    nullable, value = not is_non_null_type(kind), _nullable(kind)
    read = value.coerce_input_value if is_leaf_type(value) else None
    return _Variable(name, read, nullable, omissible=nullable and not has_default)


def _variable(name: str, *, required: bool) -> _Read:
    if not required:
        return lambda values: values.get(name, Undefined)

    def read(values: Values) -> Any:
        value = values[name]
        if value is None:
            raise KeyError
        return value

    return read


def _items(reads: list[_Read]) -> _Read:
    def read(values: Values) -> list[Any]:
        items = [read(values) for read in reads]
        if Undefined in items:  # null, which not every list takes
            raise KeyError
        return items

    return read


def _fields(reads: dict[str, _Read]) -> _Read:
    return lambda values: _read_given(reads, values)


def _read_given(reads: dict[str, _Read], values: Values) -> Values:
    """The arguments or fields without those whose variables were left out."""
    return {name: value for name, read in reads.items() if (value := read(values)) is not Undefined}
