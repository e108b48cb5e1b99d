"""One POST, one JSON body, one answer: whatever comes, the answer is JSON with a code, and never a 5xx."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.api.asking import Answer, answer_in, ask, get, open_connection, post, raw, read_answer
from contract_tests.rules.overlap import run_beside
from contract_tests.serving import ServedWorld

WHO = b'{"query": "{user {email}}"}'
MEGABYTE = 1024 * 1024


@pytest.mark.known("client")
@pytest.mark.parametrize("path", ["/graphql", "/_gql", "/api/graphql", "/api/_gql"])
def test_one_schema_answers_on_every_path(server: ServedWorld, path: str) -> None:
    assert post(server, WHO, path=path).data == {"user": {"email": "owner@mock.example"}}


@pytest.mark.known("client")
@pytest.mark.parametrize("header", ["Bearer {key}", "bearer {key}", "Bearer  {key} ", "{key}"])
def test_the_key_is_taken_with_its_scheme_or_bare(server: ServedWorld, header: str) -> None:
    assert post(server, WHO, authorization=header.format(key=server.api_key)).data["user"]


@pytest.mark.known("client")
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer wrong", "wrong", "Basic bW9jay1hcGkta2V5", "Bearer \xff\xfe"]
)
def test_another_key_is_an_authentication_error_that_says_what_to_send(server: ServedWorld, header: str | None) -> None:
    answer = post(server, WHO, authorization=header)
    assert (answer.status, answer.code, answer.json["data"]) == (401, "AUTHENTICATION_ERROR", None)
    assert "send" in answer.message
    assert "Authorization: Bearer " in answer.message


@pytest.mark.parametrize("header", ["Bearer", "bearer", "BEARER  "])
def test_a_scheme_without_a_key_is_named(server: ServedWorld, header: str) -> None:
    assert f"The Authorization header is '{header.strip()}' alone" in post(server, WHO, authorization=header).message


def test_a_wrong_key_is_not_repeated_in_the_log(server: ServedWorld) -> None:
    answer = post(server, WHO, authorization="Bearer somebodys-real-secret")
    assert b"somebodys-real-secret" not in answer.body
    assert "21 characters" in answer.message


BODIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not JSON"),
    "cut off": (b'{"query": "{user', "not JSON"),
    "wrong on its second line": (b'{"query":\n nonsense}', "line 2 column 2"),
    "not UTF-8": (b'{"query": "\xff\xfe"}', "not JSON"),
    "half a surrogate pair": (b'{"query": "\\ud800"}', "not JSON"),
    "a list": (b"[]", "got `array`"),
    "a batch of questions": (b"[" + WHO + b"]", "got `array`"),
    "a number": (b"1", "got `int`"),
    "null": (b"null", "got `null`"),
    "without a query": (b"{}", "missing required field `query`"),
    "a query that is a number": (b'{"query": 1}', "`$.query`"),
    "a query that is null": (b'{"query": null}', "`$.query`"),
    "variables that are a list": (b'{"query": "{user{id}}", "variables": []}', "`$.variables`"),
    "variables that are text": (b'{"query": "{user{id}}", "variables": "{}"}', "`$.variables`"),
    "an operation name that is a number": (b'{"query": "{user{id}}", "operationName": 5}', "`$.operationName`"),
    "100 lists deep": (b"[" * 100 + b"]" * 100, "got `array`"),
    "400 lists deep": (b"[" * 400 + b"]" * 400, "more than 128 levels"),
    "60,000 lists deep": (b"[" * 60_000 + b"]" * 60_000, "more than 128 levels"),
    "300,000 lists deep": (b"[" * 300_000 + b"]" * 300_000, "at most 120,000"),
    "150,000 empty objects": (b"[" + b"{}," * 150_000 + b"{}]", "at most 120,000"),
}


@pytest.mark.parametrize(("body", "reason"), BODIES.values(), ids=list(BODIES))
def test_the_refusal_of_a_body_says_what_is_wrong_and_what_was_expected(
    server: ServedWorld, body: bytes, reason: str
) -> None:
    answer = post(server, body)
    assert (answer.status, answer.code) == (400, "BAD_USER_INPUT")
    assert reason in answer.message
    assert '"query"' in answer.message


@pytest.mark.parametrize("body", [b'{"query": "{user {email}}"}', b'{"query": "{user {email}}", "extra": [1]}'])
@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "text/plain", "nonsense", None])
def test_a_json_body_is_read_whatever_it_is_called(server: ServedWorld, body: bytes, content_type: str | None) -> None:
    assert post(server, body, content_type=content_type).data["user"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_graphql_is_served_to_post_only(server: ServedWorld, method: str) -> None:
    answer = get(server, "/graphql?query={user{id}}", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    if method != "HEAD":
        assert (answer.code, f"must use POST, not {method}" in answer.message) == ("OPERATION_NOT_ALLOWED", True)


# Size


def test_a_body_announced_over_4_mb_is_refused_before_it_is_sent(server: ServedWorld) -> None:
    answer = raw(server, head(server, f"Content-Length: {5 * MEGABYTE}"))
    assert (answer.status, answer.code) == (413, "BAD_USER_INPUT")
    assert "5242880 bytes; at most 4194304" in answer.message


def test_a_body_in_chunks_is_refused_as_soon_as_it_passes_4_mb(server: ServedWorld) -> None:
    chunk = b"100000\r\n" + b" " * MEGABYTE + b"\r\n"
    answer = raw(server, head(server, "Transfer-Encoding: chunked") + chunk * 4 + b"1\r\n \r\n")
    assert (answer.status, answer.code) == (413, "BAD_USER_INPUT")


def test_a_body_of_just_4_mb_is_read(server: ServedWorld) -> None:
    assert post(server, WHO + b" " * (4 * MEGABYTE - len(WHO))).data["user"]


@pytest.mark.parametrize("length", ["9" * 30, "9" * 5000, "-1", "1e3", "٣"])
def test_a_nonsense_content_length_is_a_bad_request(server: ServedWorld, length: str) -> None:
    assert 400 <= raw(server, head(server, f"Content-Length: {length}")).status < 500


@pytest.mark.known("client")
def test_a_bulk_delete_of_unknown_ids_is_read_and_answered(server: ServedWorld) -> None:
    """SDKs inline the ids into the document (wire.md §2.1); 10,000 of them are 300 kB."""
    ids = ", ".join(f'"c{number:024}"' for number in range(10_000))
    answer = ask(server, f"mutation deleteDataRowsPyApi{{deleteDataRows(where: {{dataRowIds: [{ids}]}}){{id}}}}")
    assert (answer.status, answer.code) == (200, "RESOURCE_NOT_FOUND")
    assert f"c{0:024}" in answer.message


@pytest.mark.known("client")
def test_the_largest_bulk_delete_of_an_sdk_does_not_keep_others_waiting(server: ServedWorld) -> None:
    """25,000 ids inlined are 700 kB; the document is parsed beside the loop (wire.md §2.1)."""
    ids = ", ".join(f'"c{number:024}"' for number in range(25_000))
    body = json.dumps({"query": f"mutation{{deleteLabels(labelIds: [{ids}]){{id}}}}"})

    def delete() -> Any:
        with open_connection(server) as connection:
            connection.request("POST", "/graphql", body, {"Authorization": f"Bearer {server.api_key}"})
            return read_answer(connection.getresponse())

    answer, _, inside = run_beside(delete, lambda: post(server, WHO))
    assert answer.code == "RESOURCE_NOT_FOUND"
    assert inside > 0, "nobody was answered while the document was parsed"


# The connection


def test_a_connection_survives_every_kind_of_error(server: ServedWorld) -> None:
    key = {"Authorization": f"Bearer {server.api_key}"}
    wrong = [b"nonsense", b"", b"[]", b'{"query": "{"}', b'{"query": "{nothing}"}', b'{"query": "{project{id}}"}']
    sockets = set()
    with open_connection(server) as connection:
        for body, headers in [*((body, key) for body in wrong), (WHO, {}), (WHO, key)]:
            connection.request("POST", "/graphql", body, headers)
            answer = read_answer(connection.getresponse())
            assert connection.sock is not None, f"the server closed the connection after {body!r}"
            sockets.add(connection.sock.getsockname())
    assert answer.data == {"user": {"email": "owner@mock.example"}}
    assert len(sockets) == 1


def test_a_second_request_on_the_wire_does_not_disturb_the_first(server: ServedWorld) -> None:
    request = head(server, f"Content-Length: {len(WHO)}") + WHO
    assert raw(server, request + request).data["user"]


@pytest.fixture(scope="module")
def reachable() -> Iterator[ServedWorld]:
    """A server that other machines can reach, under whatever name they have for it."""
    with ServedWorld("--host", "0.0.0.0") as world:
        yield world


@pytest.mark.parametrize("host", ['a"b', "a\\b", "höst", "", "evil.example", "[::1]:8000", "a" * 500])
def test_whatever_host_a_client_names_the_result_is_json(reachable: ServedWorld, host: str) -> None:
    """The host is part of the URLs of every row, so it must not be able to break one."""
    params = {"projectId": reachable.projects["image"], "searchQuery": {"query": []}}
    document = "mutation($input: ExportDataRowsInProjectInput!){exportDataRowsInProject(input: $input){taskId}}"
    body = json.dumps({"query": document, "variables": {"input": {"filters": params}}}).encode()
    request = head(reachable, f"Content-Length: {len(body)}").replace(
        b"Host: localhost", b"Host: " + host.encode("latin-1")
    )
    task_id = raw(reachable, request + body).data["exportDataRowsInProject"]["taskId"]
    path = f"/api/v1/export-results/{task_id}/{reachable.organization_id}"
    lines = get(reachable, path, authorization=f"Bearer {reachable.api_key}").body.splitlines()
    assert [json.loads(line)["data_row"]["id"] for line in lines]


def head(server: ServedWorld, *lines: str) -> bytes:
    """The beginning of a POST, up to the empty line."""
    first = ["POST /graphql HTTP/1.1", "Host: localhost", f"Authorization: Bearer {server.api_key}", *lines, "", ""]
    return "\r\n".join(first).encode("utf-8")


# Whatever comes

KNOWN_CODES = {
    "AUTHENTICATION_ERROR", "RESOURCE_NOT_FOUND", "RESOURCE_CONFLICT", "MALFORMED_REQUEST", "OPERATION_NOT_ALLOWED",
    "BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED",
}  # fmt: skip
"""Those the SDK maps, and BAD_USER_INPUT. INTERNAL_SERVER_ERROR is retried for two minutes (wire trap 4)."""

WORDS = st.sampled_from(
    [
        *[
            "{",
            "}",
            "(",
            ")",
            "[",
            "]",
            ":",
            ",",
            "!",
            "$",
            "@",
            "...",
            "#",
            '"',
            "\\",
            "&",
            "|",
            "query",
            "mutation",
            "subscription",
            "fragment",
            "on",
            "null",
            "true",
            "1",
            "-1",
            "1e400",
        ],
        *[
            "user",
            "project",
            "projects",
            "datasets",
            "id",
            "name",
            "where",
            "first",
            "skip",
            "AND",
            "__typename",
            "__schema",
            "@skip(if:",
        ],
        *["deleteLabels", "labelIds", "$a", "String", "ID!", "labels", "orderBy", "createdAt_ASC", "é"],
        *("\n", "\r", "\u2028", '""', '"""'),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
