"""The documentation as pages: rendered from the Markdown files that the package carries, in reading order."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from starlette.responses import PlainTextResponse, Response

from mockserver.console.headers import HEADERS
from mockserver.console.view import View
from mockserver.errors import NotFound, nearest

PACKAGE = Path(__file__).parents[1]
READING_ORDER = (
    "first-hour", "pytest", "ci", "older-pythons", "receivers", "webhooks", "control", "journal", "scenarios",
    "settings", "errors", "from-v1-to-v2", "schemas", "compatibility", "known", "security", "architecture",
    "decisions", "glossary", "contributing", "style",
)  # fmt: skip
"""The documents that are read first; others follow by name."""
MOST_HITS = 50
LONGEST_SEARCH = 100
"""Characters."""
_SPACES = re.compile(r"\s+")


class Document(NamedTuple):
    """A page of the documentation."""

    name: str
    path: Path
    title: str


class Hit(NamedTuple):
    """A paragraph that contains a searched text: its document, its heading, and the text around."""

    document: Document
    heading: str
    before: str
    match: str
    after: str

    @property
    def anchor(self) -> str:
        return slugify(self.heading)


def list_documents(view: View) -> Response:
    """Shows the titles of all documents, or the paragraphs that contain a searched text."""
    text = view.query.get("q", "").strip()[:LONGEST_SEARCH]
    documents = find_documents()
    return view.render("documents.html", documents=documents, text=text, hits=search(documents, text) if text else [])


def show_document(view: View) -> Response:
    """Shows a document. Raises NotFound."""
    name = view.request.path_params["name"]
    documents = {document.name: document for document in find_documents()}
    if name not in documents:
        near = ", ".join(nearest(name, documents, most=3)) or "none: this installation has no documents"
        raise NotFound(f"Unknown document {name!r}; the nearest known are {near}")
    document = documents[name]
    text = document.path.read_text("utf-8")
    if document.path.suffix == ".json":
        return PlainTextResponse(text, headers={**HEADERS, "Content-Type": "application/json"})
    return view.render(
        "document.html",
        document=document,
        documents=list(documents.values()),
        content=Markup(render(text)),  # noqa: S704  our own text; HTML in it is escaped
    )


def find_documents() -> list[Document]:
    """Lists the documents in reading order: `mockserver/_docs` in a wheel, `docs` in a checkout."""
    for folder in (PACKAGE / "_docs", PACKAGE.parent / "docs"):
        if (folder / "scenarios.md").is_file():
            paths = sorted([*folder.glob("*.md"), *folder.glob("*.json")], key=_place)
            return [Document(path.name, path, read_title(path)) for path in paths]
    return []


def _place(path: Path) -> tuple[int, str]:
    known = path.stem in READING_ORDER
    return READING_ORDER.index(path.stem) if known else len(READING_ORDER), path.name


def read_title(path: Path) -> str:
    """Reads the title of a document: its first line, or the name inside a Postman collection."""
    if path.suffix == ".json":
        return f"{json.loads(path.read_text('utf-8'))['info']['name']} (Postman collection)"
    return path.read_text("utf-8").partition("\n")[0].lstrip("# ")


def search(documents: list[Document], text: str) -> list[Hit]:
    """Finds the paragraphs that contain a text, whatever its case."""
    hits: list[Hit] = []
    for document in documents:
        if document.path.suffix != ".md":
            continue
        heading = document.title
        for paragraph in document.path.read_text("utf-8").split("\n\n"):
            heading = _read_heading(paragraph) or heading
            flat = _SPACES.sub(" ", paragraph)
            at = flat.lower().find(text.lower())
            if at >= 0 and len(hits) < MOST_HITS:
                end = at + len(text)
                hits.append(Hit(document, heading, flat[max(0, at - 80) : at], flat[at:end], flat[end : end + 120]))
    return hits


def _read_heading(paragraph: str) -> str | None:
    match = re.match(r"#{1,4} (.*)", paragraph.strip())
    return None if match is None else match[1]


def slugify(heading: str) -> str:
    """Returns the anchor of a heading, as the pages' own links write it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def render(text: str) -> str:
    """Renders Markdown as HTML. HTML in it is text."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    for opening, inline in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", slugify(inline.content))
    for token in tokens:
        _adapt(token)
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def _adapt(token: Token) -> None:
    """Lets keyboards scroll wide blocks, and marks links that lead out of the documentation."""
    if token.type == "fence":
        token.attrSet("tabindex", "0")
    for child in token.children or ():
        href: Any = child.attrGet("href") if child.type == "link_open" else None
        if isinstance(href, str) and href.startswith("../"):
            child.attrSet("href", "/docs/")
