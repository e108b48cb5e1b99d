"""The home page and the frame around all views, as a browser gets them from a served world."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests

from contract_tests.clients.environments import NEWEST, python_of
from contract_tests.serving import ServedWorld
from mockserver.console.home import MOST_LISTED, STATUSES
from mockserver.world.records.labels import WorkflowStatus

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
        if tag not in {"meta", "link", "input", "br", "hr", "img"}:
            self._open.append(attributes.get("id"))

    def handle_endtag(self, _tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for name in filter(None, self._open):
            self.texts[name] = self.texts.get(name, "") + data


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
    response = requests.get(f"{server.url}/", headers=headers, timeout=60)
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
    kinds = ("projects", "datasets", "slices", "model_runs")
    known = {id_ for kind in kinds for id_ in server.ready[kind].values()} | {server.organization_id}
    html = fetch_page(server)
    assert set(ID.findall(html)) <= known
    assert [id_ for id_ in known if id_ not in html] == []


@pytest.mark.parametrize("name", ["image", "text"])
def test_it_counts_rows_and_labels_as_graphql_does(server: ServedWorld, name: str) -> None:
    document = (
        "query($id: ID!) { project(where: {id: $id})"
        " { id dataRowCount labelCount workstreamStateCounts { state count } } }"
    )
    project = server.ask(document, id=server.projects[name])["project"]
    counts = {item["state"]: item["count"] for item in project["workstreamStateCounts"]}
    states = [counts["Unlabeled"], counts["InReview"], counts["InRework"], counts["Done"]]
    assert numbers_of(fetch_page(server), project["id"]) == [project["dataRowCount"], *states, project["labelCount"]]


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
        assert numbers_of(html, server.projects["image"]) == [11, 2, 1, 2, 6, 8]
        assert numbers_of(html, server.ready["datasets"]["image rows"]) == [11]
        assert len(re.findall("<tr data-", html)) == 2


def numbers_of(html: str, id_: str) -> list[int]:
    """The numbers in the line of a project or dataset."""
    [line] = re.findall(f'<tr data-[a-z]+="{id_}">(.*?)</tr>', html, re.DOTALL)
    return [int(number) for number in re.findall(r'<td class="number">(\d+)</td>', line)]


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
    response = requests.get(f"{server.url}/", timeout=60)
    loaded = re.findall(r"(?:src|href|action)=\"([^\"]*)\"", response.text)
    assert [address for address in loaded if address.startswith(("http", "//"))] == []
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_no_style_and_no_script_is_written_into_the_page(server: ServedWorld) -> None:
    html = fetch_page(server)
    assert re.findall(r" style=| on[a-z]+=|<style|<script(?! src=)", html) == []


def test_files_of_the_page_are_kept_by_browsers_and_small(server: ServedWorld) -> None:
    addresses = re.findall(r'"(/console/static/[^"]+)"', fetch_page(server))
    files = [requests.get(server.url + address, timeout=60) for address in addresses]
    assert [file.status_code for file in files] == [200, 200]
    assert all("immutable" in file.headers["Cache-Control"] for file in files)
    assert sum(len(file.content) for file in files) < 200_000
    assert requests.get(f"{server.url}/console/static/nothing.js", timeout=60).status_code == 404


def test_templates_are_imported_when_a_view_is_requested() -> None:
    """A server at which nobody looks starts as soon, and needs as little memory, as one without the page."""
    program = (
        "import sys, mockserver.app; print({'jinja2', 'markdown_it', 'mockserver.console.frame'} & set(sys.modules))"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "set()"


def test_another_workspace_is_shown_to_who_knows_its_key(server: ServedWorld) -> None:
    created = requests.post(f"{server.url}/_mock/workspaces", json={"scenario": "empty", "seed": 3}, timeout=30).json()
    other = Reader(requests.get(f"{server.url}/", params={"api_key": created["api_key"]}, timeout=60).text).texts
    assert other["scenario"] == "empty"
    assert other["organization-id"] == created["organization_id"] != server.organization_id
    nobody = requests.get(f"{server.url}/", params={"api_key": "nobody's"}, timeout=60)
    assert nobody.status_code == 404
    assert server.api_key not in nobody.text
    assert created["api_key"] not in nobody.text
    assert created["api_key"] in fetch_page(server)
    requests.delete(f"{server.url}/_mock/workspaces/{created['api_key']}", timeout=60)


# Other machines


@pytest.fixture(scope="module")
def guarded() -> Iterator[ServedWorld]:
    """A server with a key of its own, as other machines see it: a forwarded request never counts as this machine's."""
    with ServedWorld("--host", "0.0.0.0", "--api-key", "my-own-key", "--control-token", "opens-it") as world:
        yield world


