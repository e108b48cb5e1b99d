"""Ids that are missing, null or empty in the arguments of any query or mutation: each error says so."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_leaf_type,
)

from contract_tests.serving import ServedWorld
from mockserver.api.graphql.schema import read_sdl

SCHEMA = build_schema(read_sdl(), assume_valid=True)
ROOTS = {"mutation": SCHEMA.mutation_type, "query": SCHEMA.query_type}
FIELDS = [
    (operation, name)
    for operation, root in ROOTS.items()
    if root is not None
    for name, field in root.fields.items()
    if field.args
]
VALUES = {"Int": 1, "Float": 1.0, "Boolean": True, "ID": "c" * 25, "DateTime": "2024-01-01T00:00:00Z", "PageSize": 1}
WRONG = ("Project None", "'None'", " None does", "''")


def build_value(kind: Any, *, whole: bool) -> Any:
    """A value of the type, with its required keys alone or with all of them."""
    if isinstance(kind, GraphQLNonNull):
        return build_value(kind.of_type, whole=whole)
    if isinstance(kind, GraphQLList):
        return [build_value(kind.of_type, whole=whole)]
    if isinstance(kind, GraphQLInputObjectType):
        fields = kind.fields.items()
        required = {name for name, field in fields if whole or isinstance(field.type, GraphQLNonNull)}
        return {name: build_value(field.type, whole=False) for name, field in fields if name in required}
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    assert isinstance(kind, GraphQLScalarType)
    return VALUES.get(kind.name, {} if kind.name.lower() == "json" else "text")


def empty_ids(value: Any, kind: Any) -> Iterator[Any]:
    """The value with one of its ids empty, null or left out."""
    plain = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(plain, GraphQLScalarType) and plain.name == "ID":
        yield ""
        if plain is kind:
            yield None
    elif isinstance(plain, GraphQLInputObjectType) and value is not None:
        for name, part in value.items():
            field = plain.fields[name]
            for changed in empty_ids(part, field.type):
                yield value | {name: changed}
            if get_named_type(field.type).name == "ID" and not isinstance(field.type, GraphQLNonNull):
                yield {key: other for key, other in value.items() if key != name}


def list_arguments(field: GraphQLField) -> list[dict[str, Any]]:
    """Arguments of a field, with its ids empty in turn."""
    cases: list[dict[str, Any]] = []
    for whole in (False, True):
        required = {
            name: build_value(argument.type, whole=whole)
            for name, argument in field.args.items()
            if whole or isinstance(argument.type, GraphQLNonNull)
        }
        changed = (
            required | {name: value} for name in required for value in empty_ids(required[name], field.args[name].type)
        )
        cases += [case for case in (required, *changed) if case not in cases]
    return cases


def select_leaf(kind: Any) -> str:
    """The selection of the first field that has none below it."""
    plain = get_named_type(kind)
    if is_leaf_type(plain):
        return ""
    if isinstance(plain, GraphQLUnionType):
        return "{__typename}"
    fields = plain.fields.items()
    leaves = [name for name, field in fields if is_leaf_type(get_named_type(field.type)) and not field.args]
    first, field = next(iter(fields))
    return f"{{{leaves[0]}}}" if leaves else f"{{{first}{select_leaf(field.type)}}}"


@pytest.fixture(scope="module")
def alone() -> Iterator[ServedWorld]:
    """A server of its own, whose world the mutations change."""
    with ServedWorld() as world:
        yield world


@pytest.fixture(scope="module")
def session(alone: ServedWorld) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {alone.api_key}"
        yield session


@pytest.mark.parametrize(("operation", "name"), FIELDS, ids=[name for _, name in FIELDS])
def test_an_id_that_is_missing_or_empty_is_named_in_the_error(
    alone: ServedWorld, session: requests.Session, operation: str, name: str
) -> None:
    root = ROOTS[operation]
    assert root is not None
    field = root.fields[name]
    for arguments in list_arguments(field):
        declared = ", ".join(f"${key}: {field.args[key].type}" for key in arguments)
        passed = ", ".join(f"{key}: ${key}" for key in arguments)
        head = f"{operation}({declared}) {{{name}({passed})" if arguments else f"{operation} {{{name}"
        body = {"query": f"{head}{select_leaf(field.type)}}}", "variables": arguments}
        answer = session.post(alone.graphql_url, json=body, timeout=120)
        assert answer.status_code < 500, answer.text
        for error in answer.json().get("errors") or []:
            message = error["message"]
            assert error["extensions"]["code"] != "MOCKSERVER_BUG", (arguments, message)
            says_what_to_do = "expected" in message or "; send " in message
            assert says_what_to_do or not any(word in message for word in WRONG), (arguments, message)
