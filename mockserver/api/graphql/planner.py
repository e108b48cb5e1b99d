"""Makes plans of documents: see plans.py. An operation has a plan for each set of answers to its directives."""

from __future__ import annotations

from inspect import iscoroutinefunction, unwrap
from typing import Any

from graphql.error import GraphQLError
from graphql.execution.types import ExecutionResult
from graphql.execution.values import get_directive_values
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
)
from graphql.type import (
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLSkipDirective,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from mockserver.api.graphql.fields import attribute_reader, resolver_of
from mockserver.api.graphql.plans import (
    MOST_ANSWERED,
    PLAIN,
    Complete,
    Field,
    Run,
    choose_writer,
    complete_leaf,
    complete_list,
    complete_not_null,
    complete_object,
    execute_plan,
)
from mockserver.api.graphql.values import Declared, NotPlain, Variables, arguments_of

MOST_FIELDS = 2000
"""Of one plan. Fragments that spread fragments make more of few selections than anybody should keep."""
MOST_LEVELS = 60
MOST_PLANS = 8
"""Of one operation: it has one for every answer to its `@include` and `@skip`."""


class Planned:
    """A validated document with the plans of its queries, made when they are first run."""

    def __init__(self, schema: GraphQLSchema, node: DocumentNode) -> None:
        self.node = node
        operations = [part for part in node.definitions if isinstance(part, OperationDefinitionNode)]
        roots = {OperationType.QUERY: schema.query_type, OperationType.MUTATION: schema.mutation_type}
        queries = [
            (part, Query(schema, node, part, root)) for part in operations if (root := roots.get(part.operation))
        ]
        self._named = {part.name.value: query for part, query in queries if part.name is not None}
        self._only = queries[0][1] if queries and len(operations) == 1 else None

    def run(
        self,
        operation: str | None,
        values: dict[str, Any] | None,
        context: Any,
        *,
        most: int = MOST_ANSWERED,
        raising: bool = False,
    ) -> ExecutionResult | None:
        """None when it is for graphql-core; nothing was resolved then. Raises QueryTooComplex, or if `raising`
        TakesLong, when more than `most` fields would be answered."""
        query = self._only if operation is None else self._named.get(operation)
        if query is None:
            return None
        try:
            variables = Variables(query.declared, values or {})
            fields = query.plan(variables)
        except NotPlain:
            return None
        return execute_plan(fields, Run(context, variables, most, raising))


class Query:
    """One operation of a document. It has a plan for each set of answers to its directives."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        node: OperationDefinitionNode,
        root: GraphQLObjectType,
    ) -> None:
        self._root, self._document, self._node = root, document, node
        self.declared = Declared(schema, node)
        self._plans: dict[tuple[Any, ...], list[Field] | None] = {}

    def plan(self, variables: Variables) -> list[Field]:
        """The plan for the values of the directives. Raises NotPlain."""
        answers = tuple(map(variables.values.get, self.declared.booleans))
        if answers not in self._plans and len(self._plans) < MOST_PLANS:
            self._plans[answers] = self._build_plan(variables)
        if (plan := self._plans.get(answers)) is None:
            raise NotPlain
        return plan

    def _build_plan(self, variables: Variables) -> list[Field] | None:
        try:
            return Planner(self._document, variables).fields(self._root, [self._node.selection_set])
        except (NotPlain, GraphQLError, RecursionError):
            return None


class Planner:
    def __init__(self, document: DocumentNode, variables: Variables) -> None:
        fragments = (node for node in document.definitions if isinstance(node, FragmentDefinitionNode))
        self._fragments = {node.name.value: node for node in fragments}
        self._variables = variables
        self._left, self._level = MOST_FIELDS, 0

    def fields(self, kind: GraphQLObjectType, selected: list[SelectionSetNode]) -> list[Field]:
        """The fields of one object. Raises NotPlain, GraphQLError."""
        if self._level == MOST_LEVELS:
            raise NotPlain
        self._level += 1
        nodes: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for selection_set in selected:
            self._collect(selection_set, nodes, spread)
        fields = [self._field(kind, key, same) for key, same in nodes.items()]
        self._level -= 1
        return fields

    def _collect(self, selected: SelectionSetNode, nodes: dict[str, list[FieldNode]], spread: set[str]) -> None:
        """Adds the requested fields by their keys, those of fragments included, each fragment once.

        Where no type is abstract, a valid document has fragments only on the type that they are in.
        """
        for node in selected.selections:
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                nodes.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                self._collect(node.selection_set, nodes, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                self._collect(self._fragments[node.name.value].selection_set, nodes, spread)

    def _is_included(self, node: SelectionNode) -> bool:
        if not node.directives:
            return True
        if any(directive.name.value not in {"skip", "include"} for directive in node.directives):
            raise NotPlain
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables.whole)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables.whole)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def _field(self, kind: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Field:
        self._left -= 1
        name = nodes[0].name.value
        if name == "__typename":
            return Field(
                key, lambda _source, _call: kind.name, None, None, str, str, complete_leaf(str), nullable=False
            )
        if self._left < 0 or name not in kind.fields:
            raise NotPlain
        field = kind.fields[name]
        resolver = resolver_of(field)
        if resolver is None or iscoroutinefunction(unwrap(resolver)):
            raise NotPlain
        arguments = arguments_of(field, nodes[0]) if field.args else None
        of_type = field.type.of_type if is_non_null_type(field.type) else field.type
        write = choose_writer(of_type) if is_leaf_type(of_type) else None
        complete = self._complete(field.type, f"{kind.name}.{name}", nodes)
        read, plain = None if field.args else attribute_reader(resolver), PLAIN.get(str(of_type))
        return Field(key, resolver, read, arguments, plain, write, complete, not is_non_null_type(field.type))

    def _complete(self, kind: GraphQLOutputType, where: str, nodes: list[FieldNode]) -> Complete:
        if is_non_null_type(kind):
            return complete_not_null(self._complete(kind.of_type, where, nodes), where)
        if is_list_type(kind):
            return complete_list(
                self._complete(kind.of_type, where, nodes), where, nullable=not is_non_null_type(kind.of_type)
            )
        if is_leaf_type(kind):
            return complete_leaf(kind.coerce_output_value)
        if not is_object_type(kind):
            raise NotPlain
        return complete_object(
            self.fields(kind, [node.selection_set for node in nodes if node.selection_set is not None])
        )
