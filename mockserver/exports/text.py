"""Strings and bodies of exports as JSON text.

Rows are written as text, not built as objects and encoded: most of a row is a body that is JSON already, and
the rest is ids and timestamps. This is three times as fast, and memory stays flat.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii
from typing import Any


def to_camel_case(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """`mime_type` -> `mimeType`: V2 is the snake-casing of these names (seed: introducing-export-v2)."""
    words = {name: name.split("_") for name in attributes}
    return {first + "".join(map(str.title, rest)): attributes[name] for name, (first, *rest) in words.items()}


json_string = encode_basestring_ascii
r"""A JSON string in ASCII: every other character is `\uXXXX` (wire traps 9 and 10)."""


def escape_non_ascii(text: str) -> str:
    r"""The same JSON with every character outside ASCII as `\uXXXX`."""
    return text if text.isascii() else text.encode("ascii", _ESCAPE).decode("ascii")


def _escape_run(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError), "this handler is only used to encode"
    return encode_basestring_ascii(error.object[error.start : error.end])[1:-1], error.end


def unescape(text: bytes) -> bytes:
    """JSON in ASCII with every character outside it as it is, in UTF-8."""
    return _ESCAPED.sub(_decode_run, text.decode("ascii")).encode()


def _decode_run(match: re.Match[str]) -> str:
    r"""The characters of a run of `\uXXXX`; escaped control characters stay as they are."""
    if match[0][1] != "u":
        return match[0]
    run: str = json.loads(f'"{match[0]}"')
    return "".join(character if character >= " " else f"\\u{ord(character):04x}" for character in run)


_ESCAPED = re.compile(r"(?:\\u[0-9a-f]{4})+|\\[^u]")
_ESCAPE = "mockserver.json-escape"
# The ascii codec skips ASCII at memory speed and calls the handler for each other run; a regular expression
# takes a hundred times longer to find the runs.
codecs.register_error(_ESCAPE, _escape_run)
