"""Nobody waits for another: how long one request holds the event loop, whichever it is."""

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.routing import compile_path

from contract_tests.clients import documents
from contract_tests.rules.api.asking import EXPORT, export_input
from contract_tests.rules.api.graphql.test_bounds import TOO_LARGE
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for

MOST_HELD = 0.05
"""Seconds of the loop's own processor time for one request."""
PROGRAM = Path(__file__).parent / "watched.py"


class WatchedWorld(ServedWorld):
    """A server that measures how long its loop was held."""

    popen: type[subprocess.Popen[bytes]] = subprocess.Popen
    """`watched.py` takes the place of the program, which a fork has imported."""

    def _command(self) -> list[str]:
        python, _module, _name, *flags = super()._command()
        return [python, "-P", str(PROGRAM), *flags]  # its folder has a module named `http`

    @property
    def held(self) -> dict[str, Any]:
        """The longest callback since this was last asked."""
        return dict(requests.get(f"{self.url}/_held", timeout=60).json())

    def question(self, query: str, variables: object = None) -> requests.Response:
        return requests.post(
            self.graphql_url,
            data=json.dumps({"query": query, "variables": variables}),
            headers={"Authorization": f"Bearer {self.api_key}"},
            timeout=60,
        )


@pytest.fixture(scope="module")
def watched() -> Iterator[WatchedWorld]:
    with WatchedWorld() as world:
        world.question(documents.GET_USER)
        yield world


def call_without_holding(world: WatchedWorld, call: Callable[[], requests.Response]) -> requests.Response:
    """The answer of a call that does not hold the loop for too long.

    Three times it may: what the call itself takes, it takes each time, but a collection of Python's garbage, or another
    program on the same core, falls into it by chance.
    """
    for _ in range(3):
        answer, held = call_beside_another_client(world, call)
        if held["seconds"] <= MOST_HELD:
            return answer
    raise AssertionError((held, answer.url))


def call_beside_another_client(
    world: WatchedWorld, call: Callable[[], requests.Response]
) -> tuple[requests.Response, dict[str, Any]]:
    """The answer of a call beside which another client requests health, and the longest callback during it."""
    over = threading.Event()
    looks: list[int] = []

    def look() -> None:
        while not over.is_set():
            looks.append(requests.get(f"{world.url}/_mock/health", timeout=60).status_code)

    _ = world.held
    other = threading.Thread(target=look)
    other.start()
    try:
        answer = call()
    finally:
        over.set()
        other.join()
    assert set(looks) <= {200}
    assert answer.status_code < 500
    assert is_stream(answer) or b"MOCKSERVER_BUG" not in answer.content
    return answer, world.held


def chain(last: str, fragments: int, *, on: str = "Query") -> str:
    """Fragments that spread one another."""
    links = [f"fragment F{n} on {on} {{...F{n + 1}}}" for n in range(fragments)]
    return " ".join(["{...F0}", *links, f"fragment F{fragments} on {on} {{{last}}}"])


def tree(width: int) -> str:
    """A short text whose fragments ask for all labels of all projects again and again."""
    names = " ".join(f"a{n}: labels {{id dataRow {{id}}}}" for n in range(width))
    return f"{{projects {{...F}}}} fragment F on Project {{{names}}}"


