"""Mistakes in the content that is signed: it is not the bytes of the body."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from mockserver.certification.signing import ContentOf, Mistake


def _rewrite(write: Callable[[Any], str]) -> ContentOf:
    return lambda body: write(json.loads(body)).encode("utf-8", "surrogatepass")


def _convert_numbers(value: Any) -> Any:
    """Converts numbers as JSON.stringify does: 12.0 is 12."""
    if isinstance(value, dict):
        return {key: _convert_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_convert_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e21 else value


def _write_javascript(value: Any) -> str:
    return json.dumps(_convert_numbers(value), ensure_ascii=False, separators=(",", ":"))


def _write_go(value: Any) -> str:
    text = json.dumps(_convert_numbers(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    escapes = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    return re.sub("[<>&\u2028\u2029]", lambda match: escapes[match[0]], text)


def _write_php(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def _build_content(name: str, title: str, advice: str, content: ContentOf) -> Mistake:
    return Mistake(name, title, advice, content=content)


RAW = "Sign the raw bytes: request.get_data() (Flask), await request.body() (Starlette), request.body (Django)."
EXPRESS = "Sign the raw bytes: express.raw({type: '*/*'}), or the verify option of express.json(), keeps them."
FOLLOWED = "Read the raw body before anything parses it, and sign those bytes."
CONTENTS = (
    _build_content("reserialised-python", "It signs json.dumps(json.loads(body))", RAW, _rewrite(json.dumps)),
    _build_content(
        "reserialised-javascript",
        "It signs JSON.stringify(JSON.parse(body))",
        EXPRESS,
        _rewrite(_write_javascript),
    ),
    _build_content(
        "reserialised-compact",
        "It signs JSON written again without spaces (json.dumps with separators, non-ASCII escaped)",
        RAW,
        _rewrite(lambda value: json.dumps(value, separators=(",", ":"))),
    ),
    _build_content(
        "reserialised-utf-8",
        "It signs JSON written again without spaces, as raw UTF-8 (orjson, Ruby, ensure_ascii=False)",
        FOLLOWED,
        _rewrite(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))),
    ),
    _build_content(
        "reserialised-spaced-utf-8",
        "It signs json.dumps(json.loads(body), ensure_ascii=False)",
        RAW,
        _rewrite(lambda value: json.dumps(value, ensure_ascii=False)),
    ),
    _build_content(
        "reserialised-sorted",
        "It signs JSON written again with sorted keys",
        RAW,
        _rewrite(lambda value: json.dumps(value, sort_keys=True)),
    ),
    _build_content(
        "reserialised-sorted-compact",
        "It signs JSON written again with sorted keys and without spaces",
        RAW,
        _rewrite(lambda value: json.dumps(value, sort_keys=True, separators=(",", ":"))),
    ),
    _build_content(
        "reserialised-indented", "It signs JSON indented by 4", RAW, _rewrite(lambda v: json.dumps(v, indent=4))
    ),
    _build_content(
        "reserialised-indented-2", "It signs JSON indented by 2", RAW, _rewrite(lambda v: json.dumps(v, indent=2))
    ),
    _build_content(
        "reserialised-go",
        "It signs json.Marshal of a map (Go)",
        "Read r.Body with io.ReadAll and sign that.",
        _rewrite(_write_go),
    ),
    _build_content(
        "reserialised-php",
        "It signs json_encode(json_decode($body))",
        "Sign file_get_contents('php://input').",
        _rewrite(_write_php),
    ),
    _build_content(
        "python-dict",
        "It signs str() of the parsed JSON: Python's spelling of a dictionary",
        RAW,
        _rewrite(str),
    ),
    _build_content(
        "python-bytes", "It signs str(body): b'…', Python's spelling of bytes", RAW, lambda body: repr(body).encode()
    ),
    _build_content(
        "ascii-ignored",
        "It decodes the body as ASCII and drops other characters",
        "Do not decode: hmac takes bytes.",
        lambda body: body.decode("ascii", "ignore").encode(),
    ),
    _build_content(
        "ascii-replaced",
        "It decodes the body as ASCII and replaces other characters",
        "Do not decode: hmac takes bytes.",
        lambda body: body.decode("ascii", "replace").encode(),
    ),
    _build_content(
        "ascii-question-marks",
        "It encodes the text as ASCII with question marks",
        "Do not decode: hmac takes bytes.",
        lambda body: body.decode().encode("ascii", "replace"),
    ),
    _build_content(
        "ascii-seven-bits",
        "It decodes the body by Buffer.toString('ascii'), which drops the highest bit",
        "Pass the Buffer itself to hmac.update().",
        lambda body: bytes(byte & 127 for byte in body),
    ),
    _build_content(
        "latin-1",
        "It decodes the body as Latin-1 and encodes it as UTF-8",
        "Do not decode: hmac takes bytes.",
        lambda body: body.decode("latin-1").encode(),
    ),
    _build_content(
        "utf-16",
        "It encodes the text as UTF-16",
        "Do not decode: sign bytes.",
        lambda body: body.decode().encode("utf-16-le"),
    ),
    _build_content("stripped", "It strips white space around the body", FOLLOWED, lambda body: body.strip()),
    _build_content(
        "lines-joined",
        "It joins the lines of the body (splitlines breaks on U+2028 too)",
        FOLLOWED,
        lambda body: "".join(body.decode().splitlines()).encode(),
    ),
    _build_content(
        "empty",
        "It signs an empty body: other code has read the body before",
        "Read the raw body first: a form or JSON parser leaves nothing in the stream (Flask: request.get_data()).",
        lambda _: b"",
    ),
)
