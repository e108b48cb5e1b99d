"""The GraphQL engine: the schema with its resolvers and scalars, and how a document is answered.

Only this module and its parts (`documents`, `cost`, `plans`, `values`) know GraphQL.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from inspect import isawaitable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from graphql.error import GraphQLError
from graphql.execution.types import ExecutionResult
from graphql.type import GraphQLObjectType, GraphQLSchema, is_introspection_type

from mockserver.api.graphql.documents import Document, KeptDocuments, RefusedDocument, prepare
from mockserver.api.graphql.fields import Resolver
from mockserver.api.graphql.planner import Planned
from mockserver.api.graphql.plans import SHORT_TEXT
from mockserver.api.graphql.scalars import set_scalars
from mockserver.api.graphql.schema import load_schema
from mockserver.api.graphql.unknown import choose_operation, find_unknown
from mockserver.api.graphql.unread import find_unread
from mockserver.errors import BadInput, MockserverBug, QueryTooComplex, WireError
from mockserver.jobs.long_changes import LongChanges, hold
from mockserver.jobs.turns import TurnLock
from mockserver.journal.notes import Notes
from mockserver.world.machine_failures import find_machine_failure
from mockserver.world.short_reads import TakesLong, begin_short_reads, end_short_reads

LOG = logging.getLogger(__name__)

T = TypeVar("T")

SHORT_DOCUMENT = 512
"""Characters. A longer one is not parsed on the event loop, where the worst of this length takes 20 ms."""
ANSWERED_ON_LOOP = 5_000
"""Fields that are answered on the event loop before a query begins again in a thread; some 5 ms."""
MOST_ANSWERED_BY_CORE = 50_000
"""Fields of one answer that graphql-core makes, at 10 us each. The schema as tools ask for it has 12,000."""
PREPARING, READING, CHANGING = 2, 8, 16
"""Threads that parse and validate documents, answer long queries (LONG_READS in mockserver/workspaces/workspace.py for
one workspace), make long changes. An import of labels may hold one
of the last for seconds, in which it mostly waits for its turn or the processor."""


class Context(Protocol):
    """The object that every resolver is called with."""

    on_loop: bool
    """While it is true, a read raises TakesLong when other requests would wait for it."""
    answered: int
    """Fields that were answered and may have changed what was read before: then nothing is kept between reads."""

    @property
    def long_reads(self) -> TurnLock:
        """The turns of the workspace's long queries."""
        ...

    def use_snapshot(self) -> AbstractContextManager[None]:
        """Inside this context, reads use a snapshot on a thread of their own and do not block other requests."""
        ...


