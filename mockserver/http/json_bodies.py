"""The limits of a JSON body, checked before it is parsed: parsers recurse once per level, and the objects of many small
parts take fifty times the memory of the text, while no other thread runs."""

from __future__ import annotations

import re

from mockserver.errors import BadInput

MOST_DEPTH = 128
"""Levels. SDKs nest the terms of a search two levels for each operator between them."""
MOST_PARTS = 120_000
"""Objects, lists, keys and items. The largest list that SDKs send has 25,000 items."""

# The closing quote may be missing: then the rest is skipped, not searched again from every quote.
_NESTING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\]]', re.DOTALL)


def check_json(body: bytes, *, most_depth: int = MOST_DEPTH) -> None:
    """Raises BadInput when the text has too many parts or levels."""
    parts = count_parts(body)
    if parts > MOST_PARTS:
        raise BadInput(f"The body has {parts:,} objects, lists, keys and items; at most {MOST_PARTS:,} are read")
    if body.count(b"{") + body.count(b"[") <= most_depth:
        return
    depth = 0
    for token in _NESTING.finditer(body):
        if token[0] in b"{[":
            depth += 1
            if depth > most_depth:
                raise BadInput(f"The body is nested more than {most_depth} levels deep")
        elif token[0] in b"}]":
            depth -= 1


def count_parts(text: bytes) -> int:
    """The objects, lists, keys and items of a JSON text at most: marks within its strings are counted too."""
    return sum(map(text.count, (b"{", b"[", b",", b":")))