BODY = st.one_of(
    st.lists(WORDS, max_size=24).map(lambda words: json.dumps({"query": " ".join(words)}).encode()),
    st.builds(lambda query, variables: json.dumps({"query": query, "variables": variables}).encode(), st.text(), JSON),
    JSON.map(lambda document: json.dumps(document).encode()),
    st.binary(max_size=60),
)


@given(body=BODY)
@settings(max_examples=300, deadline=None)
def test_whatever_is_posted_the_answer_is_json_with_a_known_code(server: ServedWorld, body: bytes) -> None:
    check_shape(post(server, body))


SEARCH = (
    "query($project: ProjectWhere, $dataset: DatasetWhere, $user: UserWhere, $skip: Int, $first: Int, $page: PageSize,"
    " $rows: DatasetDataRowWhereInput, $id: ID!, $keys: GlobalKeysWhere){projects(where: $project, skip: $skip,"
    " first: $first){id labels(skip: $skip, first: $page){id}} datasets(where: $dataset, skip: $skip, first: $first)"
    "{id} users(where: $user){id} ontologies(first: $page){nodes{id} nextCursor} embeddings{id}"
    " datasetDataRows(id: $id, first: $first, where: $rows){nodes{id}} dataRowsForGlobalKeys(where: $keys){jobId}}"
)
TEXT = st.none() | st.text(max_size=6)
PROJECT_WHERE: st.SearchStrategy[Any] = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "id": TEXT,
            "name": TEXT,
            "name_not": TEXT,
            "deleted": st.none() | st.booleans(),
            "createdAt_gt": st.none() | st.datetimes().map(lambda moment: moment.isoformat()),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {}, optional={word: st.none() | st.lists(inner, max_size=3) for word in ("AND", "OR", "NOT")}
    ),
    max_leaves=8,
)
NUMBER = st.none() | st.integers(-(2**31), 2**31 - 1) | st.integers(-3, 3)


