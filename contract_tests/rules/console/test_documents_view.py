"""The documentation as pages."""

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
import requests

from contract_tests.rules.console.screenshots import README_PICTURES
from contract_tests.rules.pages import REPOSITORY
from contract_tests.serving import ServedWorld
from mockserver.console.documents import FILES, find_documents
from mockserver.console.markdown import read_words, render, slugify, split_paragraphs


@pytest.fixture(scope="module")
def server() -> Iterator[ServedWorld]:
    with ServedWorld("--scenario", "empty") as world:
        yield world


def test_every_page_is_named_once_in_the_table_of_the_pages() -> None:
    names = Counter(document.name for document in find_documents() if document.group != FILES)
    folder = REPOSITORY / "docs"
    assert names == Counter(path.relative_to(folder).as_posix() for path in folder.rglob("*.md"))


def test_the_pictures_of_the_readme_are_those_that_make_screenshots_writes() -> None:
    pictures = re.findall(r"\(docs/([\w-]+\.png)\)", (REPOSITORY / "README.md").read_text("utf-8"))
    folder = REPOSITORY / "docs"
    assert sorted(pictures) == sorted(README_PICTURES) == sorted(path.name for path in folder.glob("*.png"))
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in pictures)


def test_every_link_of_every_document_leads_somewhere(server: ServedWorld) -> None:
    """Within the documentation, anchors and pictures included."""
    base = f"{server.url}/docs/"
    names = re.findall(r'href="/docs/([^"?#]+)"', requests.get(base, timeout=30).text)
    assert names[:2] == ["index.md", "first-hour.md"]
    with requests.Session() as session:
        pages = {urljoin(base, name): session.get(urljoin(base, name), timeout=30) for name in names}
        assert {url: page.status_code for url, page in pages.items() if page.status_code != 200} == {}
        for url, page in list(pages.items()):
            for link in re.findall(r'(?:href|src)="([^"]+)"', page.text if url.endswith(".md") else ""):
                target, anchor = urldefrag(urljoin(url, link))
                if urlsplit(target).path.startswith("/docs/") and target != base:
                    if target not in pages:
                        pages[target] = session.get(target, timeout=30)
                    assert pages[target].status_code == 200, (url, link)
                    assert f'id="{anchor}"' in pages[target].text or not anchor, (url, link)


@pytest.mark.parametrize("name", ["kubernetes.yaml", "postman_collection.json"])
def test_a_file_beside_the_pages_is_sent_as_it_is(server: ServedWorld, name: str) -> None:
    answer = requests.get(f"{server.url}/docs/{name}", timeout=30)
    assert answer.content == (REPOSITORY / "docs" / name).read_bytes()
    assert answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["nothing.md", "../README.md", "%2e%2e%2fREADME.md", "scenarios", "zensical.toml", "../fixtures/x.svg"]
)
def test_no_other_file_can_be_read(server: ServedWorld, path: str) -> None:
    request = requests.Request("GET", "http://unused").prepare()
    request.url = f"{server.url}/docs/{path}"
    with requests.Session() as session:
        assert session.send(request, timeout=60).status_code == 404


@pytest.mark.parametrize("text", ["Freeze", "<script>alert(1)</script>", "nothing-has-this", "%", "'"])
def test_a_search_finds_paragraphs_whatever_is_searched(server: ServedWorld, text: str) -> None:
    answer = requests.get(f"{server.url}/docs/", params={"q": text}, timeout=60)
    assert answer.status_code == 200
    hits = answer.text.split("In reading order")[0]
    assert (".md" in hits) is (text == "Freeze" or text in "%'")
    assert "<script>alert" not in answer.text


def test_html_in_a_document_is_text() -> None:
    assert render("# A `b` <i>\n\n<script>x</script>\n") == (
        '<h1 id="a-b-i">A <code>b</code> &lt;i&gt;</h1>\n<p>&lt;script&gt;x&lt;/script&gt;</p>\n'
    )


def test_comments_for_programs_are_left_out() -> None:
    assert render("<!-- marks -->\nA\n<!-- end of marks -->\n") == "<p>A</p>\n"


def test_anchors_are_those_that_links_use() -> None:
    assert slugify("POST /_mock/events") == "post-_mockevents"


def test_the_words_of_a_paragraph_are_read_without_the_signs_of_markdown() -> None:
    assert read_words("## Ask *`clock`*\nand [its page](x.md)") == "Ask clock and its page"
    assert read_words("| a | b |\n|---|---|\n| 1 | `2` |") == "a · b · 1 · 2 ·"
    assert read_words("* one\n* **two**") == "one two"


def test_code_with_empty_lines_is_one_paragraph() -> None:
    assert split_paragraphs("a\nb\n\n\n```python\nx\n\ny\n```\n\n# c\n") == [
        "a\nb",
        "```python\nx\n\ny\n```",
        "# c",
    ]


def test_a_search_shows_words_and_begins_with_what_the_headings_name(server: ServedWorld) -> None:
    answer = requests.get(f"{server.url}/docs/", params={"q": "clock"}, timeout=60).text
    hits = re.findall(r'<p><a href="[^"]*">([^<]*)</a><br><span class="soft">(.*?)</span></p>', answer)
    in_heading = ["clock" in title.rpartition(": ")[2].lower() for title, _ in hits]
    assert 0 < in_heading.index(False) < len(in_heading)
    assert in_heading == sorted(in_heading, reverse=True)
    assert not [words for _, words in hits if re.search(r"\]\(|\|---|^##|```", words)]
