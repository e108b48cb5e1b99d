"""The documentation as a site: `make docs` builds it, and it needs nothing from elsewhere."""

import functools
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from contract_tests.rules.console.browser import open_browser, open_page
from contract_tests.rules.pages import REPOSITORY
from mockserver.console.documents import FILES, find_documents

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("site")]


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Builds a copy of the pages by the command of the Makefile."""
    [command] = re.findall(r"^\t(.*zensical build.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    line = command.replace("$(BIN)", str(REPOSITORY / ".venv/bin")).replace("build/docs", str(folder))
    return subprocess.run(line.split(), capture_output=True, text=True, check=False)


def copy_pages(folder: Path) -> Path:
    shutil.copy(REPOSITORY / "zensical.toml", folder)
    shutil.copytree(REPOSITORY / "docs", folder / "docs")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_pages(tmp_path_factory.mktemp("site"))
    finished = build(folder)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return folder / "site"


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    handler = functools.partial(QuietHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name of the standard library
        pass


def test_the_site_has_every_page_in_the_order_of_the_page_of_a_server(site: Path) -> None:
    index = (site / "index.html").read_text("utf-8")
    navigation = index[index.index('class="md-nav__list"') : index.index("md-content")]
    links = re.findall(r'<a href="(?:\./)?([^"#:]*\.html|)"', navigation)
    expected = [doc.name.removesuffix(".md") + ".html" for doc in find_documents() if doc.group != FILES]
    assert list(dict.fromkeys(link or "index.html" for link in links)) == expected
    for group in {document.group for document in find_documents()} - {FILES}:
        assert group in navigation


def test_a_link_that_leads_nowhere_stops_the_build(tmp_path: Path) -> None:
    folder = copy_pages(tmp_path)
    (folder / "docs/glossary.md").write_text("# Glossary\n\n[nowhere](nowhere.md)\n")
    finished = build(folder)
    assert finished.returncode != 0
    assert "glossary.md" in finished.stdout + finished.stderr


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert re.findall(r'\bsrc="(?:https?:)?//[^"]*"', text) == [], page.name
        assert re.findall(r'<link[^>]* href="(?:https?:)?//[^"]*"', text) == [], page.name
    for style in site.rglob("*.css"):
        assert re.findall(r"url\((?:https?:)?//[^)]*\)", style.read_text("utf-8")) == [], style.name


def test_a_search_in_a_browser_finds_a_page_without_a_network(address: str) -> None:
    with open_browser() as browser, open_page(browser, address) as page:
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.goto("/index.html")
        page.keyboard.press("/")
        page.keyboard.type("interpolated")
        page.locator("a[href*='scenarios.html'], a[href*='settings.html'], a[href*='known.html']").first.wait_for()
        assert {url for url in requested if not url.startswith((address, "data:", "blob:"))} == set()