@given(
    variables=st.fixed_dictionaries(
        {"id": st.just("DATASET")},
        optional={
            "project": st.none() | PROJECT_WHERE,
            "skip": NUMBER,
            "first": NUMBER,
            "page": st.none() | st.integers(-5, 2**70) | st.text("0123456789٣-", max_size=21),
            "rows": st.none() | st.fixed_dictionaries({"externalId": TEXT}),
            "keys": st.none() | st.fixed_dictionaries({"ids": st.none() | st.lists(st.text(max_size=5))}),
        },
    )
)
@settings(max_examples=200, deadline=None)
def test_whatever_is_searched_for_the_answer_is_a_page_or_says_what_is_wrong(
    server: ServedWorld, variables: dict[str, Any]
) -> None:
    check_shape(ask(server, SEARCH, variables | {"id": server.ready["datasets"]["image rows"]}))


def check_shape(answer: Answer) -> None:
    document = answer.json
    assert document.get("data") is not None or document["errors"]
    for error in document.get("errors", []):
        assert isinstance(error["message"], str)
        assert error["extensions"]["code"] in KNOWN_CODES


@pytest.mark.known("client")
def test_a_switch_hides_what_is_wrong_with_a_document(server: ServedWorld) -> None:
    """The service of 2026 names neither field nor type; the code and syntax errors are as before."""
    workspace = server.workspace()
    plain = answer_in(workspace, "{organization{namme}}")["errors"][0]
    workspace.switches.set(validation="masked")
    [masked] = answer_in(workspace, "{organization{namme}}")["errors"]
    assert '"namme"' in plain["message"]
    assert masked == {"message": "GraphQL validation error", "extensions": {"code": plain["extensions"]["code"]}}
    [syntax] = answer_in(workspace, "{")["errors"]
    assert (syntax["extensions"]["code"], syntax["message"][:13]) == ("GRAPHQL_PARSE_FAILED", "Syntax Error:")
    [complex_] = answer_in(workspace, "{user {" + " id" * 1001 + "} }")["errors"]
    assert complex_["message"] == "Query complexity limit exceeded"
    assert answer_in(workspace, "{organization{name}}")["data"]
