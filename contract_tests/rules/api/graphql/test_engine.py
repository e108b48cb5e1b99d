"""Documents: what the schema does not have, what is too much, and what standard GraphQL brings along."""

from collections import Counter
from pathlib import Path

import pytest

from contract_tests.rules.api.asking import ask, post
from contract_tests.rules.worlds import DEFAULT
from contract_tests.serving import ServedWorld
from mockserver.api.graphql import resolvers
from mockserver.api.graphql.engine import Engine, list_object_fields
from mockserver.api.graphql.fields import list_fields, load_modules
from mockserver.api.graphql.resolvers import MODULES
from mockserver.api.graphql.scalars import parse_moment, parse_number
from mockserver.world.moments import format_zulu


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine whose resolvers are all imported."""
    engine = Engine(MODULES)
    load_modules(engine.schema, MODULES)
    return engine


def test_every_field_of_the_schema_has_its_own_resolver(engine: Engine) -> None:
    without = [
        f"{kind}.{name}"
        for kind, fields in list_object_fields(engine.schema).items()
        for name, field in fields.items()
        if field.resolve is None
    ]
    assert without == []


def test_no_resolver_is_for_a_field_that_the_schema_does_not_have(engine: Engine) -> None:
    known = list_object_fields(engine.schema)
    strangers = [
        f"{kind}.{name}"
        for module in MODULES
        for kind, fields in list_fields(module).items()
        for name in fields
        if name not in known[kind]
    ]
    assert strangers == []


def test_every_field_is_resolved_by_one_module() -> None:
    """Otherwise it would depend on the order of the documents which of them resolves it."""
    fields = [f"{kind}.{name}" for module in MODULES for kind, fields in list_fields(module).items() for name in fields]
    assert [field for field, times in Counter(fields).items() if times > 1] == []


def test_every_module_of_resolvers_is_listed() -> None:
    folder = Path(resolvers.__path__[0])
    having = {file.stem for file in folder.glob("*.py") if "def add_to(" in file.read_text("utf-8")}
    assert {module.rpartition(".")[2] for module in MODULES} == having


# What cannot be run


@pytest.mark.known("client")
@pytest.mark.parametrize(
    "document", ["asda", "", "{", "{user {id}", "query }", '{user(where: {id: "\\uD800"}){id}}', '"""']
)
def test_a_syntax_error_starts_with_the_services_words(server: ServedWorld, document: str) -> None:
    answer = ask(server, document)
    assert (answer.code, answer.message.startswith("Syntax Error:")) == ("GRAPHQL_PARSE_FAILED", True)


def test_a_syntax_error_says_where(server: ServedWorld) -> None:
    error = ask(server, "{\n  user(id {email}\n}").error
    assert error["extensions"]["locations"] == [{"line": 2, "column": 11}]


UNKNOWN: dict[str, tuple[str, str]] = {
    "a field": ("{user {emial}}", '"email"'),
    "a root field": ("{projcets {id}}", '"projects"'),
    "a mutation": ("mutation {createProjekt {id}}", '"createProject"'),
    "an argument": ("{projects(frist: 1) {id}}", '"first"'),
    "a key of an input": ('{projects(where: {nmae: "x"}) {id}}', '"name"'),
    "a variable's type": ("query($a: ProjectWher) {projects(where: $a) {id}}", '"ProjectWhere"'),
    "an enum value": ('{task(where: {id: "x"}) {exportMetadataHeader(streamType: RESULTS) {totalSize}}}', '"RESULT"'),
}


@pytest.mark.parametrize(("document", "nearest"), UNKNOWN.values(), ids=list(UNKNOWN))
def test_an_unknown_name_is_answered_with_the_nearest_known(server: ServedWorld, document: str, nearest: str) -> None:
    answer = ask(server, document)
    assert (answer.status, answer.code) == (400, "GRAPHQL_VALIDATION_FAILED")
    assert nearest in answer.message


@pytest.mark.known("client")
def test_an_unknown_field_is_named_in_the_services_double_quotes(server: ServedWorld) -> None:
    """SDK tests test_client_errors.py: the message starts with these words."""
    assert ask(server, "{bbb}").message.startswith('Cannot query field "bbb" on type "Query".')


