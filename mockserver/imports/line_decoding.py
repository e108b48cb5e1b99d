"""Decodes the lines of an import, and says of a wrong one where it is wrong and what was expected there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from mockserver.conversion import build_decoder
from mockserver.errors import nearest
from mockserver.http.json_bodies import count_parts
from mockserver.imports.json_items import MOST_PARTS
from mockserver.imports.lines import PARTS, Line, Part
from mockserver.imports.problems import LineProblem, refuse_value

LONGEST_LINE = 4 * 1024 * 1024
"""Bytes of one line; a mask of a large picture has some hundred thousand. While one is parsed, no other thread runs."""

_DECODER = build_decoder(Line)
_LOOSE = msgspec.json.Decoder()
_STAND_INS = [f"{chr(number)}".encode() for number in range(0xFDD0, 0xFDD6)]
"""The characters that stand for parts of a body while it is changed (world/records/labels.py)."""
_ESCAPED_STAND_IN = re.compile(rb"\\ufdd[0-5]")
"""In lower case. It begins with plain characters, which a search looks for a hundred times faster than for others."""
_BACKSLASH = ord("\\")
_UNKNOWN = re.compile(r"unknown field `(.*)`")
_PLACE = re.compile(r"^(.*?)(?: - at `(?:key in )?\$?\.?(.*)`)?$", re.DOTALL)


def decode_line(text: bytes) -> Line:
    """One annotation. Raises LineProblem, which names the key path and what was expected there."""
    check_size(text)
    if _has_stand_in(text):
        raise refuse_value("The line", "a text with a noncharacter U+FDD0 to U+FDD5", "characters of Unicode")
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError as error:
        raise explain(str(error), PARTS) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refuse_json(error) from None


def check_size(text: bytes) -> None:
    """Raises LineProblem for a line that would be parsed for too long."""
    if len(text) > LONGEST_LINE:
        raise refuse_value("The line", f"{len(text)} bytes", f"at most {LONGEST_LINE}")
    if len(text) > MOST_PARTS and (parts := count_parts(text)) > MOST_PARTS:
        raise refuse_value("The line", f"{parts} objects, lists, keys and items", f"at most {MOST_PARTS}")


def _has_stand_in(text: bytes) -> bool:
    """Whether a text has one of the stand-ins, or an escape of one."""
    if any(stand_in in text for stand_in in _STAND_INS):
        return True
    escapes = _ESCAPED_STAND_IN.finditer(text.lower()) if b"\\u" in text else ()
    return any(_count_backslashes(text, match.start()) % 2 == 0 for match in escapes)


def _count_backslashes(text: bytes, end: int) -> int:
    """The backslashes in front of a place. If their number is odd, that of the place is escaped by the last of them."""
    place = end
    while place and text[place - 1] == _BACKSLASH:
        place -= 1
    return end - place


def check_json(text: bytes) -> None:
    """Raises LineProblem unless a line is JSON."""
    check_size(text)
    try:
        _LOOSE.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refuse_json(error) from None


def refuse_json(error: Exception) -> LineProblem:
    return LineProblem("InvalidJson", f"The line is not JSON ({error}); expected one object a line")


def decode_loosely(text: bytes) -> dict[str, Any]:
    """Reads what the status file says of a line that cannot be imported: its uuid and data row, for the status file."""
    try:
        check_size(text)
        document = _LOOSE.decode(text)
    except (LineProblem, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def explain(reason: str, parts: Iterable[type[Part]]) -> LineProblem:
    """The problem of a line that does not have the shape of its type, which consists of `parts`."""
    match = _PLACE.match(reason)
    assert match is not None, "the pattern matches any text"
    what, path = match[1], match[2] or "The line"
    if unknown := _UNKNOWN.search(what):
        keys = sorted({field.encode_name for kind in parts for field in msgspec.structs.fields(kind)})
        offered = ", ".join(nearest(unknown[1], keys))
        return LineProblem(
            "MalformedAnnotation",
            f"{path} has the unknown key {unknown[1]!r}; expected the keys of one annotation (nearest: {offered})",
        )
    return LineProblem("MalformedAnnotation", f"{path}: {what[:1].lower() + what[1:]}")
