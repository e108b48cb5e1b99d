"""The memory of a request is given back with its answer, whatever its errors refer to."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from graphql import GraphQLError, located_error
from graphql.execution.types import ExecutionResult

from mockserver.api.graphql.engine import build_response, forget_tracebacks
from mockserver.errors import NotFound


class Variables(dict[str, str]):
    """The variables of a request; a plain dictionary cannot be referred to weakly."""


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Python does not look for circles in the meantime."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def execute(variables: Variables) -> ExecutionResult:
    """Collects an error as execution does: the list is a variable of the function that is in its traceback."""
    errors: list[GraphQLError] = []
    try:
        resolve(variables)
    except NotFound as error:
        errors.append(located_error(error, None, ["field"]))
    return ExecutionResult(None, errors)


def resolve(variables: Variables) -> None:
    raise NotFound(f"{len(variables)} unknown")


@pytest.mark.usefixtures("no_collection")
def test_errors_keep_nothing_of_the_request() -> None:
    variables = Variables()
    reference = weakref.ref(variables)
    result = execute(variables)
    del variables
    assert reference() is not None, "or nothing needs to be forgotten"
    assert build_response(result)["errors"]
    forget_tracebacks(result.errors or ())
    del result
    assert reference() is None
