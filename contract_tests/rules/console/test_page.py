"""The page for people, as a browser gets it from a served world."""

import json
import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests
from starlette.requests import Request

from contract_tests.clients.environments import NEWEST, python_of
from contract_tests.serving import ServedWorld
from mockserver.console import page as console
from mockserver.world.labels import WorkflowStatus

ID = re.compile(r"\bc[0-9a-z]{24}\b")
HOSTILE = "<script>alert('&\"')</script>\nprint('mine')"
HOSTILE_SCENARIO = f"""
description = "Names that mean harm."
organization = '<b>organization</b>'
[ontologies.o]
media = "image"
[[projects]]
name = {json.dumps(HOSTILE)}
media = "image"
ontology = "o"
"""


class Reader(HTMLParser):
    """The texts of elements with an id, all links, and the names of all elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.links: list[str] = []
        self.elements: list[str] = []
        self._open: list[str | None] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append(tag)
        if tag == "a":
            self.links.append(attributes["href"] or "")
        if tag not in {"meta", "link"}:
            self._open.append(attributes.get("id"))

    def handle_endtag(self, _tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for name in filter(None, self._open):
            self.texts[name] = self.texts.get(name, "") + data


@pytest.fixture(scope="module")
def server() -> Iterator[ServedWorld]:
    """A default world that no other test has changed."""
    with ServedWorld() as world:
        yield world


@pytest.fixture(scope="module")
def reachable() -> Iterator[ServedWorld]:
    """A server that other machines can reach, under whatever name they have for it."""
    with ServedWorld("--host", "0.0.0.0") as world:
        yield world


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    scenario = tmp_path_factory.mktemp("scenario") / "hostile.toml"
    scenario.write_text(HOSTILE_SCENARIO)
    with ServedWorld("--scenario", str(scenario), "--api-key", "mock-'\"<i>&amp;") as world:
        yield world


def fetch_page(server: ServedWorld, **headers: str) -> str:
    response = requests.get(f"{server.url}/", headers=headers, timeout=10)
    assert response.status_code == 200, response.text
    return response.text


def test_it_says_where_the_server_is_and_which_key_it_takes(server: ServedWorld) -> None:
    texts = Reader(fetch_page(server)).texts
    assert texts["graphql-url"] == server.graphql_url
    assert texts["rest-url"] == server.rest_url
    assert texts["api-key"] == server.api_key
    assert texts["organization-id"] == server.organization_id
    assert texts["scenario"] == "default"


def test_addresses_are_those_under_which_it_was_asked(reachable: ServedWorld) -> None:
    texts = Reader(fetch_page(reachable, Host="mock.example:81")).texts
    assert texts["graphql-url"] == "http://mock.example:81/graphql"
    assert "http://mock.example:81/api/v1" in texts["python-snippet"]


def test_every_id_it_shows_exists(server: ServedWorld) -> None:
    document = "{ organization { id } projects { id } datasets { id } }"
    data = server.ask(document)
    known = {item["id"] for item in [data["organization"], *data["projects"], *data["datasets"]]}
    assert set(ID.findall(fetch_page(server))) == known


@pytest.mark.parametrize("name", ["image", "text"])
def test_it_counts_rows_and_labels_as_graphql_does(server: ServedWorld, name: str) -> None:
    document = (
        "query($id: ID!) { project(where: {id: $id})"
        " { id dataRowCount labelCount workstreamStateCounts { state count } } }"
    )
    project = server.ask(document, id=server.projects[name])["project"]
    counts = {item["state"]: item["count"] for item in project["workstreamStateCounts"]}
    in_line = re.search(f"{project['id']}</td>(.*?)</tr>", fetch_page(server))
    assert in_line is not None
    numbers = [int(number) for number in re.findall(r"<td class=\"number\">(\d+)</td>", in_line[1])]
    states = [counts["Unlabeled"], counts["InReview"], counts["InRework"], counts["Done"]]
    assert numbers == [project["dataRowCount"], *states, project["labelCount"], counts["Skipped"]]


def test_what_was_deleted_is_not_counted() -> None:
    with ServedWorld() as server:
        project = server.ask(
            "query($id: ID!) { project(where: {id: $id}) { labels(orderBy: createdAt_ASC) { id dataRow { id } } } }",
            id=server.projects["image"],
        )["project"]
        first, second, *_ = project["labels"]
        server.ask("mutation($ids: [ID!]!) { deleteLabels(labelIds: $ids) { id } }", ids=[first["id"]])
        rows = [second["dataRow"]["id"]]
        server.ask("mutation($ids: [ID!]!) { deleteDataRows(where: {dataRowIds: $ids}) { id } }", ids=rows)
        others = [("Project", id_) for name, id_ in server.projects.items() if name != "image"]
        others += [("Dataset", id_) for name, id_ in server.ready["datasets"].items() if name != "image rows"]
        for what, id_ in others:
            document = f"mutation($id: ID!) {{ update{what}(where: {{id: $id}}, data: {{deleted: true}}) {{ id }} }}"
            server.ask(document, id=id_)
        html = fetch_page(server)
    assert re.findall(r'<td class="number">(\d+)</td></tr>', html.replace("\n", "")) == ["1", "11"]
    assert re.findall(r'<td class="number">(\d+)</td>', html) == ["11", "2", "1", "2", "6", "8", "1", "11"]


def rows_of_the_first(html: str) -> int:
    """How many rows the first project of the page has; the snippets export that one."""
    return int(re.findall(r'<td class="number">(\d+)</td>', html)[0])


@pytest.mark.parametrize("name", ["server", "hostile"])
def test_the_python_snippet_runs_in_the_sdk_and_prints_rows(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    server: ServedWorld = request.getfixturevalue(name)
    html = fetch_page(server)
    printed = run_in_sdk(Reader(html).texts["python-snippet"], tmp_path)
    assert len(printed) == rows_of_the_first(html) > 4
    assert all(line.startswith("{'data_row': {'id': 'c") for line in printed)


def test_in_a_world_without_rows_the_python_snippet_prints_the_organization(tmp_path: Path) -> None:
    with ServedWorld("--scenario", "empty") as server:
        html = fetch_page(server)
        assert run_in_sdk(Reader(html).texts["python-snippet"], tmp_path) == ["Mock Organization"]
        assert "No projects." in html
        assert "Mock Organization" in run_in_shell(Reader(html).texts["curl-snippet"])


@pytest.mark.parametrize("name", ["server", "hostile"])
def test_the_curl_snippet_prints_rows(request: pytest.FixtureRequest, name: str) -> None:
    server: ServedWorld = request.getfixturevalue(name)
    html = fetch_page(server)
    printed = run_in_shell(Reader(html).texts["curl-snippet"])
    assert printed.count('{"data_row":') == rows_of_the_first(html) > 4


def test_hostile_names_are_text(hostile: ServedWorld) -> None:
    html = fetch_page(hostile)
    reader = Reader(html)
    assert "&lt;script&gt;alert(" in html
    assert reader.elements.count("script") == 1
    assert not {"i"} & set(reader.elements)
    assert reader.texts["api-key"] == hostile.api_key
    assert HOSTILE.splitlines()[1] not in reader.texts["python-snippet"]


def test_a_hostile_host_stays_inside_its_strings(reachable: ServedWorld) -> None:
    """A host that is not valid in a URL is replaced by the server's own address."""
    texts = Reader(fetch_page(reachable, Host="x\";print('mine')#$(echo mine)'<b>")).texts
    assert texts["python-snippet"] == texts_of(reachable)["python-snippet"]
    assert "mine" not in texts["curl-snippet"]


