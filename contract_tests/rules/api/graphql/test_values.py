"""Variables and arguments that are read without graphql-core are as it reads them."""

from typing import Any

import pytest
from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, build_schema, parse
from graphql.execution.values import get_argument_values, get_variable_values
from hypothesis import event, given
from hypothesis import strategies as st

from mockserver.api.graphql.values import Declared, NotPlain, Variables, arguments_of

SDL = """
type Query { f(one: In, several: [In!], must: [Int]!, word: String, numbers: [Int]): Int }
input In { n: Int, words: [String!], inner: In, kind: K, must: String! }
enum K { A B }
"""
DOCUMENT = """
query($n: Int, $words: [String!], $inner: In, $kind: K, $must: String!, $numbers: [Int], $d: Int = 3) {
  f(one: {n: $n, words: $words, inner: $inner, kind: $kind, must: $must}, several: [{n: $d, must: $must}, %s],
    must: [$n, 1], word: $must, numbers: $numbers) }
"""
SENT = st.fixed_dictionaries(
    {},
    optional={
        "n": st.sampled_from([1, None, "x"]),
        "words": st.sampled_from([["a"], "a", [], None, [None]]),
        "inner": st.sampled_from([{"must": "m"}, {"must": None}, {"must": "m", "n": 2}, None]),
        "kind": st.sampled_from(["A", None, "C"]),
        "must": st.sampled_from(["m", "m", "m", None]),
        "numbers": st.sampled_from([[1, None], 1, None]),
        "d": st.sampled_from([4, None]),
        "unknown": st.just(1),
    },
)


@given(SENT, st.sampled_from(["{must: $must}", "$inner"]))
def test_variables_that_are_left_out_or_null_are_read_as_graphql_core_reads_them(
    sent: dict[str, Any], item: str
) -> None:
    schema = build_schema(SDL)
    arguments, expected = read(schema, item, sent), read_by_core(schema, item, sent)
    event("refused" if expected is None else "read")
    assert arguments == expected


def read(schema: GraphQLSchema, item: str, sent: dict[str, Any]) -> dict[str, Any] | None:
    operation, field = find_field(item)
    assert schema.query_type is not None
    try:
        return arguments_of(schema.query_type.fields["f"], field)(Variables(Declared(schema, operation), sent))
    except (NotPlain, GraphQLError):
        return None


def read_by_core(schema: GraphQLSchema, item: str, sent: dict[str, Any]) -> dict[str, Any] | None:
    operation, field = find_field(item)
    assert schema.query_type is not None
    values = get_variable_values(schema, operation.variable_definitions or (), sent)
    try:
        return None if isinstance(values, list) else get_argument_values(schema.query_type.fields["f"], field, values)
    except GraphQLError:
        return None


def find_field(item: str) -> tuple[OperationDefinitionNode, Any]:
    [operation] = parse(DOCUMENT % item).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation, operation.selection_set.selections[0]


@pytest.mark.parametrize("sent", [{"must": "m"}, {"must": "m", "words": None, "n": None}])
def test_lists_and_objects_that_were_not_sent_need_no_graphql_core(sent: dict[str, Any]) -> None:
    """Most calls of SDKs are such: they declare all that a call may have, and send what it has."""
    operation, _ = find_field("{must: $must}")
    document = parse(DOCUMENT.replace(", $d: Int = 3", ", $d: Int") % "{must: $must}").definitions[0]
    assert isinstance(document, OperationDefinitionNode)
    schema = build_schema(SDL)
    assert Declared(schema, operation).plain(sent) is None, "a default is for graphql-core"
    assert Declared(schema, document).plain(sent) == sent