ELSEWHERE = {"X-Forwarded-For": "10.0.0.1", "Accept": "text/html"}


def test_other_machines_see_neither_the_key_nor_other_workspaces(guarded: ServedWorld) -> None:
    assert "my-own-key" in fetch_page(guarded)
    html = fetch_page(guarded, **ELSEWHERE)
    assert "my-own-key" not in html
    assert "data-call" not in html
    assert Reader(html).texts["api-key"] == "YOUR_KEY"


def test_a_browser_of_another_machine_signs_in_with_the_control_token(guarded: ServedWorld) -> None:
    with requests.Session() as browser:
        browser.headers.update(ELSEWHERE)
        for token, status in (("wrong", 401), ("opens-it", 200)):
            form = {"token": token, "target": "/docs/"}
            answer = browser.post(f"{guarded.url}/console/sign-in", data=form, timeout=60)
            assert answer.status_code == status
        assert answer.url == f"{guarded.url}/docs/"
        assert "opens-it" not in str(browser.cookies.get_dict())
        assert "my-own-key" in browser.get(f"{guarded.url}/", timeout=60).text
        assert browser.get(f"{guarded.url}/_mock/clock", timeout=60).status_code == 200
        foreign = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
        answer = browser.post(f"{guarded.url}/_mock/clock", json={"advance": 1}, headers=foreign, timeout=60)
        assert answer.status_code == 401


@pytest.mark.parametrize("target", ["//evil.example/", "http://evil.example", "/\\evil.example", ""])
def test_signing_in_leads_only_to_this_server(guarded: ServedWorld, target: str) -> None:
    form = {"token": "opens-it", "target": target}
    answer = requests.post(f"{guarded.url}/console/sign-in", data=form, timeout=60, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"token", b"token=%ff", b"x" * 5000])
def test_a_form_that_is_no_form_is_refused(guarded: ServedWorld, body: bytes) -> None:
    answer = requests.post(f"{guarded.url}/console/sign-in", data=body, timeout=60)
    assert answer.status_code in {401, 413}
    assert answer.json()["code"] in {"CONTROL_REFUSED", "BAD_USER_INPUT"}


# Lists


def test_every_status_has_its_column() -> None:
    assert set(STATUSES) == set(WorkflowStatus)


def test_long_lists_are_cut(server: ServedWorld) -> None:
    created = requests.post(f"{server.url}/_mock/workspaces", json={"scenario": "empty"}, timeout=30).json()
    fields = " ".join(f'd{number}: createDataset(data: {{name: "d"}}) {{ id }}' for number in range(41))
    headers = {"Authorization": f"Bearer {created['api_key']}"}
    body = {"query": f"mutation {{ {fields} }}"}
    answers = [requests.post(server.graphql_url, json=body, headers=headers, timeout=30).json() for _ in range(5)]
    assert [answer for answer in answers if "errors" in answer] == []
    html = requests.get(f"{server.url}/", params={"api_key": created["api_key"]}, timeout=60).text
    assert html.count("<tr data-dataset") == MOST_LISTED
    assert "… and 5 more." in html
    requests.delete(f"{server.url}/_mock/workspaces/{created['api_key']}", timeout=60)


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