def texts_of(server: ServedWorld) -> dict[str, str]:
    return Reader(fetch_page(server)).texts


def test_it_needs_nothing_from_elsewhere(server: ServedWorld) -> None:
    response = requests.get(f"{server.url}/", timeout=10)
    loaded = re.findall(r"(?:src|href)=\"([^\"]*)\"", response.text)
    assert [address for address in loaded if address.startswith(("http", "//"))] == []
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_every_link_leads_somewhere(server: ServedWorld) -> None:
    links = Reader(fetch_page(server)).links
    assert "docs/scenarios.md" in links
    for link in links:
        response = requests.get(f"{server.url}/{link}", timeout=10)
        begins = "{\n" if link.endswith(".json") else "# "
        assert (response.status_code, response.text[:2]) == (200, begins)


@pytest.mark.parametrize("path", ["nothing.md", "../README.md", "%2e%2e%2fREADME.md", "scenarios"])
def test_no_other_file_can_be_read(server: ServedWorld, path: str) -> None:
    request = requests.Request("GET", "http://unused").prepare()
    request.url = f"{server.url}/docs/{path}"
    with requests.Session() as session:
        assert session.send(request, timeout=10).status_code == 404


def test_another_workspace_is_shown_to_who_knows_its_key(server: ServedWorld) -> None:
    created = requests.post(f"{server.url}/_mock/workspaces", json={"scenario": "empty", "seed": 3}, timeout=10).json()
    other = Reader(requests.get(f"{server.url}/", params={"api_key": created["api_key"]}, timeout=10).text).texts
    assert other["scenario"] == "empty"
    assert other["organization-id"] == created["organization_id"] != server.organization_id
    nobody = requests.get(f"{server.url}/", params={"api_key": "nobody's"}, timeout=10)
    assert nobody.status_code == 404
    assert server.api_key not in nobody.text
    assert created["api_key"] not in nobody.text + fetch_page(server)


@pytest.mark.parametrize(
    ("key", "client", "expected"),
    [
        ("mock-api-key", ("10.0.0.1", 1), True),
        ("my-own-key", ("127.0.0.1", 1), True),
        ("my-own-key", ("10.0.0.1", 1), False),
        ("my-own-key", None, True),
    ],
)
def test_a_key_of_ones_own_is_shown_on_the_same_machine_only(
    key: str, client: tuple[str, int] | None, expected: bool
) -> None:
    request = Request({"type": "http", "client": client, "headers": [(b"host", b"localhost:8000")]})
    assert console.is_key_shown(key, request, frozenset({"localhost"})) is expected


def test_every_status_has_its_column() -> None:
    assert set(console.STATUSES) == set(WorkflowStatus)


def test_long_lists_are_cut() -> None:
    drawn = console.render_table(["Name"], [["x"]] * (console.MOST_LISTED + 5), nothing="None.")
    assert drawn.count("<td>x</td>") == console.MOST_LISTED
    assert "… and 5 more." in drawn


def run_in_sdk(program: str, folder: Path) -> list[str]:
    file = folder / "snippet.py"
    file.write_text(program)
    finished = subprocess.run([str(python_of(NEWEST)), str(file)], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()


def run_in_shell(line: str) -> str:
    finished = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout
