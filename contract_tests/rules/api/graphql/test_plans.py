"""Plans: what they cover they answer as graphql-core does, errors included; what they do not cover they leave to it."""

import asyncio
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLError, GraphQLObjectType, build_schema, execute, parse
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from contract_tests.clients import documents
from contract_tests.rules.api.graphql.engines import ENGINE
from contract_tests.rules.api.graphql.questions import questions
from mockserver import app
from mockserver.api.graphql.call import Call
from mockserver.api.graphql.documents import Document
from mockserver.api.graphql.engine import build_response
from mockserver.api.graphql.fields import RegisteredField, register
from mockserver.api.graphql.planner import MOST_PLANS, Planned
from mockserver.errors import BadInput, QueryTooComplex
from mockserver.journal.notes import Notes
from mockserver.places import cache_folder
from mockserver.settings import Settings
from mockserver.workspaces.workspace import Workspace

SDL = """
enum Kind { A B }
type Query { node: Node must: Node! nodes: [Node] musts: [Node!]! numbers: [[Int!]] word: String! number: Int }
type Mutation { node: Node must: Node! nodes: [Node] musts: [Node!]! numbers: [[Int!]] word: String! number: Int }
type Node {
  node: Node must: Node! nodes: [Node!] words: [String!]! numbers: [[Int!]!] id: ID! number: Int! word: String
  float: Float flag: Boolean kind: Kind kinds: [Kind]
}
"""
FAILURES = (BadInput("what came is wrong"), ValueError("a bug"), GraphQLError("a scalar's"))


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    """The default world with one export, its clock standing still."""
    server = app.build(Settings(cache=cache_folder()), "http://127.0.0.1:1", local=True)
    server.own.store.clock.freeze()
    yield server.workspaces.registry.get(server.own.api_key)
    server.close()


def find_ids(workspace: Workspace) -> dict[str, str]:
    """One of each kind, by the name of its field."""
    document = (
        "{projects(first: 1) {id} datasets(first: 1) {id dataRows(first: 1) {id}} ontologies(first: 1) {nodes {id}}"
        " users(first: 1) {id} models {id} catalogSavedQueries {id}}"
    )
    answer = asyncio.run(
        ENGINE.answer(document, None, None, Call(workspace, "http://mock"), workspace.long_changes, Notes())
    )["data"]
    [dataset] = answer["datasets"]
    lists = {**answer, "ontologies": answer["ontologies"]["nodes"], "dataRows": dataset["dataRows"]}
    return {name: items[0]["id"] for name, items in lists.items()}


def answer_by_both(
    workspace: Workspace, query: str, variables: dict[str, Any] | None, operation: str | None = None
) -> tuple[Any, Any]:
    """(the answer of the plan, None if there is no plan; the answer of graphql-core)."""
    document = document_of(query)
    planned = document.run(operation, variables, Call(workspace, "http://mock"))
    context = Call(workspace, "http://mock")
    core = execute(ENGINE.schema, document.node, None, context, variables, operation)
    assert isinstance(core, ExecutionResult)
    return None if planned is None else render(planned), render(core)


def document_of(query: str) -> Planned:
    document = ENGINE.prepare(query)
    assert isinstance(document, Document), (document, query)
    return document.planned


def render(result: ExecutionResult) -> Any:
    try:
        return build_response(result)
    except QueryTooComplex as error:
        return error.message


OF_SDKS = {
    "user": (documents.GET_USER, None),
    "organization": (documents.GET_ORGANIZATION, None),
    "project": (documents.GET_PROJECT, {"param_0": "projects"}),
    "task": (documents.GET_TASK, {"param_0": "nobody", "param_1": "users"}),
    "stream": (documents.GET_STREAM_HEADER, {"where": {"id": "nobody"}, "streamType": "RESULT"}),
    "offset": (documents.GET_FILE_AT_OFFSET, {"where": {"id": "nobody"}, "streamType": "RESULT", "offset": "0"}),
    "line": (documents.GET_FILE_AT_LINE, {"where": {"id": "nobody"}, "streamType": "RESULT", "line": 0}),
}


@pytest.mark.parametrize(("query", "variables"), OF_SDKS.values(), ids=list(OF_SDKS))
def test_what_sdks_ask_has_a_plan(workspace: Workspace, query: str, variables: dict[str, Any] | None) -> None:
    ids = find_ids(workspace)
    filled = {name: ids.get(str(value), value) for name, value in (variables or {}).items()}
    planned, core = answer_by_both(workspace, query, filled)
    assert planned is not None
    assert planned == core


@settings(max_examples=150)
@given(st.data())
def test_any_query_of_the_schema_is_answered_alike(workspace: Workspace, data: st.DataObject) -> None:
    query, variables = data.draw(questions(ENGINE.schema, [*find_ids(workspace).values()]))
    planned, core = answer_by_both(workspace, query, variables)
    event("planned" if planned is not None else "left to graphql-core")
    assert planned is None or planned == core


