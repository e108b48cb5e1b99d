"""Requests made of the two descriptions that the server gives of itself: the OpenAPI document of the control API, and
the GraphQL schema.

The same requests each time; `--hypothesis-seed=N` makes others. However well or badly they fit: no 5xx, no
MOCKSERVER_BUG, no traceback in the log, no more than a second of the server's processor time. Requests that the OpenAPI
document does not allow are refused, and every answer is as it says.
"""

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
import requests
import schemathesis
from graphql import (
    BooleanValueNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    IntValueNode,
    ListValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    StringValueNode,
    build_schema,
    get_named_type,
    is_leaf_type,
)
from graphql.language import NameNode
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import mutations, queries
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from contract_tests.serving import ServedWorld
from mockserver.api.graphql.schema import read_sdl
from mockserver.control.event_bodies import MOST_DAYS, MOST_EACH_DAY
from mockserver.control.monitoring import Monitoring, RequestCounts
from mockserver.control.openapi import build_openapi
from mockserver.control.routes import list_controls
from mockserver.control.webhook_bodies import LONGEST_WAIT
from mockserver.journal.journal import Journals
from mockserver.settings import Settings

MOST_SECONDS = 1.0
"""Of the server's processor time for one request. A tick of the kernel's clock is 10 ms."""
EXAMPLES = 20
DOCUMENTS = 100
FEWER = {"create_workspace": 8, "reset": 10, "health": 5}
"""Examples of what makes a world each time, and of what takes nothing."""
AS_DESCRIBED = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)

