"""An operation made ready to run again: graphql-core derives the same from the document for each answer, a plan once.

A plan is the document as nested fields, each with its resolver, its arguments and how its value is written. It covers
operations of objects, lists and leaves, with fragments, directives and variables, whose resolvers are no coroutines;
for all else there is no plan, and graphql-core runs the document. Fields are resolved one after the other, as those of
a mutation must be. Both give the same answers and the same errors: contract_tests/rules/api/graphql/test_plans.py.
Plans are made in planner.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import msgspec
from graphql.error import GraphQLError, located_error
from graphql.execution.types import ExecutionResult
from graphql.pyutils import is_iterable
from graphql.type import (
    GraphQLLeafType,
)

from mockserver.api.graphql.values import Arguments, Variables
from mockserver.errors import QueryTooComplex
from mockserver.world.short_reads import TakesLong

MOST_ANSWERED = 200_000
"""Fields of one answer. The largest page that an SDK asks for has some 30,000."""
SHORT_TEXT = 100
"""Characters. Shorter texts of an answer are not counted: the number of its fields bounds them."""

Path = tuple[Any, str | int] | None
"""(the path before, key or index); None is the root."""


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


PLAIN: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}
"""Types of leaves -> what graphql-core writes of them as it is."""
_SMALL = range(-(2**31), 2**31)
"""The integers that an Int may be."""


def choose_writer(kind: GraphQLLeafType) -> Callable[[Any], Any]:
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


def complete_leaf(write: Callable[[Any], Any]) -> Complete:
    def complete(value: Any, _run: Run, _path: Path) -> Any:
        return None if value is None else write(value)

    return complete


def complete_object(fields: Sequence[Field]) -> Complete:
    def complete(value: Any, run: Run, path: Path) -> Any:
        return None if value is None else _select(fields, value, run, path)

    return complete


def complete_list(item: Complete, where: str, *, nullable: bool) -> Complete:
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


def complete_not_null(inner: Complete, where: str) -> Complete:
    def complete(value: Any, run: Run, path: Path) -> Any:
        completed = inner(value, run, path)
        if completed is None:
            raise TypeError(f"Cannot return null for non-nullable field {where}.")
        return completed

    return complete