class Engine:
    """A schema with its resolvers, and the documents that were sent to it."""

    def __init__(self, modules: Iterable[str], cache: Path | None = None) -> None:
        """`modules` have the resolvers; `cache` is the folder in which the schema is kept between starts."""
        self.schema = load_schema(modules, cache)
        set_scalars(self.schema)
        self._documents = KeptDocuments()
        self._prepare_lock = threading.Lock()
        self._preparing = ThreadPoolExecutor(PREPARING, thread_name_prefix="documents")
        self._reading = ThreadPoolExecutor(READING, thread_name_prefix="queries")
        self._changing = ThreadPoolExecutor(CHANGING, thread_name_prefix="mutations")

    async def answer(
        self,
        query: str,
        variables: dict[str, Any] | None,
        operation: str | None,
        context: Context,
        long_changes: LongChanges,
        notes: Notes,
        *,
        large: bool = False,
    ) -> Any:
        """`{"data": …}` and, if something failed, `errors`. Raises WireError when the document cannot be run.

        `large` requests and long documents run in a thread. A query that reads much begins again in one. What the
        document is, and what of it was not understood, is written into the notes.
        """
        document = await self._find_document(query, operation, notes)
        if document.inputs:
            notes.add_unknown(find_unread(document.inputs, variables or {}))
        long = document.long or large
        if not document.changes and not long:
            result = self._run_on_loop(document.planned, variables, operation, context)
            if result is not None:
                return self._build_response(result, notes)
        if document.changes:
            context.answered += 1  # what was read before a change is not used after it
        run = partial(self._run, document.planned, variables, operation, context, large=large)
        try:
            result = await self._run_in_order(document, run, context, long_changes, long=long)
            return self._build_response(result, notes)
        except _Abandoned as abandoned:
            raise abandoned.why from None

    async def _run_in_order(
        self, document: Document, run: Callable[[], Any], context: Context, long_changes: LongChanges, *, long: bool
    ) -> ExecutionResult:
        """Runs long documents in a thread, and short changes after the long ones in front of them."""
        result: Any
        if not document.changes:
            async with context.long_reads:  # those of one workspace leave threads for the others
                result = await self._run_in(self._reading, _run_on_snapshot, context, run)
        elif long:
            async with long_changes.turn():
                result = await self._run_in(self._changing, _run_and_wait, run, long_changes)
        else:
            await long_changes.wait()
            result = run()
        answer: ExecutionResult = await result if isawaitable(result) else result
        return answer

    async def _run_in(self, threads: Executor, call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(threads, call, *arguments)

    def _run_on_loop(
        self, planned: Planned, variables: dict[str, Any] | None, operation: str | None, context: Context
    ) -> ExecutionResult | None:
        """Runs a query on the event loop. Returns None when it would take long there, or has no plan."""
        context.on_loop = True
        begin_short_reads()
        try:
            return planned.run(operation, variables, context, most=ANSWERED_ON_LOOP, raising=True)
        except TakesLong:
            return None
        except RecursionError:
            raise QueryTooComplex("the variables are nested too deep") from None
        finally:
            end_short_reads()
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
        """An ExecutionResult, or an awaitable of one. Raises QueryTooComplex, _Abandoned."""
        try:
            if (result := planned.run(operation, variables, context)) is not None:
                return result
            from graphql.execution import MiddlewareManager, execute  # noqa: PLC0415  for what has no plan

            return execute(
                self.schema,
                planned.node,
                context_value=context,
                variable_values=variables,
                operation_name=operation,
                middleware=MiddlewareManager(_count),
                hide_suggestions=large,  # a word of megabytes would be compared with all known words
            )
        except RecursionError:
            raise QueryTooComplex("the variables are nested too deep") from None

    def _build_response(self, result: ExecutionResult, notes: Notes) -> dict[str, Any]:
        """Notes the errors of the request itself, which are at no place of the answer: mostly wrong variables."""
        if result.errors:
            wrong = [error.message for error in result.errors if _is_about_request(error)]
            notes.add_unknown(find_unknown(self.schema, wrong, "variable"))
        try:
            return build_response(result)
        finally:
            forget_tracebacks(result.errors or ())

    async def _find_document(self, query: str, operation: str | None, notes: Notes) -> Document:
        document = self._documents.get(query)
        if document is None:
            if len(query) > SHORT_DOCUMENT:
                document = await self._run_in(self._preparing, self.prepare, query)
            else:
                document = self.prepare(query)
            self._documents.keep(query, document)
        notes.operation = choose_operation(document.operations, operation)
        if isinstance(document, RefusedDocument):
            notes.add_unknown(document.unknown)
            raise document.error.copy()
        return document

    def prepare(self, query: str) -> Document | RefusedDocument:
        """The document, or why it cannot be run. One thread at a time: graphql-core completes its classes and
        the fields of the schema when they are first used."""
        with self._prepare_lock:
            return prepare(self.schema, query)


def _run_on_snapshot(context: Context, run: Callable[[], T]) -> T:
    with context.use_snapshot():
        return run()


def _run_and_wait(run: Callable[[], Any], long_changes: LongChanges) -> Any:
    """Runs a mutation in a thread, which has the turn, and waits for its result: mutations that start tasks wait for
    them a moment."""
    with hold(long_changes):
        result = run()
        return asyncio.run(_await(result)) if isawaitable(result) else result


async def _await(result: Awaitable[T]) -> T:
    return await result


def _is_about_request(error: GraphQLError) -> bool:
    return error.path is None and isinstance(error.original_error, GraphQLError | None)


class _Abandoned(BaseException):
    """Ends an execution by graphql-core immediately. After an Exception, which becomes one error of many, the other
    fields would be executed: the errors of 50,000 fields take longer than their answers."""

    def __init__(self, why: QueryTooComplex) -> None:
        super().__init__(why.message)
        self.why = why


def _count(resolve: Resolver, source: Any, info: Any, **arguments: Any) -> Any:
    """Counts a field that graphql-core answers, and its text. Raises _Abandoned."""
    call = info.context
    call.answered += 1
    if call.answered > MOST_ANSWERED_BY_CORE:
        raise _Abandoned(QueryTooComplex(f"the answer has more than {MOST_ANSWERED_BY_CORE} fields; request pages"))
    try:
        value = resolve(source, info, **arguments)
        if isinstance(value, str) and len(value) > SHORT_TEXT:
            call.count_text(len(value))
    except QueryTooComplex as error:
        raise _Abandoned(error) from None
    return value


# Errors


def build_response(result: ExecutionResult) -> dict[str, Any]:
    if not result.errors:
        return {"data": result.data}
    for error in result.errors:
        if isinstance(error.original_error, QueryTooComplex):  # report it once: the next ones are alike
            raise error.original_error
    return {"errors": [_format_error(error) for error in result.errors], "data": result.data}


def forget_tracebacks(errors: Sequence[GraphQLError]) -> None:
    """Forgets where errors were raised. A traceback refers to the errors by the variables of its functions, so all that
    the request had in memory would stay until Python looks for circles."""
    for error in errors:
        error.__traceback__ = None
        if error.original_error is not None:
            error.original_error.__traceback__ = None


def _format_error(error: GraphQLError) -> dict[str, Any]:
    """One entry of `errors`. Any other exception is a bug of the server, whose traceback goes to the log."""
    cause = error.original_error
    known = cause if isinstance(cause, WireError) else None if cause is None else find_machine_failure(cause)
    if known is not None:
        entry = known.as_graphql()
    elif cause is None or isinstance(cause, GraphQLError):
        entry = BadInput(re.sub(r"'([^']*)'", r'"\1"', error.message)).as_graphql()
    else:
        LOG.error("a resolver failed: %s", "/".join(map(str, error.path or ())), exc_info=cause)
        entry = MockserverBug(
            f"A bug in the mock, not in your request: {type(cause).__name__}; see its log"
        ).as_graphql()
    return entry | {"path": error.path} if error.path else entry


def list_object_fields(schema: GraphQLSchema) -> dict[str, dict[str, Any]]:
    """The fields of every object type, for tests of completeness."""
    return {
        name: dict(kind.fields)
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and not is_introspection_type(kind)
    }
