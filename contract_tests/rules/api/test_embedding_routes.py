"""Embeddings over REST, as SDKs up to 7.11 ask for them (adv_client.py), against GraphQL and exports."""

from collections import Counter

import pytest

from contract_tests.rules.api.asking import Answer, ask, get, send
from contract_tests.serving import ServedWorld

PATH = "/adv/adv/v1/embeddings"


def get_embeddings(server: ServedWorld, path: str = "") -> Answer:
    return get(server, PATH + path, authorization=f"Bearer {server.api_key}")


@pytest.mark.known("client")
def test_rest_and_graphql_have_the_same_embeddings(server: ServedWorld) -> None:
    listed = get_embeddings(server)
    assert (listed.status, list(listed.json)) == (200, ["results"])
    assert listed.json["results"] == ask(server, "{embeddings{id name custom dims}}").data["embeddings"] != []
    for embedding in listed.json["results"]:
        assert get_embeddings(server, f"/{embedding['id']}").json == embedding


@pytest.mark.known("client")
def test_the_count_is_that_of_the_data_rows_with_a_vector(server: ServedWorld) -> None:
    rows = server.own.expected_rows(catalog=True, params={"embeddings": True})
    have = Counter(embedding["id"] for row in rows for embedding in row["embeddings"])
    assert have
    for embedding in get_embeddings(server).json["results"]:
        assert get_embeddings(server, f"/{embedding['id']}/vectors/_count").json == {"count": have[embedding["id"]]}


@pytest.mark.known("client")
@pytest.mark.parametrize("path", ["/nobody", "/nobody/vectors/_count"])
def test_an_embedding_that_is_not_there_is_404_with_a_message(server: ServedWorld, path: str) -> None:
    answer = get_embeddings(server, path)
    assert (answer.status, answer.json["code"]) == (404, "RESOURCE_NOT_FOUND")
    assert "'nobody'" in answer.json["message"]


@pytest.mark.parametrize("path", ["", "/nobody", "/nobody/vectors/_count"])
@pytest.mark.parametrize("key", ["Bearer None", "Bearer wrong", ""])
def test_embeddings_take_a_key(server: ServedWorld, path: str, key: str) -> None:
    """SDKs since 6.0 whose key is in the environment send the word None (client.py 7.17.0:137)."""
    answer = get(server, PATH + path, authorization=key)
    assert (answer.status, answer.json["code"]) == (401, "AUTHENTICATION_ERROR")
    assert answer.json["message"]


@pytest.mark.parametrize(("method", "path"), [("PUT", ""), ("POST", "/nobody")])
def test_other_methods_are_refused_by_name(server: ServedWorld, method: str, path: str) -> None:
    answer = send(server, method, PATH + path, b"{}", {"authorization": f"Bearer {server.api_key}"})
    assert (answer.status, answer.json["code"]) == (405, "OPERATION_NOT_ALLOWED")
    assert method in answer.json["message"]


@pytest.mark.parametrize(
    "line",
    [b'{"id": "x", "vector": [' + b"0," * 300_000 + b"0]}", b"[" + b"[]," * 300_000 + b"[]]"],
    ids=["vector", "lists"],
)
def test_a_vector_of_too_many_numbers_is_not_parsed(server: ServedWorld, line: bytes) -> None:
    embedding = get_embeddings(server).json["results"][0]["id"]
    key = {"authorization": f"Bearer {server.api_key}"}
    answer = send(server, "PUT", f"{PATH}/{embedding}/_import_ndjson", line, key)
    assert answer.status == 400
    assert "Line 1 is no vector (an item has " in answer.json["message"]
    assert "at most 250,000 are read" in answer.json["message"]


def test_vectors_have_only_so_many_lines(server: ServedWorld) -> None:
    embedding = get_embeddings(server).json["results"][0]["id"]
    key = {"authorization": f"Bearer {server.api_key}"}
    answer = send(server, "PUT", f"{PATH}/{embedding}/_import_ndjson", b"\n" * 100_001, key)
    assert (answer.status, answer.json["message"]) == (
        400, "The body has more than 100,000 lines; send them in several requests"
    )  # fmt: skip