WORST = {
    "490 empty pages": "{" + " ".join(f"a{n}: projects(first: 0) {{id}}" for n in range(490)) + "}",
    "490 pages of one": "{" + " ".join(f"a{n}: projects(first: 1) {{id}}" for n in range(490)) + "}",
    "330 times the user": "{" + " ".join(f"a{n}: user {{id email}}" for n in range(330)) + "}",
    "330 fragments in a chain": chain("user {id}", 330),
    "55 fragments in a chain": chain("user {id}", 55),
    "330 fragments at one place": (
        "{user {" + " ".join(f"...F{n}" for n in range(330)) + "}}"
        + " ".join(f"fragment F{n} on User {{id}}" for n in range(330))
    ),
    "50 fragments at one place": (
        "{user {" + " ".join(f"...F{n}" for n in range(50)) + "}}"
        + " ".join(f"fragment F{n} on User {{a{n}: id}}" for n in range(50))
    ),
    "490 times the same field": "{" + "user {id} " * 490 + "}",
    "44 times the same field": "{" + "user{id}" * 44 + "}",
    "a tree of fragments": tree(90),
    "480 operations": " ".join(f"query A{n} {{user {{id}}}}" for n in range(480)),
    "480 unknown fields": "{" + " ".join(f"x{n} {{id}}" for n in range(480)) + "}",
    "30 unknown fields": "{" + " ".join(f"x{n} {{id}}" for n in range(30)) + "}",
    "400 variables": (
        "query(" + " ".join(f"$v{n}: Int" for n in range(400)) + ") {"
        + " ".join(f"a{n}: projects(first: $v{n}) {{id}}" for n in range(400)) + "}"
    ),
    "10,000 variables": "query(" + " ".join(f"$v{n}: Int" for n in range(10_000)) + ") {user {id}}",
    "3,000 directives": "{user {id " + "@skip(if: true)" * 3_000 + "}}",
    "the schema": "{__schema {types {name fields {name type {name ofType {name ofType {name}}} args {name}}}}}",
    "the schema fifty times": "{" + " ".join(f"a{n}: __schema {{types {{fields {{name}}}}}}" for n in range(50)) + "}",
    "all labels of all rows": "{datasets {dataRows {labels {id}}}}",
    "all counts of all projects": "{projects {dataRowCount labelCount completedDataRowCount lastActivityTime}}",
    "40 times all counts": (
        "{" + " ".join(f"a{n}: projects {{dataRowCount labelCount lastActivityTime}}" for n in range(40)) + "}"
    ),
    "an unclosed string behind brackets": "{}" * 70 + '"' + '\\"' * 20_000,
    "an unclosed block behind brackets": "{}" * 70 + '"""' + '\\"""' * 20_000,
    "100 changes": (
        "mutation {" + " ".join(f'a{n}: createDataset(data: {{name: "{n}"}}) {{id}}' for n in range(100)) + "}"
    ),
    "30 exports and changes": (
        "mutation {"
        + " ".join(
            f'a{n}: exportLabels(data: {{projectId: "nobody"}}) {{status}}'
            f' b{n}: createDataset(data: {{name: "n"}}) {{id}}'
            for n in range(30)
        )
        + "}"
    ),
    **{name: document for name, (document, _reason) in TOO_LARGE.items()},
    "25,000 ids": (
        "mutation {deleteDataRows(where: {dataRowIds: [" + '"cl00000000000000000000000",' * 25_000 + "]}) {id}}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("document", WORST.values(), ids=list(WORST))
def test_no_document_holds_the_loop(watched: WatchedWorld, document: str) -> None:
    for _ in range(2):  # parsed anew, and kept
        call_without_holding(watched, lambda: watched.question(document))


SHORT_BODIES = {
    "5,000 empty terms": {"OR": [{}] * 5_000},
    "5,000 empty terms of a term": {"NOT": [{"OR": [{}] * 5_000}]},
    "3,000 terms": {"OR": [{"id": ""}] * 3_000},
}


@pytest.mark.parametrize("where", SHORT_BODIES.values(), ids=list(SHORT_BODIES))
def test_no_variables_of_a_short_body_hold_the_loop(watched: WatchedWorld, where: object) -> None:
    query = "query($where: DatasetWhere) {datasets(where: $where) {id}}"
    answer = call_without_holding(watched, lambda: watched.question(query, {"where": where}))
    assert "terms; at most 500 are answered" in answer.json()["errors"][0]["message"]


UPSERT = "mutation($d: UpsertOntologyInput!) {upsertOntology(data: $d) {id}}"
MANY_OPTIONS = {
    "tools": [],
    "classifications": [{
        "type": "radio", "name": "q", "instructions": "q", "required": False,
        "options": [{"label": f"o{n}", "value": f"o{n}"} for n in range(15_000)],
    }],
}  # fmt: skip


def test_no_large_ontologies_hold_the_loop(watched: WatchedWorld) -> None:
    for _ in range(6):
        data = {"name": "many options", "mediaType": "IMAGE", "normalized": json.dumps(MANY_OPTIONS)}
        answer = call_without_holding(watched, partial(watched.question, UPSERT, {"d": data}))
    ontology = answer.json()["data"]["upsertOntology"]["id"]
    headers = {"Authorization": f"Bearer {watched.api_key}"}
    for path in ("feature-schemas/unused", "ontologies/unused", f"ontologies/{ontology}"):
        call_without_holding(watched, partial(drive, "GET", f"{watched.url}/api/v1/{path}", headers))
    [question] = MANY_OPTIONS["classifications"]
    body = json.dumps({"normalized": json.dumps(question)})
    url = f"{watched.url}/api/v1/feature-schemas/new_feature_schema_id"
    assert call_without_holding(watched, lambda: requests.put(url, body, headers=headers, timeout=60)).json()[
        "schemaId"
    ]


OF_MANY_ROWS = {
    "createModelJobForDataRows": (
        "mutation($ids: [ID!]!) {createModelJobForDataRows("
        'input: {name: "n", ontologyId: "o", dataRowIds: $ids}) {taskId}}'
    ),
    "bulkAssignDataRows": (
        'mutation($ids: [ID!]!) {bulkAssignDataRows(input: {projectId: "p", userId: "u", dataRowIds: $ids}) {success}}'
    ),
    "createMEAModelRunDataRowRegistrationTask": (
        'mutation($ids: [ID!]!) {createMEAModelRunDataRowRegistrationTask(where: {id: "r"}, data: {dataRowIds: $ids})}'
    ),
}


@pytest.mark.parametrize("document", OF_MANY_ROWS.values(), ids=list(OF_MANY_ROWS))
def test_no_list_of_data_rows_holds_the_loop(watched: WatchedWorld, document: str) -> None:
    ids = [f"c{number:024}" for number in range(100_000)]
    assert call_without_holding(watched, lambda: watched.question(document, {"ids": ids})).json()["errors"]


BODIES = {
    "a million numbers": b"[" + b"0," * 1_000_000 + b"0]",
    "lists in lists": b"[" * 2_000_000,
    "100,000 empty lists": b'{"query": "{user {id}}", "variables": {"a": [' + b"[]," * 50_000 + b"[]]}}",
    "100,000 keys": (
        b'{"query": "{user {id}}", "variables": {' + b",".join(b'"%d":0' % n for n in range(50_000)) + b"}}"
    ),
    "4 MiB of spaces": b" " * 4 * 1024 * 1024,
}


@pytest.mark.parametrize("path", ["/graphql", "/_mock/expected", "/_mock/events"])
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_no_body_holds_the_loop(watched: WatchedWorld, path: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {watched.api_key}"}
    call_without_holding(watched, lambda: requests.post(watched.url + path, data=body, headers=headers, timeout=60))


def test_no_route_holds_the_loop(watched: WatchedWorld) -> None:
    """Every route of the application is driven, those of files by the links that exports give out."""
    paths = set(requests.get(f"{watched.url}/_routes", timeout=60).json())
    headers = {"Authorization": f"Bearer {watched.api_key}"}
    driven = 0
    for method, target in [*links(watched), *plain_routes(paths)]:
        url = target if target.startswith("http") else watched.url + target
        answer = call_without_holding(watched, partial(drive, method, url, headers))
        driven += answer.status_code < 400
        path = url.removeprefix(watched.url).partition("?")[0]
        paths -= {known for known in paths if compile_path(known)[0].match(path)}
    assert paths == set(), "these were not driven"
    assert driven > 40


def drive(method: str, url: str, headers: dict[str, str]) -> requests.Response:
    """The whole answer; of a stream of events, which does not end, its head."""
    answer = requests.request(method, url, headers=headers, timeout=60, stream=True)
    if is_stream(answer):
        answer.close()
    else:
        assert answer.content is not None, "read whole"
    return answer


def is_stream(answer: requests.Response) -> bool:
    return answer.headers.get("content-type", "").startswith("text/event-stream")


def links(world: WatchedWorld) -> Iterator[tuple[str, str]]:
    """The links of rows of every project, and of an export's results."""
    for project_id in world.projects.values():
        task = world.question(EXPORT, {"input": export_input(project_id, includeProjectDetails=True)}).json()["data"]
        result = wait_for(partial(find_result, world, task["exportDataRowsInProject"]["taskId"]))
        yield "GET", result
        rows = requests.get(result, timeout=60).text
        yield from (
            ("GET", url) for url in sorted({word for word in rows.split('"') if word.startswith(world.url)})[:12]
        )


TASK = "query($id: ID!) {task(where: {id: $id}) {status result}}"


def find_result(world: WatchedWorld, task_id: str) -> Any:
    """The link of a finished export; None before."""
    return world.question(TASK, {"id": task_id}).json()["data"]["task"]["result"]


def plain_routes(paths: set[str]) -> Iterator[tuple[str, str]]:
    """Every route with names in the place of its parameters, those of the control API by POST too."""
    for path in sorted(paths):
        filled = re.sub(r"{[^}]*}", "last", path)
        yield "GET", filled
        if path.startswith("/_mock/"):
            yield "POST", filled
