"""Markdown as HTML, for the documentation."""

from __future__ import annotations

import itertools
import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)
"""Programs find the tables that they write by such lines."""


def render(text: str) -> str:
    """Renders Markdown as HTML. Comments are left out; other HTML in it is text."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(_COMMENT.sub("", text))
    for opening, inline in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", slugify(inline.content))
    for token in tokens:
        _adapt(token)
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def _adapt(token: Token) -> None:
    """Lets keyboards scroll wide blocks."""
    if token.type == "fence":
        token.attrSet("tabindex", "0")


def slugify(heading: str) -> str:
    """Returns the anchor of a heading, as the pages' own links write it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def read_heading(paragraph: str) -> str | None:
    """Returns the text of the heading with which a paragraph begins."""
    match = re.match(r"#{1,4} (.*)", paragraph.strip())
    return None if match is None else match[1]
