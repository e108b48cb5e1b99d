"""An operation made ready to run again: graphql-core derives the same from the document for each answer, a plan once.

A plan is the document as nested fields, each with its resolver, its arguments and how its value is written. It covers
operations of objects, lists and leaves, with fragments, directives and variables, whose resolvers are no coroutines;
for all else there is no plan, and graphql-core runs the document. Fields are resolved one after the other, as those of
a mutation must be. Both give the same answers and the same errors:
contract_tests/rules/api/graphql/test_plans.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import iscoroutinefunction, unwrap
from typing import Any, NamedTuple, NoReturn

import msgspec
from graphql.error import GraphQLError, located_error
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
from graphql.pyutils import is_iterable
from graphql.type import (
    GraphQLIncludeDirective,
    GraphQLLeafType,
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
from mockserver.api.graphql.values import Arguments, Declared, NotPlain, Variables, arguments_of
from mockserver.errors import QueryTooComplex

MOST_FIELDS = 2000
"""Of one plan. Fragments that spread fragments make more of few selections than anybody should keep."""
MOST_LEVELS = 60
MOST_PLANS = 8
"""Of one operation: it has one for every answer to its `@include` and `@skip`."""

MOST_ANSWERED = 200_000
"""Fields of one answer. The largest page that an SDK asks for has some 30,000."""
SHORT_TEXT = 100
"""Characters. Shorter texts of an answer are not counted: the number of its fields bounds them."""

Path = tuple[Any, str | int] | None
"""(the path before, key or index); None is the root."""


class TakesLong(Exception):
    """The query has read or answered so much on the event loop that it has to begin again in a thread."""


class Run(msgspec.Struct):
    """The execution of one query. Resolvers are called with the `context`.

    At most `most` fields are answered; then it ends with TakesLong if it is `raising` that, else with QueryTooComplex.
    """

    context: Any
    variables: Variables
    most: int = MOST_ANSWERED
    raising: bool = False
    errors: list[GraphQLError] = []

    def end(self) -> NoReturn:
        """Ends the execution because of too many fields. Raises TakesLong or QueryTooComplex."""
        if self.raising:
            raise TakesLong
        raise QueryTooComplex(f"the answer has more than {MOST_ANSWERED} fields; request fewer fields, or pages")

    def add_error(self, error: Exception, path: Path, *, nullable: bool) -> None:
        """Keeps the error of a field that becomes null. Raises it if the field may not be null: its object fails."""
        located = located_error(error, None, _keys(path))
        if not nullable:
            raise located
        self.errors.append(located)


Complete = Callable[[Any, Run, Path], Any]
"""Turns the value of a resolver into JSON values."""


class Field(NamedTuple):
    """`write` is that of a leaf, called for what is not null; `complete` is for everything else."""

    key: str
    resolve: Callable[..., Any]
    read: Callable[[Any], Any] | None
    """Reads the value of a field that is an attribute, in place of `resolve`."""
    arguments: Arguments | None
    plain: type | None
    """Values of exactly this type are written as they are."""
    write: Callable[[Any], Any] | None
    complete: Complete
    nullable: bool


# Running


def execute_plan(fields: Sequence[Field], run: Run) -> ExecutionResult:
    """Executes the fields of the root."""
    try:
        data = _select(fields, None, run, None)
    except GraphQLError as error:
        run.errors.append(error)
        return ExecutionResult(None, run.errors)
    return ExecutionResult(data, run.errors or None)


def _select(  # noqa: C901  the loop of every answer, where a call costs more than a branch
    fields: Sequence[Field], source: Any, run: Run, path: Path
) -> dict[str, Any]:
    """Resolves the selection of one object."""
    run.most -= len(fields)
    if run.most < 0:
        run.end()
    call = run.context
    answer: dict[str, Any] = {}
    for key, resolve, read, arguments, plain, write, complete, nullable in fields:
        try:
            if read is not None:
                value = read(source)
            elif arguments is None:
                value = resolve(source, call)
            else:
                value = resolve(source, call, **arguments(run.variables))
            if type(value) is plain:
                if isinstance(value, str) and len(value) > SHORT_TEXT:
                    call.count_text(len(value))
                answer[key] = value
            elif value is None and nullable:
                answer[key] = None
            elif write is None or value is None:
                answer[key] = complete(value, run, (path, key))
            else:
                answer[key] = write(value)
        except (TakesLong, QueryTooComplex):
            raise
        except Exception as error:  # noqa: BLE001  every error is reported
            run.add_error(error, (path, key), nullable=nullable)
            answer[key] = None
    return answer


_PLAIN: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}
"""Types of leaves -> what graphql-core writes of them as it is."""
_SMALL = range(-(2**31), 2**31)
"""The integers that an Int may be."""


def _writer(kind: GraphQLLeafType) -> Callable[[Any], Any]:
    """How the values of a leaf are written: as graphql-core does, and integers without its many questions."""
    write = kind.coerce_output_value
    if str(kind) != "Int":
        return write
    return lambda value: value if type(value) is int and value in _SMALL else write(value)


def _keys(path: Path) -> list[str | int]:
    keys = []
    while path is not None:
        path, key = path
        keys.append(key)
    return keys[::-1]


def _leaf(write: Callable[[Any], Any]) -> Complete:
    def complete(value: Any, _run: Run, _path: Path) -> Any:
        return None if value is None else write(value)

    return complete


def _object(fields: Sequence[Field]) -> Complete:
    def complete(value: Any, run: Run, path: Path) -> Any:
        return None if value is None else _select(fields, value, run, path)

    return complete


def _list(item: Complete, where: str, *, nullable: bool) -> Complete:
    """`nullable` items; `where` is the field."""

    def complete(values: Any, run: Run, path: Path) -> Any:
        if values is None:
            return None
        if not is_iterable(values):
            raise GraphQLError(f"Expected Iterable, but did not find one for field '{where}'.")
        items = []
        for index, value in enumerate(values):
            try:
                items.append(item(value, run, (path, index)))
            except (TakesLong, QueryTooComplex):
                raise
            except Exception as error:  # noqa: BLE001  every error is reported
                run.add_error(error, (path, index), nullable=nullable)
                items.append(None)
        return items

    return complete


def _complete_not_null(inner: Complete, where: str) -> Complete:
    def complete(value: Any, run: Run, path: Path) -> Any:
        completed = inner(value, run, path)
        if completed is None:
            raise TypeError(f"Cannot return null for non-nullable field {where}.")
        return completed

    return complete


# Planning


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
            return Field(key, lambda _source, _call: kind.name, None, None, str, str, _leaf(str), nullable=False)
        if self._left < 0 or name not in kind.fields:
            raise NotPlain
        field = kind.fields[name]
        resolver = resolver_of(field)
        if resolver is None or iscoroutinefunction(unwrap(resolver)):
            raise NotPlain
        arguments = arguments_of(field, nodes[0]) if field.args else None
        of_type = field.type.of_type if is_non_null_type(field.type) else field.type
        write = _writer(of_type) if is_leaf_type(of_type) else None
        complete = self._complete(field.type, f"{kind.name}.{name}", nodes)
        read, plain = None if field.args else attribute_reader(resolver), _PLAIN.get(str(of_type))
        return Field(key, resolver, read, arguments, plain, write, complete, not is_non_null_type(field.type))

    def _complete(self, kind: GraphQLOutputType, where: str, nodes: list[FieldNode]) -> Complete:
        if is_non_null_type(kind):
            return _complete_not_null(self._complete(kind.of_type, where, nodes), where)
        if is_list_type(kind):
            return _list(self._complete(kind.of_type, where, nodes), where, nullable=not is_non_null_type(kind.of_type))
        if is_leaf_type(kind):
            return _leaf(kind.coerce_output_value)
        if not is_object_type(kind):
            raise NotPlain
        return _object(self.fields(kind, [node.selection_set for node in nodes if node.selection_set is not None]))
