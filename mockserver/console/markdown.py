"""Markdown as HTML, for the documentation."""

from __future__ import annotations

import itertools
import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)
"""Programs find the tables that they write by such lines."""
_HEADING = re.compile(r"#{1,4} .*")


def render(text: str) -> str:
    """Renders Markdown as HTML. Comments are left out; other HTML in it is text."""
    markdown = _build_parser()
    tokens = markdown.parse(_COMMENT.sub("", text))
    for opening, inline in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", slugify(_read_inline(inline)))
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


def split_paragraphs(text: str) -> list[str]:
    """Splits Markdown at its empty lines, but not those within code."""
    paragraphs, lines, in_code = [], list[str](), False
    for line in [*_COMMENT.sub("", text).split("\n"), ""]:
        in_code ^= line.startswith("```")
        if line.strip() or in_code:
            lines.append(line)
        elif lines:
            paragraphs.append("\n".join(lines))
            lines = []
    return paragraphs


def read_heading(paragraph: str) -> str | None:
    """Returns the words of the heading with which a paragraph begins."""
    match = _HEADING.match(paragraph)
    return None if match is None else read_words(match[0])


def read_words(text: str) -> str:
    """Returns the words of Markdown on one line, without its signs. Dots separate the cells of a table."""
    parts: list[str] = []
    for token in _build_parser().parse(text):
        if token.type in {"fence", "code_block"}:
            parts.append(token.content)
        elif token.type == "inline":
            parts.append(_read_inline(token))
        elif token.type in {"td_close", "th_close"}:
            parts.append(" · ")
        elif token.type.endswith("_close"):
            parts.append(" ")
    return " ".join("".join(parts).split())


def _read_inline(token: Token) -> str:
    return "".join(" " if child.type == "softbreak" else child.content for child in token.children or [])


def _build_parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")
