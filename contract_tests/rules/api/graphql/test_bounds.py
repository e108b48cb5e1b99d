"""Limits on the size of a document and of its answer: each limit is named in the refusal."""

import json

import pytest

from contract_tests.rules.api.asking import answer_in, ask, ask_in, post
from contract_tests.serving import ServedWorld
from mockserver.api.graphql.call import MOST_TEXT_OF_ANSWER
from mockserver.api.graphql.cost import MOST_NAME
from mockserver.api.graphql.documents import MOST_CHARACTERS
from mockserver.api.graphql.texts import MOST_TEXT
from mockserver.testing import MockWorkspace

MEBIBYTE = 1024 * 1024


def ids(count: int) -> str:
    return ", ".join(f'"c{number:024}"' for number in range(count))


def user_where(fields: str) -> str:
    return "{user(where: {" + fields + "}) {id}}"


# The costliest documents that are known: parsed and validated, each took between one and five seconds.
TOO_LARGE = {
    "1.6 MB of escapes in a block string": (user_where('id: """' + "\\a" * 800_000 + '"""'), "at most 1,048,576"),
    "1.6 MB of escapes behind brackets": ("{}" * 70 + '"""' + "\\a" * 800_000, "at most 1,048,576"),
    "4 MB of a comment": ("{user {id}} #" + "#" * 4_000_000, "at most 1,048,576"),
    "55,000 numbers in the place of texts": (
        "{externalIdsToDataRowIds(externalId_in: [" + "1.5 " * 55_000 + "]) {dataRowId}}", "30,000 names, values",
    ),
    "35,000 ids": (f"mutation {{deleteLabels(labelIds: [{ids(35_000)}]) {{id}}}}", "30,000 names, values"),
    "14,000 unknown fields of an input": (
        user_where(" ".join(f"f{number}: 1" for number in range(14_000))), "30,000 names, values",
    ),
    "8,000 unknown fields of an input": (
        user_where(" ".join(f"f{number}: 1" for number in range(8_000))), "selections, arguments",
    ),
    "3,000 terms of a search": (
        "{projects(where: {AND: [" + '{name: "a"} ' * 3_000 + "]}) {id}}", "selections, arguments",
    ),
    "5,000 variables": (
        "query(" + " ".join(f"$v{number}: ID" for number in range(5_000)) + ") {user {id}}", "variables and types",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("document", "bound"), TOO_LARGE.values(), ids=list(TOO_LARGE))
def test_a_document_that_is_too_large_is_refused_with_its_bound(server: ServedWorld, document: str, bound: str) -> None:
    answer = ask(server, document)
    assert (answer.code, answer.message) == ("GRAPHQL_VALIDATION_FAILED", "Query complexity limit exceeded")
    assert bound in answer.json["errors"][0]["extensions"]["reason"]


def test_a_long_list_is_refused_with_the_advice_to_use_variables(server: ServedWorld) -> None:
    document, _bound = TOO_LARGE["35,000 ids"]
    assert "variables" in ask(server, document).json["errors"][0]["extensions"]["reason"]
    listed = {"keys": [f"c{number:024}" for number in range(40_000)]}
    answer = ask(server, "query($keys: [String!]!) {externalIdsToDataRowIds(externalId_in: $keys) {dataRowId}}", listed)
    assert answer.data == {"externalIdsToDataRowIds": []}


def test_a_document_of_just_the_largest_size_is_read(server: ServedWorld) -> None:
    document = "{user {email}} #"
    longest = document + "x" * (MOST_CHARACTERS - len(document))
    assert ask(server, longest).data["user"]
    assert ask(server, longest + "x").code == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 5000, "9" * 5000 + ".5", "1e" + "9" * 5000])
@pytest.mark.parametrize("argument", ["skip", "first"])
def test_a_number_of_5000_digits_is_refused_in_plain_words(server: ServedWorld, argument: str, number: str) -> None:
    answer = ask(server, f"{{projects({argument}: {number}) {{id}}}}")
    assert answer.code == "GRAPHQL_VALIDATION_FAILED"
    assert f"A number has {len(number):,} digits; at most 400 are read" in answer.message


