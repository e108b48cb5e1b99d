"""The documentation as pages."""

import re
from collections.abc import Iterator

import pytest
import requests

from contract_tests.serving import ServedWorld
from mockserver.console.documents import READING_ORDER, find_documents, render, slugify


@pytest.fixture(scope="module")
def server() -> Iterator[ServedWorld]:
    with ServedWorld("--scenario", "empty") as world:
        yield world


def test_every_link_of_every_document_leads_somewhere(server: ServedWorld) -> None:
    index = requests.get(f"{server.url}/docs/", timeout=10).text
    names = re.findall(r'href="/docs/([^"?#]+)"', index)
    assert names[0] == "first-hour.md"
    with requests.Session() as session:
        pages = {name: session.get(f"{server.url}/docs/{name}", timeout=10) for name in names}
        assert {name: page.status_code for name, page in pages.items() if page.status_code != 200} == {}
        for name, page in pages.items():
            for link in re.findall(r'href="([^"]+)"', page.text):
                target, _, anchor = link.partition("#")
                if target.endswith(".md") and "/" not in target:
                    assert f'id="{anchor}"' in pages[target].text or not anchor, (name, link)


@pytest.mark.parametrize("path", ["nothing.md", "../README.md", "%2e%2e%2fREADME.md", "scenarios"])
def test_no_other_file_can_be_read(server: ServedWorld, path: str) -> None:
    request = requests.Request("GET", "http://unused").prepare()
    request.url = f"{server.url}/docs/{path}"
    with requests.Session() as session:
        assert session.send(request, timeout=10).status_code == 404


@pytest.mark.parametrize("text", ["Freeze", "<script>alert(1)</script>", "nothing-has-this", "%", "'"])
def test_a_search_finds_paragraphs_whatever_is_searched(server: ServedWorld, text: str) -> None:
    answer = requests.get(f"{server.url}/docs/", params={"q": text}, timeout=10)
    assert answer.status_code == 200
    assert ("control.md" in answer.text.split("In reading order")[0]) is (text == "Freeze" or text in "%'")
    assert "<script>alert" not in answer.text


def test_html_in_a_document_is_text() -> None:
    assert render("# A `b` <i>\n\n<script>x</script>\n") == (
        '<h1 id="a-b-i">A <code>b</code> &lt;i&gt;</h1>\n<p>&lt;script&gt;x&lt;/script&gt;</p>\n'
    )


def test_anchors_are_those_that_links_use() -> None:
    assert slugify("POST /_mock/events") == "post-_mockevents"


def test_the_reading_order_names_documents_that_exist() -> None:
    assert set(READING_ORDER) <= {document.path.stem for document in find_documents()}