def resolve_outcome(field: str) -> RegisteredField:
    """The resolver of a field of the made-up schema; the context of a query is the number of its root."""
    return RegisteredField(lambda source, call: outcome(source or call, field))


def outcome(source: int, field: str) -> Any:
    """The value of a field of the made-up schema: right, null, wrong, or a failure; the same for the same source."""
    chance = random.Random(f"{source}/{field}")
    what = chance.random()
    if what < 0.08:
        raise chance.choice(FAILURES)
    if what < 0.16:
        return chance.choice([None, "wrong", 2**40, 1.5, [None], [[3], None], [["wrong"]]])
    single: dict[str, Any] = {"id": 7, "word": "x", "number": 3, "float": 0.5, "flag": True, "kind": "A"}
    several = {"words": ["a", "b"], "numbers": [[1], [2, 3]], "kinds": ["A", "C", None]}
    if field in single | several:
        return (single | several)[field]
    node = chance.randrange(10**6)
    return node if field in {"node", "must"} else [node, node + 1, *([None] if what < 0.3 else [])]


def build_made_up_schema() -> Any:
    schema = build_schema(SDL)
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                register(field, resolve_outcome(name))
    return schema


MADE_UP = build_made_up_schema()


def list_result(result: ExecutionResult) -> Any:
    errors = result.errors or []
    return result.data, [(error.message, error.path, type(error.original_error)) for error in errors]


@settings(max_examples=250)
@given(questions(MADE_UP, ["x"]), st.integers(1, 10**6), st.booleans())
def test_whatever_fails_is_null_at_the_same_place_with_the_same_message(
    question: tuple[str, dict[str, Any]], seed: int, changes: bool
) -> None:
    """In queries, and in mutations of the same fields."""
    query, variables = question
    if changes:
        query = re.sub(r"\A(query)?", "mutation ", query).replace("on Query", "on Mutation")
    node = parse(query, no_location=True)
    planned = Planned(MADE_UP, node).run(None, variables, seed)
    core = execute(MADE_UP, node, None, seed, variables)
    assert isinstance(core, ExecutionResult)
    event("planned" if planned is not None else "left to graphql-core")
    assume(planned is not None)
    assert planned is not None
    event("with errors" if core.errors else "without errors")
    assert list_result(planned) == list_result(core)


LEFT = {
    "a mutation that waits": ('mutation {exportLabels(data: {projectId: "x"}) {status}}', None, None),
    "a mutation that waits beside a query": (
        'query A {user {id}} mutation B {exportLabels(data: {projectId: "x"}) {status}}',
        "B",
        None,
    ),
    "introspection": ("{__schema {queryType {name}}}", None, None),
    "a union": ("{iamIntegrations {settings {__typename}}}", None, None),
    "an operation that is not there": ("query A {user {id}}", "B", None),
    "an operation without a name": ("{user {id}}", "", None),
    "none of several": ("query A {user {id}} query B {user {id}}", None, None),
    "a variable that is missing": ("query($id: ID!) {project(where: {id: $id}) {id}}", None, {}),
    "a variable of another type": ("query($n: Int) {projects(first: $n) {id}}", None, {"n": "many"}),
}


@pytest.mark.parametrize(("query", "operation", "variables"), LEFT.values(), ids=list(LEFT))
def test_what_has_no_plan_is_left_before_anything_was_resolved(
    query: str, operation: str | None, variables: dict[str, Any] | None
) -> None:
    document = document_of(query)
    assert document.run(operation, variables, None) is None  # a resolver would have asked the context


def test_a_named_query_of_several_has_a_plan(workspace: Workspace) -> None:
    planned, core = answer_by_both(workspace, "query A {user {id}} query B {organization {name}}", None, "B")
    assert planned == core == {"data": {"organization": {"name": "Mock Organization"}}}


def test_answers_to_directives_have_plans_of_their_own(workspace: Workspace) -> None:
    query = "query($a: Boolean!, $b: Boolean) {user {id @skip(if: $a) email @include(if: true)}}"
    for answer in (True, False, True):
        planned, core = answer_by_both(workspace, query.replace(", $b: Boolean", ""), {"a": answer})
        assert planned == core
        assert ("id" in planned["data"]["user"]) is not answer


def test_a_document_keeps_few_plans(workspace: Workspace) -> None:
    names = [f"v{number}" for number in range(6)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    query = f"query({declared}) {{user {{{' '.join(f'{name}: id @skip(if: ${name})' for name in names)} email}}}}"
    document = document_of(query)
    call = Call(workspace, "http://mock")
    ways = [{name: bool(number >> place & 1) for place, name in enumerate(names)} for number in range(64)]
    planned = [document.run(None, way, call) for way in ways]
    assert sum(result is not None for result in planned) == MOST_PLANS
