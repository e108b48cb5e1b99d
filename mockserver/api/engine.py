"""The GraphQL engine, which only this module, `plans` and `values` know: schema, scalars, documents, execution.

Parsing and validating a document costs milliseconds, executing it hundreds of microseconds, and an SDK sends the same
few documents again and again: so documents are kept by their text, and queries with a plan (`plans`).
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial, wraps
from importlib import resources
from inspect import isawaitable
from typing import Any, Protocol, TypeVar, cast

import msgspec
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    Source,
    ValueNode,
    build_schema,
    execute,
    is_introspection_type,
    parse,
    specified_rules,
    validate,
)
from graphql.pyutils import AwaitableOrValue
from graphql.utilities import value_from_ast_untyped
from graphql.validation import FieldsOnCorrectTypeRule

from mockserver.api.plans import Planned
from mockserver.errors import (
    BadInput,
    MockserverBug,
    QueryNotParsed,
    QueryNotValid,
    QueryTooComplex,
    WireError,
    nearest,
    quoted,
)
from mockserver.exports.text import zulu
from mockserver.workspaces.long_changes import LongChanges
from mockserver.world.faults import fault_of

LOG = logging.getLogger(__name__)

Resolver = Callable[..., Any]
T = TypeVar("T")

LARGE_DOCUMENT = 16 * 1024
"""Characters. A larger one (a bulk delete inlines its ids) is not kept, and not parsed on the event loop."""
KEPT_DOCUMENTS = 1024
MOST_SELECTIONS = 1000
MOST_DEPTH = 60
MOST_TOKENS = 500_000
"""A bulk delete of 25,000 ids has some 50,000."""


LONG_CHANGES = frozenset({"deleteDataRows", "deleteLabels", "updateDataset"})
"""Mutations whose time grows with what they change: the last one deletes a dataset with all its data rows."""


LONG_READS = frozenset(
    {"labels", "label", "dataRows", "datasetDataRows", "dataRowCustomMetadata", "workstreamStateCounts"}
)
"""Fields that hundreds of records are read for: pages of data rows and labels, labels as Export V1 tells them, and the
states of all rows of a project."""


class Context(Protocol):
    """What the resolvers are given."""

    def apart(self) -> AbstractContextManager[None]:
        """What is read within, is read from a snapshot, and by a thread that nobody else waits for."""
        ...


class Document(msgspec.Struct, frozen=True):
    """A parsed and validated document. `changes` says that it holds a mutation, `long` that it may keep others waiting
    if it ran on the event loop."""

    planned: Planned
    changes: bool
    long: bool


class Engine:
    """A schema with its resolvers, and the documents it has met."""

    def __init__(self, resolvers: Mapping[str, Mapping[str, Resolver]]) -> None:
        self.schema = build_schema(sdl(), assume_valid=True, no_location=True)
        _give_scalars(self.schema)
        for type_name, fields in resolvers.items():
            for field_name, resolver in fields.items():
                object_type = cast("GraphQLObjectType", self.schema.type_map[type_name])
                field = object_type.fields[field_name]
                field.resolve = _with_arguments(resolver) if field.args else resolver
        self._documents: OrderedDict[str, Document | WireError] = OrderedDict()

    async def answer(
        self,
        query: str,
        variables: dict[str, Any] | None,
        operation: str | None,
        context: Context,
        long_changes: LongChanges,
        *,
        large: bool = False,
    ) -> Any:
        """`{"data": …}` and, if something failed, `errors`. Raises WireError when the document cannot be run.

        What is `large`, or changes or reads much, runs in a thread.
        """
        document = await self._document(query)
        run = partial(self._run, document.planned, variables, operation, context)
        if not document.changes:
            result = await asyncio.to_thread(_apart, context, run) if document.long or large else run()
        elif document.long or large:
            async with long_changes.turn():
                result = await asyncio.to_thread(run)
        else:
            await long_changes.over()
            result = run()
        return response(await result if isawaitable(result) else result)

    def _run(
        self, planned: Planned, variables: dict[str, Any] | None, operation: str | None, context: Any
    ) -> AwaitableOrValue[ExecutionResult]:
        try:
            if (result := planned.run(operation, variables, context)) is not None:
                return result
            return execute(
                self.schema, planned.node, context_value=context, variable_values=variables, operation_name=operation
            )
        except RecursionError:
            raise QueryTooComplex("the variables are nested too deep") from None

    async def _document(self, query: str) -> Document:
        if len(query) > LARGE_DOCUMENT:
            found = await asyncio.to_thread(self.prepared, query)
        elif (kept := self._documents.get(query)) is not None:
            self._documents.move_to_end(query)
            found = kept
        else:
            found = self._documents[query] = self.prepared(query)
            if len(self._documents) > KEPT_DOCUMENTS:
                self._documents.popitem(last=False)
        if isinstance(found, WireError):
            raise found
        return found

    def prepared(self, query: str) -> Document | WireError:
        """The document, or why there is none."""
        try:
            check_depth(query)
            node = parse(Source(query, "request"), no_location=True, max_tokens=MOST_TOKENS)
            check_selections(node)
        except GraphQLSyntaxError as error:
            return QueryNotParsed(error.message, locations=[_place(error)] if error.locations else [])
        except WireError as error:
            return error
        errors = validate(self.schema, node, _RULES, max_errors=5)
        return _invalid(errors) if errors else _document(Planned(self.schema, node))


def _apart(context: Context, run: Callable[[], T]) -> T:
    with context.apart():
        return run()


def _document(planned: Planned) -> Document:
    definitions = planned.node.definitions
    operations = [definition for definition in definitions if isinstance(definition, OperationDefinitionNode)]
    changes = any(definition.operation == OperationType.MUTATION for definition in operations)
    return Document(planned, changes, not (LONG_CHANGES if changes else LONG_READS).isdisjoint(_fields(planned.node)))


def _fields(node: DocumentNode) -> Iterator[str]:
    """The names of all fields that are selected anywhere."""
    waiting: list[Any] = list(node.definitions)
    while waiting:
        found = waiting.pop()
        if isinstance(found, FieldNode):
            yield found.name.value
        if selection_set := getattr(found, "selection_set", None):
            waiting += selection_set.selections


def _with_arguments(resolver: Resolver) -> Resolver:
    """For all fields with arguments: null means not given, and no page begins or ends before the first item."""

    @wraps(resolver)
    def resolve(source: Any, info: Any, **given: Any) -> Any:
        arguments = {name: value for name, value in given.items() if value is not None}
        for name in ("skip", "first"):
            if arguments.get(name, 0) < 0:
                raise BadInput(f"{name} is {arguments[name]}; expected 0 or more")
        return resolver(source, info, **arguments)

    return resolve


def sdl() -> str:
    """The schema as text."""
    return resources.files("mockserver.api").joinpath("schema.graphql").read_text("utf-8")


# Limits


_NESTING = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*|[{}\[\]()]')


def check_depth(query: str) -> None:
    """The parser descends once per level, so depth is counted in the text. Raises QueryTooComplex."""
    if query.count("{") + query.count("[") + query.count("(") <= MOST_DEPTH:
        return
    depth = 0
    for token in _NESTING.finditer(query):
        if token[0] in "{[(":
            depth += 1
            if depth > MOST_DEPTH:
                raise QueryTooComplex(f"the document is more than {MOST_DEPTH} levels deep")
        elif token[0] in "}])":
            depth -= 1


def check_selections(document: DocumentNode) -> None:
    """Fields and fragment spreads, before validation, whose time grows with their square. Raises QueryTooComplex."""
    waiting: list[Any] = list(document.definitions)
    selections = 0
    while waiting:
        selection_set = getattr(waiting.pop(), "selection_set", None)
        if selection_set is not None:
            selections += len(selection_set.selections)
            waiting += selection_set.selections
    if selections > MOST_SELECTIONS:
        raise QueryTooComplex(f"the document has {selections} selections; at most {MOST_SELECTIONS} are answered")


# Errors


class NearestNames(FieldsOnCorrectTypeRule):
    """An unknown field is answered in the service's wording and with the nearest names we know, however far."""

    def enter_field(self, node: FieldNode, *_args: Any) -> None:
        parent = self.context.get_parent_type()
        if parent is None or self.context.get_field_def() is not None:
            return
        name, fields = node.name.value, getattr(parent, "fields", {})
        near = f" The nearest known are {quoted(nearest(name, fields))}." if fields else ""
        message = f'Cannot query field "{name}" on type "{parent.name}".{near}'
        if parent.name in {"Query", "Mutation"}:
            message += " Other fields of the real service are not imitated yet."
        self.report_error(GraphQLError(message, node))


