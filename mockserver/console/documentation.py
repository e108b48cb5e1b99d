"""The documentation as views: the list of all pages by group, a search in their paragraphs, and each page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup
from starlette.responses import Response

from mockserver.console.documents import CONTENT_TYPES, Document, find_documents, find_picture
from mockserver.console.headers import HEADERS
from mockserver.console.markdown import read_heading, read_words, render, slugify, split_paragraphs
from mockserver.console.view import View
from mockserver.errors import NotFound, nearest

MOST_HITS = 50
LONGEST_SEARCH = 100
"""Characters."""


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
    """Shows the titles of all documents by group, or the paragraphs that contain a searched text."""
    text = view.query.get("q", "").strip()[:LONGEST_SEARCH]
    documents = find_documents()
    hits = search(documents, text) if text else []
    return view.render("documents.html", groups=group(documents), text=text, hits=hits)


def show_document(view: View) -> Response:
    """Shows a document. Raises NotFound."""
    name = view.request.path_params["name"]
    picture = find_picture(name)
    if picture is not None:
        return _send(picture)
    documents = {document.name: document for document in find_documents()}
    if name not in documents:
        near = ", ".join(nearest(name, documents, most=3)) or "none: this installation has no documents"
        raise NotFound(f"Unknown document {name!r}; the nearest known are {near}")
    document = documents[name]
    if not document.is_page:
        return _send(document.path)
    return view.render(
        "document.html",
        document=document,
        groups=group(list(documents.values())),
        content=Markup(render(document.path.read_text("utf-8"))),  # noqa: S704  our own text; HTML in it is escaped
    )


def _send(path: Path) -> Response:
    headers = {**HEADERS, "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}  # of pictures
    return Response(path.read_bytes(), headers=headers, media_type=CONTENT_TYPES[path.suffix])


def group(documents: list[Document]) -> dict[str, list[Document]]:
    """Returns the documents by the title of their group, in reading order."""
    return {title: list(members) for title, members in groupby(documents, lambda document: document.group)}


def search(documents: list[Document], text: str) -> list[Hit]:
    """Finds the paragraphs that contain a text, whatever its case: first those whose heading contains it."""
    hits = [hit for document in documents if document.is_page for hit in _search_page(document, text.lower())]
    hits.sort(key=lambda hit: text.lower() not in hit.heading.lower())
    return hits[:MOST_HITS]


def _search_page(document: Document, text: str) -> Iterator[Hit]:
    heading = document.title
    for paragraph in split_paragraphs(document.path.read_text("utf-8")):
        heading = read_heading(paragraph) or heading
        if text not in paragraph.lower():
            continue  # only what is found is parsed: all pages together take half a second
        words = read_words(paragraph)
        at = words.lower().find(text)
        if at >= 0:
            end = at + len(text)
            yield Hit(document, heading, words[max(0, at - 80) : at], words[at:end], words[end : end + 120])