def test_a_number_of_5000_digits_among_the_variables_is_bad_input(server: ServedWorld) -> None:
    body = '{"query": "query($n: Int) {projects(first: $n) {id}}", "variables": {"n": ' + "9" * 5000 + "}}"
    answer = post(server, body.encode())
    assert answer.code == "BAD_USER_INPUT"
    assert "sys.set_int_max_str_digits" not in answer.message


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 30, "18446744073709551616", "-9223372036854775809"])
@pytest.mark.parametrize("place", ["%s", "{deep: [{x: %s}]}"])
def test_a_number_that_json_does_not_keep_is_refused_in_a_document(
    server: ServedWorld, place: str, number: str
) -> None:
    value = place % number
    answer = ask(
        server, f'mutation {{createModelConfig(input: {{modelId: "m", name: "n", inferenceParams: {value}}}) {{id}}}}'
    )
    assert answer.code == "GRAPHQL_VALIDATION_FAILED"
    assert "Json cannot represent" in answer.message


def test_a_name_that_is_too_long_is_refused(server: ServedWorld) -> None:
    assert ask(server, "{" + "a" * MOST_NAME + ": user {id}}").data
    assert ask(server, "{" + "a" * (MOST_NAME + 1) + ": user {id}}").code == "GRAPHQL_VALIDATION_FAILED"


# Values in errors


def test_an_error_repeats_no_more_than_the_beginning_of_a_large_value(server: ServedWorld) -> None:
    answer = ask(server, user_where(" ".join(f"f{number}: 1" for number in range(2_000))))
    assert answer.code == "GRAPHQL_VALIDATION_FAILED"
    assert len(answer.body) < 3_000


@pytest.mark.parametrize("wrong", [[1.5] * 30_000, {f"f{number}": 1 for number in range(30_000)}, "x" * MEBIBYTE])
def test_so_it_is_with_variables(server: ServedWorld, wrong: object) -> None:
    answer = ask(server, "query($where: UserWhere) {user(where: $where) {id}}", {"where": wrong})
    assert {error["extensions"]["code"] for error in answer.json["errors"]} == {"BAD_USER_INPUT"}
    assert len(answer.body) < 150_000


LONG = "x" * 900_000


@pytest.mark.parametrize(("document", "variables"), [
    (f'{{projects {{labels(orderBy: "{LONG}") {{id}}}}}}', None),
    ("query($order: LabelOrderBy) {projects {labels(orderBy: $order) {id}}}", {"order": LONG}),
    ("query($where: ProjectWhere) {projects(where: $where) {id}}", {"where": {LONG: 1}}),
], ids=["an enum in the text", "an enum among the variables", "a key among the variables"])  # fmt: skip
def test_a_word_of_a_megabyte_is_not_compared_with_the_known_words(
    server: ServedWorld, document: str, variables: object
) -> None:
    """Comparing held all other requests for most of a second."""
    answer = ask(server, document, variables)
    assert answer.code in {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}
    assert "Did you mean" not in answer.message
    assert len(answer.body) < 3_000


# The answer

TIMES = MOST_TEXT_OF_ANSWER // MOST_TEXT // 10


def repeat_field(field: str, times: int = TIMES + 1) -> str:
    """All projects, each with one of its fields again and again."""
    return "projects {" + " ".join(f"a{number}: {field}" for number in range(times)) + "}"


@pytest.fixture
def long_texts(workspace: MockWorkspace) -> MockWorkspace:
    """A workspace with ten projects more, whose descriptions are as long as they may be."""
    create = "mutation($data: ProjectData!) {createProject(data: $data) {id}}"
    for number in range(10):
        ask_in(workspace, create, data={"name": f"long {number}", "description": "d" * MOST_TEXT})
    return workspace


@pytest.mark.parametrize("document", [
    "{" + repeat_field("description") + "}",
    "{" + repeat_field("ontology {normalized}", 400) + "}",
    'mutation {createDataset(data: {name: "n"}) {organization {' + repeat_field("description") + "}}}",
])  # fmt: skip
def test_an_answer_that_would_be_too_long_is_refused(long_texts: MockWorkspace, document: str) -> None:
    [error] = answer_in(long_texts, document)["errors"]
    assert error["message"] == "Query complexity limit exceeded"
    assert "16,777,216 characters of texts; request fewer fields or pages" in error["extensions"]["reason"]


def test_an_answer_of_many_megabytes_is_given(long_texts: MockWorkspace) -> None:
    projects = ask_in(long_texts, "{" + repeat_field("description", TIMES // 2) + "}")["projects"]
    assert len(json.dumps(projects)) > MOST_TEXT_OF_ANSWER // 3