_RULES = [NearestNames if rule is FieldsOnCorrectTypeRule else rule for rule in specified_rules]


def _invalid(errors: list[GraphQLError]) -> QueryNotValid:
    """All messages in one, in double quotes as the service writes them (SDK tests test_client_errors.py)."""
    messages = [re.sub(r"'([^']*)'", r'"\1"', error.message) for error in errors]
    return QueryNotValid(" ".join(messages))


def _place(error: GraphQLError) -> dict[str, int]:
    location = (error.locations or [])[0]
    return {"line": location.line, "column": location.column}


def response(result: ExecutionResult) -> dict[str, Any]:
    if not result.errors:
        return {"data": result.data}
    for error in result.errors:
        if isinstance(error.original_error, QueryTooComplex):  # once is enough: every field behind it failed alike
            raise error.original_error
    return {"errors": [_error(error) for error in result.errors], "data": result.data}


def _error(error: GraphQLError) -> dict[str, Any]:
    """One entry of `errors`. A plain exception behind it is our bug, and its traceback goes to the log."""
    cause = error.original_error
    told = cause if isinstance(cause, WireError) else None if cause is None else fault_of(cause)
    if told is not None:
        shown = told.as_graphql()
    elif cause is None or isinstance(cause, GraphQLError):
        shown = BadInput(re.sub(r"'([^']*)'", r'"\1"', error.message)).as_graphql()
    else:
        LOG.error("a resolver failed: %s", "/".join(map(str, error.path or ())), exc_info=cause)
        shown = MockserverBug(
            f"A bug in the mock, not in your request: {type(cause).__name__}; see its log"
        ).as_graphql()
    return shown | {"path": error.path} if error.path else shown