def test_an_unknown_root_field_says_that_the_real_service_may_have_it(server: ServedWorld) -> None:
    assert "Other fields of the real service are not imitated yet." in ask(server, "{modelRuns {id}}").message


INVALID: dict[str, str] = {
    "a variable that is not declared": "{project(where: {id: $id}) {id}}",
    "a declared variable that is not used": "query($id: ID!) {user {id}}",
    "a fragment in a circle": "{user {...A}} fragment A on User {...B} fragment B on User {...A}",
    "a fragment on another type": "{user {...A}} fragment A on Project {id}",
    "an object without a selection": "{user}",
    "a scalar with a selection": "{user {id {x}}}",
    "two fields of one name": '{user {id} user(where: {id: "x"}) {id}}',
    "an argument missing": "{project {id}}",
    "a subscription": "subscription {user {id}}",
    "a wrong literal": '{projects(first: "one") {id}}',
}


@pytest.mark.known("client")
@pytest.mark.parametrize("document", INVALID.values(), ids=list(INVALID))
def test_an_invalid_document_is_one_error_with_the_sdks_code(server: ServedWorld, document: str) -> None:
    assert ask(server, document).code == "GRAPHQL_VALIDATION_FAILED"


def nest(depth: int) -> str:
    return "{organization {projects " * (depth // 2) + "{id}" + "}}" * (depth // 2)


def aliases(count: int) -> str:
    return "{" + " ".join(f"a{number}: user {{id}}" for number in range(count)) + "}"


def chain(count: int) -> str:
    """Fragments that spread one another, each once."""
    links = [f"fragment F{number} on Query {{...F{number + 1}}}" for number in range(count)]
    return " ".join(["{...F0}", *links, f"fragment F{count} on Query {{user {{id}}}}"])


TOO_MUCH = {
    "10,000 aliases": aliases(10_000),
    "2,000 fields": "{user {" + "id " * 2000 + "}}",
    "500 levels": nest(500),
    "100,000 levels": nest(100_000),
    "500 levels of a list literal": "{projects(where: {AND: " + "[" * 500 + "]" * 500 + "}) {id}}",
    "2,000 chained fragments": chain(2000),
    "nested 61 deep by fragments": (
        "{organization {...F0}}"
        + "".join(f"fragment F{n} on Organization {{projects {{organization {{...F{n + 1}}}}}}}" for n in range(30))
        + "fragment F30 on Organization {id}"
    ),
    "doubled at every level": (
        "{organization {...F0}}"
        + "".join(
            f"fragment F{n} on Organization {{a: projects {{organization {{...F{n + 1}}}}}"
            f" b: projects {{organization {{...F{n + 1}}}}}}}"
            for n in range(12)
        )
        + "fragment F12 on Organization {id}"
    ),
    "one field at one place 100 times": "{user {" + "id " * 100 + "}}",
    "100 fragments at one place": (
        "{user {"
        + " ".join(f"...F{n}" for n in range(100))
        + "}}"
        + "".join(f"fragment F{n} on User {{a{n}: id}}" for n in range(100))
    ),
    "100 operations with the same fragments": (
        " ".join(f"query A{n} {{...F}}" for n in range(100))
        + "fragment F on Query {user {"
        + " ".join(f"a{n}: id" for n in range(100))
        + "}}"
    ),
    "200 changes": "mutation {"
    + " ".join(f'a{n}: createDataset(data: {{name: "x"}}) {{id}}' for n in range(200))
    + "}",
    "a list literal of 100,000": "{externalIdsToDataRowIds(externalId_in: [" + '"a" ' * 100_000 + "]) {dataRowId}}",
    "doubled fragments": "{...F0}" + "".join(f"fragment F{n} on Query {{...F{n + 1} ...F{n + 1}}}" for n in range(600)),
}


@pytest.mark.known("client")
@pytest.mark.parametrize("document", TOO_MUCH.values(), ids=list(TOO_MUCH))
def test_more_than_any_client_sends_is_refused_in_the_one_wording_the_sdk_knows(
    server: ServedWorld, document: str
) -> None:
    answer = ask(server, document)
    assert (answer.code, answer.message) == ("GRAPHQL_VALIDATION_FAILED", "Query complexity limit exceeded")


@pytest.mark.parametrize("lead", ['"""\\"""" """ ', "#\r", "#{{{{\r", '"""#"""', '"#" ', "# } } }\n"])
def test_depth_cannot_be_hidden_behind_comments_and_strings(server: ServedWorld, lead: str) -> None:
    assert ask(server, lead + nest(5000)).code in {"GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"}


def test_brackets_in_texts_and_comments_are_not_depth(server: ServedWorld) -> None:
    document = '{projects(where: {name: "' + "{[(" * 200 + '"}) {id}} # ' + "(" * 200
    assert ask(server, document).data == {"projects": []}


def test_fragments_that_are_chained_deeper_than_python_can_descend_are_answered(server: ServedWorld) -> None:
    assert ask(server, chain(450)).code == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize("depth", [50, 500])
def test_variables_may_be_nested_as_deep_as_they_like(server: ServedWorld, depth: int) -> None:
    where = '{"AND": [' * depth + '{"name": "image"}' + "]}" * depth
    query = "query($where: ProjectWhere) {projects(where: $where) {name}}"
    answer = post(server, f'{{"query": "{query}", "variables": {{"where": {where}}}}}'.encode())
    assert answer.json.get("data") == {"projects": [{"name": "image"}]} or answer.code == "BAD_USER_INPUT"


def test_a_condition_of_two_thousand_terms_is_searched_or_refused(server: ServedWorld) -> None:
    """SQLite takes an expression 1,000 deep."""
    where = {"AND": [{"name_not": f"{number}"} for number in range(2000)]}
    answer = ask(server, "query($where: ProjectWhere) {projects(where: $where) {name}}", {"where": where})
    assert "errors" not in answer.json or answer.code == "BAD_USER_INPUT"


WRONG_VARIABLES: dict[str, tuple[str, object]] = {
    "missing": ("query($id: ID!) {project(where: {id: $id}) {id}}", {}),
    "null": ("query($id: ID!) {project(where: {id: $id}) {id}}", {"id": None}),
    "an object for an id": ("query($id: ID!) {project(where: {id: $id}) {id}}", {"id": {}}),
    "text for a number": ("query($n: Int) {projects(first: $n) {id}}", {"n": "many"}),
    "a number beyond 32 bits": ("query($n: Int) {projects(first: $n) {id}}", {"n": 2**31}),
    "a fraction of a row": ("query($n: Int) {projects(first: $n) {id}}", {"n": 1.5}),
    "a word that is no enum value": (
        "query($o: LabelOrderBy) {projects {labels(orderBy: $o) {id}}}", {"o": "DROP TABLE label"},
    ),
    "an unknown key": ("query($w: ProjectWhere) {projects(where: $w) {id}}", {"w": {"nmae": "x"}}),
    "a moment that is none": (
        "query($w: ProjectWhere) {projects(where: $w) {id}}", {"w": {"createdAt_gt": "yesterday"}},
    ),
    "a negative page": ("query($n: PageSize) {ontologies(first: $n) {nodes {id}}}", {"n": -1}),
    "an endless page": ("query($n: PageSize) {ontologies(first: $n) {nodes {id}}}", {"n": "9" * 21}),
}  # fmt: skip


@pytest.mark.parametrize(("document", "variables"), WRONG_VARIABLES.values(), ids=list(WRONG_VARIABLES))
def test_a_wrong_variable_is_bad_input(server: ServedWorld, document: str, variables: object) -> None:
    answer = ask(server, document, variables)
    assert (answer.code, answer.json["data"]) == ("BAD_USER_INPUT", None)


NULLS = {
    "skip": "{projects(first: 5, skip: null) {id}}",
    "first": "query($id: ID!) {datasetDataRows(id: $id, first: null) {nodes {id}}}",
    "order": "query($id: ID!) {dataset(where: {id: $id}) {projects {labels(orderBy: null) {id}}}}",
    "where": "{projects(where: null) {id}}",
    "every term": "{projects(where: {id: null, name: null, AND: null, OR: null, NOT: null, deleted: null}) {id}}",
}


@pytest.mark.parametrize("document", NULLS.values(), ids=list(NULLS))
def test_null_is_the_same_as_not_given(server: ServedWorld, document: str) -> None:
    variables = {"id": server.ready["datasets"]["image rows"]} if "$id" in document else None
    assert ask(server, document, variables).data


@pytest.mark.parametrize(
    "page", ["first: -1", "first: -100", "skip: -1", "first: 2147483647, skip: 2147483647", "first: 0"]
)
@pytest.mark.parametrize("field", ["projects", "users", "datasets"])
def test_a_page_beyond_every_end_is_empty_or_refused(server: ServedWorld, field: str, page: str) -> None:
    answer = ask(server, f"{{{field}({page}) {{id}}}}")
    assert answer.json.get("data") == {field: []} or answer.code == "BAD_USER_INPUT"


@pytest.mark.parametrize("first", [0, -1, -100, 2147483647])
def test_a_cursor_page_of_any_size_is_answered(server: ServedWorld, first: int) -> None:
    document = "query($id: ID!, $first: Int) {datasetDataRows(id: $id, first: $first) {nodes {id}}}"
    ask(server, document, {"id": server.ready["datasets"]["image rows"], "first": first})


def test_a_page_larger_than_any_table_is_the_whole_table(server: ServedWorld) -> None:
    nodes = ask(server, "{ontologies(first: 18446744073709551615) {nodes {id}}}").data["ontologies"]["nodes"]
    assert len(nodes) == len(DEFAULT.ontologies)


# What the standard brings along


def test_aliases_fragments_and_typename(server: ServedWorld) -> None:
    document = (
        "query Mine {me: user {...Who ... on User {__typename}} also: user {id @skip(if: true) email}}"
        " fragment Who on User {email}"
    )
    mail = "owner@mock.example"
    assert ask(server, document).data == {"me": {"email": mail, "__typename": "User"}, "also": {"email": mail}}


@pytest.mark.known("client")
def test_a_field_selected_twice_comes_once(server: ServedWorld) -> None:
    """SDK 6.10 and later select a task's status twice (wire trap 25)."""
    assert ask(server, "{user {email email}}").data == {"user": {"email": "owner@mock.example"}}


def test_a_document_with_several_operations_runs_the_named_one(server: ServedWorld) -> None:
    document = "query A {user {email}} query B {organization {name}}"
    assert ask(server, document, operationName="B").data == {"organization": {"name": "Mock Organization"}}


@pytest.mark.parametrize("name", [None, "C", ""])
def test_a_document_with_several_operations_needs_a_known_name(server: ServedWorld, name: str | None) -> None:
    answer = ask(server, "query A {user {email}} query B {organization {name}}", operationName=name)
    assert answer.code == "BAD_USER_INPUT"


def test_tools_that_ask_for_the_schema_get_it(server: ServedWorld) -> None:
    from graphql import build_client_schema, get_introspection_query

    schema = build_client_schema(ask(server, get_introspection_query()).data)
    assert schema.type_map["ExportDataRowsInProjectInput"]


def test_the_same_document_is_answered_alike_when_it_is_kept(server: ServedWorld) -> None:
    answers = [ask(server, "{nobody {id}}").json for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]


# Scalars


@pytest.mark.known("client")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.000Z"),
        ("2024-01-02T03:04:05.678901Z", "2024-01-02T03:04:05.678Z"),
        ("2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05.000Z"),
        ("2024-01-02", "2024-01-02T00:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_moments_have_milliseconds_and_z_in_every_case(text: str, expected: str) -> None:
    """The SDK parses nothing else (wire trap 7)."""
    assert format_zulu(parse_moment(text)) == expected


@pytest.mark.known("client")
@pytest.mark.parametrize(("value", "number"), [("0", 0), (0, 0), ("18446744073709551615", 2**64 - 1)])
def test_offsets_are_read_as_text_and_as_numbers(value: object, number: int) -> None:
    assert parse_number(value) == number


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_outside_the_calendar_is_refused_when_it_comes_in(server: ServedWorld, moment: str) -> None:
    """Or it would be stored, and every later look at the project would fail."""
    document = (
        "mutation($name: String!, $at: DateTime)"
        "{createProject(data: {name: $name, setupComplete: $at}) {setupComplete}}"
    )
    assert ask(server, document, {"name": "timeless", "at": moment}).code == "BAD_USER_INPUT"