load_all_checks()
JOURNALS = Journals(most_entries=1, most_bytes=1, most_body=1)
CONTROLS = list_controls(Settings(), None, None, JOURNALS, Monitoring(RequestCounts()))  # type: ignore[arg-type]  # nothing is called
SCHEMA = schemathesis.openapi.from_dict(build_openapi(CONTROLS))
OPERATIONS: dict[str, Any] = {
    operation.definition.raw["operationId"]: operation
    for operation in (result.ok() for result in SCHEMA.get_all_operations() if isinstance(result, Ok))
}
TRIED = [
    (name, mode)
    for name, operation in OPERATIONS.items()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.query or operation.body
]
"""Nothing can be wrong with a request that has neither a body nor parameters but a name in its path."""


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    """A server of its own, whose worlds go nowhere else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABELBOX_MOCKSERVER_CACHE", str(tmp_path_factory.mktemp("cache")))
        with ServedWorld() as world:
            yield world
            assert "Traceback" not in world.output
            assert "ERROR" not in world.output


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Callable[[int], settings]:
    """Settings of a law that is tried so many times."""
    seeded = request.config.getoption("--hypothesis-seed") is not None

    def make(examples: int) -> settings:
        return settings(
            max_examples=examples,
            derandomize=not seeded,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )

    return make


def measure(server: ServedWorld, call: Callable[[], Any]) -> Any:
    """The answer, if it is no fault of the server."""
    before = server.processor_seconds()
    answer = call()
    took = server.processor_seconds() - before
    assert answer.status_code < 500, answer.text
    assert "MOCKSERVER_BUG" not in answer.text, answer.text
    assert took < MOST_SECONDS, (took, answer.text[:500])
    return answer


@pytest.mark.parametrize(("operation", "mode"), TRIED, ids=[f"{name}-{mode.value}" for name, mode in TRIED])
def test_a_control_answers_as_the_build_openapi_says(
    fuzzed: ServedWorld, tried: Callable[[int], settings], operation: str, mode: GenerationMode
) -> None:
    cases = OPERATIONS[operation].as_strategy(generation_mode=mode)
    checks = (*AS_DESCRIBED, negative_data_rejection) if mode is GenerationMode.NEGATIVE else AS_DESCRIBED

    @tried(FEWER.get(operation, EXAMPLES))
    @given(cases)
    def law(case: Any) -> None:
        if mode is GenerationMode.POSITIVE:
            aim_at_something(case)
        shorten_wait(case)
        if operation == "simulate":
            shorten_simulation(case)
        answer = measure(fuzzed, lambda: case.call(base_url=fuzzed.url))
        if answer.status_code != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:  # refused before it is read
            case.validate_response(answer, checks=list(checks))
        if operation == "create_workspace" and answer.status_code == 200:
            requests.delete(f"{fuzzed.url}/_mock/workspaces/{answer.json()['api_key']}", timeout=30)

    law()


def aim_at_something(case: Any) -> None:
    """Most names that are drawn name nothing; so these do."""
    case.query.pop("api_key", None)
    for name in ("webhook", "delivery"):
        if name in case.path_parameters:
            case.path_parameters[name] = "last"
    if isinstance(case.body, dict) and "project" in case.body:
        case.body["project"] = "image"


def shorten_wait(case: Any) -> None:
    """Lets no request wait for long: a valid number of seconds becomes a small one."""
    seconds = case.query.get("wait") if isinstance(case.query, dict) else None
    if isinstance(seconds, int | float) and 0.1 < seconds <= LONGEST_WAIT:
        case.query["wait"] = 0.1


def shorten_simulation(case: Any) -> None:
    """Makes valid numbers small, as a simulation takes as long as its events do."""
    for name, most in (("days", MOST_DAYS), ("events_per_day", MOST_EACH_DAY), ("new_rows", MOST_EACH_DAY)):
        number = case.body.get(name) if isinstance(case.body, dict) else None
        if isinstance(number, int | float) and 2 < number <= most:
            case.body[name] = 2


# GraphQL


@pytest.fixture
def accessible(fuzzed: ServedWorld) -> ServedWorld:
    """The same server. Calls of the control API have revoked its key, and requested faults."""
    requests.post(f"{fuzzed.url}/_mock/key", json={"revoked": False}, timeout=30).raise_for_status()
    requests.delete(f"{fuzzed.url}/_mock/faults", timeout=30).raise_for_status()
    return fuzzed


def text(value: str) -> StringValueNode:
    return StringValueNode(value=value)


JSON = st.recursive(
    st.one_of(
        st.text(max_size=8).map(text),
        st.integers().map(lambda number: IntValueNode(value=str(number))),
        st.booleans().map(lambda value: BooleanValueNode(value=value)),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: ListValueNode(values=tuple(values))),
        st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), inner, max_size=3).map(
            lambda fields: ObjectValueNode(
                fields=tuple(ObjectFieldNode(name=NameNode(value=name), value=value) for name, value in fields.items())
            )
        ),
    ),
    max_leaves=6,
)
NUMBERS = st.integers(-1, 2**64).map(lambda number: IntValueNode(value=str(number)))
SCALARS: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(
    re.findall(r"^scalar (\w+)", read_sdl(), re.MULTILINE), JSON
) | {
    "DateTime": st.one_of(st.datetimes().map(lambda moment: text(moment.isoformat())), st.text(max_size=5).map(text)),
    "UInt64": NUMBERS,
    "PageSize": NUMBERS,
}


def list_ids(server: ServedWorld) -> list[str]:
    ready = server.ready
    return [
        ready["organization_id"],
        *ready["projects"].values(),
        *ready["datasets"].values(),
        *ready["slices"].values(),
    ]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", [queries, mutations], ids=["queries", "mutations"])
def test_any_document_of_the_schema_is_answered_or_refused(
    accessible: ServedWorld, tried: Callable[[int], settings], kind: Callable[..., st.SearchStrategy[str]]
) -> None:
    ids = list_ids(accessible)

    @tried(DOCUMENTS)
    @given(kind(read_sdl(), custom_scalars=SCALARS), st.sampled_from(ids))
    def law(document: str, name: str) -> None:
        aimed = re.sub(r'\bid: "[^"]*"', f'id: "{name}"', document)
        answer = measure(
            accessible,
            lambda: requests.post(
                accessible.graphql_url,
                json={"query": aimed},
                headers={"Authorization": f"Bearer {accessible.api_key}"},
                timeout=60,
            ),
        )
        body = answer.json()
        assert answer.status_code != HTTPStatus.UNAUTHORIZED, "its key was revoked"
        assert "data" in body
        for error in body.get("errors", ()):
            assert error["message"]
            assert error["extensions"]["code"]

    law()


LEAST: dict[str, Any] = {"Int": 0, "Float": 0, "Boolean": False, "PageSize": 0, "UInt64": 0}
"""The least value of a scalar; of all others it is a text."""


def build_least(kind: GraphQLInputType, some_id: str, *, nulls: bool) -> Any:
    """The least value that the schema takes: what may be left out is left out, or null, and lists are empty."""
    if not isinstance(kind, GraphQLNonNull):
        return None
    inner = kind.of_type
    if isinstance(inner, GraphQLList):
        return []
    if isinstance(inner, GraphQLEnumType):
        return next(iter(inner.values))
    if isinstance(inner, GraphQLInputObjectType):
        return {
            name: build_least(field.type, some_id, nulls=nulls)
            for name, field in inner.fields.items()
            if nulls or isinstance(field.type, GraphQLNonNull)
        }
    return some_id if inner.name == "ID" else LEAST.get(inner.name, "")


def build_least_document(operation: str, name: str, field: GraphQLField) -> str:
    """One root field with its required arguments as variables."""
    required = {key: argument for key, argument in field.args.items() if isinstance(argument.type, GraphQLNonNull)}
    variables = ", ".join(f"${key}: {argument.type}" for key, argument in required.items())
    arguments = ", ".join(f"{key}: ${key}" for key in required)
    selection = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    return (
        f"{operation} Least{f'({variables})' if variables else ''}"
        f" {{ {name}{f'({arguments})' if arguments else ''}{selection} }}"
    )


@pytest.mark.parametrize("nulls", [False, True], ids=["left-out", "null"])
@pytest.mark.parametrize("operation", ["query", "mutation"])
def test_every_operation_takes_the_least_that_its_schema_allows(
    accessible: ServedWorld, operation: str, nulls: bool
) -> None:
    schema = build_schema(read_sdl())
    root = schema.query_type if operation == "query" else schema.mutation_type
    assert root is not None
    headers = {"Authorization": f"Bearer {accessible.api_key}"}
    for some_id in (list_ids(accessible)[1], ""):
        for name, field in root.fields.items():
            required = {key: each for key, each in field.args.items() if isinstance(each.type, GraphQLNonNull)}
            variables = {key: build_least(each.type, some_id, nulls=nulls) for key, each in required.items()}
            body = {"query": build_least_document(operation, name, field), "variables": variables}
            answer = requests.post(accessible.graphql_url, json=body, headers=headers, timeout=60)
            assert answer.status_code == HTTPStatus.OK, (name, answer.text)
            assert "MOCKSERVER_BUG" not in answer.text, (name, answer.text)