# Scalars


def _give_scalars(schema: GraphQLSchema) -> None:
    for name, (write, read) in _SCALARS.items():
        scalar = cast("GraphQLScalarType", schema.type_map[name])
        scalar.coerce_output_value = write
        scalar.coerce_input_value = read
        scalar.coerce_input_literal = partial(_literal, read)


def _literal(read: Callable[[Any], Any], node: ValueNode) -> Any:
    return read(value_from_ast_untyped(node))


def _same(value: Any) -> Any:
    return value


def written_moment(microseconds: int) -> str:
    """`2024-01-02T03:04:05.678Z`; the SDK parses nothing else (wire trap 7)."""
    return zulu(microseconds)


def read_moment(value: Any) -> int:
    """ISO 8601 -> microseconds UTC."""
    try:
        moment = datetime.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise GraphQLError(
            f'DateTime cannot represent {value!r}; expected ISO 8601 like "2024-01-02T03:04:05Z"'
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    try:
        return (moment.astimezone(datetime.UTC) - _EPOCH) // datetime.timedelta(microseconds=1)
    except OverflowError:
        raise GraphQLError(f"DateTime cannot represent {value!r}; expected a moment of the years 1 to 9999") from None


def read_number(value: Any) -> int:
    """UInt64 arrives as a string or an integer (SDK export_task.py: offset as str, line as int)."""
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not re.fullmatch(r"\d{1,20}", str(value)):
        raise GraphQLError(f'UInt64 cannot represent {value!r}; expected digits like "0" or 0')
    return int(value)


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

_SCALARS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "DateTime": (zulu, read_moment),
    "Json": (_same, _same),
    "UInt64": (str, read_number),
    "PageSize": (_same, read_number),
}


def object_fields(schema: GraphQLSchema) -> dict[str, dict[str, Any]]:
    """Every object type's fields, for tests of completeness."""
    return {
        name: dict(kind.fields)
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and not is_introspection_type(kind)
    }
