"""The GraphQL engine: the schema with its resolvers and scalars, and how a document is answered.

Only this module and its parts (`documents`, `cost`, `plans`, `values`) know GraphQL.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from inspect import isawaitable
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    MiddlewareManager,
    execute,
    is_introspection_type,
)

from mockserver.api.graphql.documents import Document, KeptDocuments, prepared
from mockserver.api.graphql.fields import RegisteredField, Resolver, register
from mockserver.api.graphql.plans import SHORT_TEXT, Planned, TakesLong
from mockserver.api.graphql.scalars import set_scalars
from mockserver.api.graphql.schema import load_schema
from mockserver.errors import BadInput, MockserverBug, QueryTooComplex, WireError
from mockserver.workspaces.long_changes import LongChanges
from mockserver.world.faults import find_fault

LOG = logging.getLogger(__name__)

T = TypeVar("T")

SHORT_DOCUMENT = 512
"""Characters. A longer one is not parsed on the event loop, where the worst of this length takes 20 ms."""
ANSWERED_ON_LOOP = 5_000
"""Fields that are answered on the event loop before a query begins again in a thread; some 5 ms."""
MOST_ANSWERED_BY_CORE = 50_000
"""Fields of one answer that graphql-core makes, at 10 us each. The schema as tools ask for it has 12,000."""
PREPARING, READING, CHANGING = 2, 4, 4
"""Threads that parse and validate documents, answer long queries, make long changes."""


class Context(Protocol):
    """What the resolvers are given."""

    on_loop: bool
    """While it is true, whoever reads so much that others wait is told so by TakesLong."""

    def use_snapshot(self) -> AbstractContextManager[None]:
        """Inside this context, reads use a snapshot on a thread of their own and do not block other requests."""
        ...


class Engine:
    """A schema with its resolvers, and the documents it has met."""

    def __init__(self, resolvers: Mapping[str, Mapping[str, RegisteredField]], cache: Path | None = None) -> None:
        """`cache` is the folder in which the schema is kept between starts."""
        self.schema = load_schema(cache)
        set_scalars(self.schema)
        for type_name, fields in resolvers.items():
            for field_name, field in fields.items():
                object_type = cast("GraphQLObjectType", self.schema.type_map[type_name])
                register(object_type.fields[field_name], field)
        self._documents = KeptDocuments()
        self._preparing = ThreadPoolExecutor(PREPARING, thread_name_prefix="documents")
        self._reading = ThreadPoolExecutor(READING, thread_name_prefix="queries")
        self._changing = ThreadPoolExecutor(CHANGING, thread_name_prefix="mutations")
        self._counted = MiddlewareManager(_count)

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

        What is `large`, or changes or reads much, runs in a thread. A query that turns out to read much begins again
        in one.
        """
        document = await self._document(query)
        long = document.long or large
        if not document.changes and not long:
            answered = self._answered_here(document.planned, variables, operation, context)
            if answered is not None:
                return response(answered)
        run = partial(self._run, document.planned, variables, operation, context, large=large)
        try:
            return response(await self._elsewhere(document, run, context, long_changes, long=long))
        except _Abandoned as abandoned:
            raise abandoned.why from None

    async def _elsewhere(
        self, document: Document, run: Callable[[], Any], context: Context, long_changes: LongChanges, *, long: bool
    ) -> ExecutionResult:
        """What is no short query: in a thread, or a short change in its turn."""
        result: Any
        if not document.changes:
            result = await self._in(self._reading, _apart, context, run)
        elif long:
            async with long_changes.turn():
                result = await self._in(self._changing, _awaited, run)
        else:
            await long_changes.over()
            result = run()
        answer: ExecutionResult = await result if isawaitable(result) else result
        return answer

    async def _in(self, threads: Executor, call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(threads, call, *arguments)

    def _answered_here(
        self, planned: Planned, variables: dict[str, Any] | None, operation: str | None, context: Context
    ) -> ExecutionResult | None:
        """On the event loop; None when it would take long there, or has no plan."""
        context.on_loop = True
        try:
            return planned.run(operation, variables, context, most=ANSWERED_ON_LOOP, raising=True)
        except TakesLong:
            return None
        except RecursionError:
            raise QueryTooComplex("the variables are nested too deep") from None
        finally:
            context.on_loop = False

    def _run(
        self,
        planned: Planned,
        variables: dict[str, Any] | None,
        operation: str | None,
        context: Any,
        *,
        large: bool,
    ) -> Any:
        """An ExecutionResult, or what gives one when it is awaited. Raises QueryTooComplex, _Abandoned."""
        try:
            if (result := planned.run(operation, variables, context)) is not None:
                return result
            return execute(
                self.schema,
                planned.node,
                context_value=context,
                variable_values=variables,
                operation_name=operation,
                middleware=self._counted,
                hide_suggestions=large,  # a word of megabytes is compared with every known one
            )
        except RecursionError:
            raise QueryTooComplex("the variables are nested too deep") from None

    async def _document(self, query: str) -> Document:
        found = self._documents.get(query)
        if found is None:
            if len(query) > SHORT_DOCUMENT:
                found = await self._in(self._preparing, self.prepared, query)
            else:
                found = self.prepared(query)
            self._documents.keep(query, found)
        if isinstance(found, WireError):
            raise found.copy()
        return found

    def prepared(self, query: str) -> Document | WireError:
        """The document, or why there is none."""
        return prepared(self.schema, query)


def _apart(context: Context, run: Callable[[], T]) -> T:
    with context.use_snapshot():
        return run()


def _awaited(run: Callable[[], Any]) -> Any:
    """In a thread, the result of what may have to be awaited: exports are waited for a moment."""
    result = run()
    return asyncio.run(_await(result)) if isawaitable(result) else result


async def _await(result: Awaitable[T]) -> T:
    return await result


class _Abandoned(BaseException):
    """Ends an execution by graphql-core at once. An Exception would become one error of many and the rest would go on:
    the errors of 50,000 fields take longer than their answers."""

    def __init__(self, why: QueryTooComplex) -> None:
        super().__init__(why.message)
        self.why = why


def _count(resolve: Resolver, source: Any, info: Any, **arguments: Any) -> Any:
    """For every field that graphql-core answers."""
    call = info.context
    call.answered += 1
    if call.answered > MOST_ANSWERED_BY_CORE:
        raise _Abandoned(QueryTooComplex(f"the answer has more than {MOST_ANSWERED_BY_CORE} fields; ask for pages"))
    try:
        value = resolve(source, info, **arguments)
        if isinstance(value, str) and len(value) > SHORT_TEXT:
            call.count_text(len(value))
    except QueryTooComplex as error:
        raise _Abandoned(error) from None
    return value


# Errors


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
    told = cause if isinstance(cause, WireError) else None if cause is None else find_fault(cause)
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


def object_fields(schema: GraphQLSchema) -> dict[str, dict[str, Any]]:
    """Every object type's fields, for tests of completeness."""
    return {
        name: dict(kind.fields)
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and not is_introspection_type(kind)
    }
