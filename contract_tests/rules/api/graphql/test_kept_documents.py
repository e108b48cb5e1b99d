"""Documents that are kept: as many as their memory allows, the last ones sent, and never what is sent once."""

import asyncio
import http.client
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.api.graphql.engines import ENGINE
from contract_tests.serving import ServedWorld
from mockserver.api.graphql.documents import MOST_KEPT, Document, KeptDocuments, RefusedDocument, prepare
from mockserver.api.graphql.engine import Engine
from mockserver.api.graphql.resolvers import MODULES
from mockserver.errors import QueryNotValid, WireError
from mockserver.journal.notes import Notes

MEBIBYTE = 1024
"""In the kB of /proc."""
SLACK = 24
"""MiB that the allocator keeps of what was parsed and let go."""


def wide(number: int, fields: int = 60) -> str:
    return "{user {" + " ".join(f"a{number}x{index}: id" for index in range(fields)) + "}}"


def memory(server: ServedWorld) -> int:
    """MiB that the server's process holds."""
    status = Path(f"/proc/{server.ready['pid']}/status").read_text()
    [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    return int(kilobytes) // MEBIBYTE


@pytest.fixture
def own() -> Iterator[ServedWorld]:
    with ServedWorld("--journal-entries", "0", popen=subprocess.Popen) as world:
        yield world


def send_all(server: ServedWorld, documents: Iterator[str]) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {server.api_key}"}
    for document in documents:
        connection.request("POST", "/graphql", json.dumps({"query": document}), headers)
        assert b"MOCKSERVER_BUG" not in connection.getresponse().read()
    connection.close()


@pytest.mark.timeout(400)
def test_hundreds_of_documents_take_no_more_memory_than_is_set_aside(own: ServedWorld) -> None:
    """Kept by their number, these took 54 MiB, most of it the parts of documents."""
    send_all(own, (wide(number) for number in range(20)))
    before = memory(own)
    send_all(own, (wide(number) + "#" + "x" * 15_000 for number in range(600)))
    assert memory(own) - before < MOST_KEPT // 1024 // 1024 + SLACK


def test_what_was_sent_last_is_kept() -> None:
    documents = KeptDocuments(most=200_000)
    document = prepare(ENGINE.schema, "{user {id}}")
    for number in range(1_000):
        documents.keep(f"{{user {{id}}}} # {number}", document)
        assert documents.get("{user {id}} # 0") is document, "it is requested all the time"
    assert documents.get("{user {id}} # 1") is None
    assert documents.get("{user {id}} # 999") is document


def test_a_document_that_is_larger_than_any_other_is_not_kept() -> None:
    documents = KeptDocuments()
    small, large = prepare(ENGINE.schema, "{user {id}}"), "{user {id}} #" + "x" * 70_000
    documents.keep("{user {id}}", small)
    documents.keep(large, prepare(ENGINE.schema, large))
    assert (documents.get("{user {id}}"), documents.get(large)) == (small, None)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from([10, 100, 1_000, 50_000])), max_size=60))
def test_the_memory_that_is_counted_never_passes_the_limit(sent: list[tuple[int, int]]) -> None:
    documents = KeptDocuments(most=120_000)
    for number, size in sent:
        error: Document | RefusedDocument = RefusedDocument(QueryNotValid("x" * size))
        documents.keep(f"{number}/{size}", error)
        assert documents.memory <= 120_000
    results = [documents.get(f"{number}/{size}") for number, size in dict.fromkeys(sent)]
    assert len([item for item in results if item is not None]) == len(documents)


def test_a_kept_refusal_does_not_hold_the_requests_that_met_it() -> None:
    """An error that is raised again and again gets a longer traceback each time, and with it all that was in memory."""
    engine = Engine(MODULES)
    texts = ["{nothing}", "{", "{user {" + " id" * 1001 + "}}"]

    def refuse(text: str) -> WireError:
        with pytest.raises(WireError) as refused:
            asyncio.run(engine._find_document(text, None, Notes()))
        return refused.value

    for text in texts:
        first, again = refuse(text), refuse(text)
        assert first is not again
        assert (first.as_graphql(), type(first)) == (again.as_graphql(), type(again))
        refusal = engine._documents.get(text)
        assert isinstance(refusal, RefusedDocument)
        assert refusal.error.__traceback__ is None
