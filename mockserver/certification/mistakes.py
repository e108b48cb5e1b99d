"""How people compute a webhook's signature wrongly: in the secret, in what is signed, in how it is written down.

Each is a function to sign with. A receiver that accepts a message signed in a mistaken way makes that mistake; no
other explanation is left, since a wrong HMAC matches by no accident.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import msgspec

SHA1, SHA256 = "X-Hub-Signature", "X-Hub-Signature-256"
Signatures = dict[str, str]

KeyOf = Callable[[str], bytes | None]
ContentOf = Callable[[bytes], bytes]
WrittenAs = Callable[[bytes, bytes], Signatures]
"""(key, content) -> headers."""


class Mistake(msgspec.Struct, frozen=True):
    """One thing done otherwise than the service does it; what it leaves alone is None."""

    name: str
    title: str
    advice: str
    key: KeyOf | None = None
    content: ContentOf | None = None
    written: WrittenAs | None = None


def right_key(secret: str) -> bytes:
    return secret.encode()


def right_content(body: bytes) -> bytes:
    return body


def rightly_written(key: bytes, content: bytes) -> Signatures:
    return {SHA1: f"sha1={_mac(key, content, 'sha1').hex()}", SHA256: f"sha256={_mac(key, content, 'sha256').hex()}"}


def _mac(key: bytes, content: bytes, algorithm: str) -> bytes:
    return hmac.digest(key, content, algorithm)


def signatures(body: bytes, secret: str, *made: Mistake) -> Signatures | None:
    """The headers that a message has for a receiver that makes these mistakes, None where they come to nothing."""
    key_of: KeyOf = right_key
    content_of: ContentOf = right_content
    written_as: WrittenAs = rightly_written
    for mistake in made:
        key_of = mistake.key or key_of
        content_of = mistake.content or content_of
        written_as = mistake.written or written_as
    key = key_of(secret)
    if key is None or (any(mistake.key for mistake in made) and key == secret.encode()):
        return None
    return written_as(key, content_of(body))


# The secret


def _hex_decoded(secret: str) -> bytes | None:
    try:
        return bytes.fromhex(secret) or None
    except ValueError:
        return None


def _base64_decoded(secret: str) -> bytes | None:
    try:
        return base64.b64decode(secret, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _secret(name: str, title: str, advice: str, key: KeyOf) -> Mistake:
    return Mistake(f"secret-{name}", title, advice, key=key)


STRIP = "Strip what you read from a file or a setting: open(…).read().strip()."
SECRETS = (
    _secret("with-newline", "The secret has a newline at its end", STRIP, lambda s: f"{s}\n".encode()),
    _secret(
        "stripped", "The secret lost the white space around it", "Use it as it was given.", lambda s: s.strip().encode()
    ),
    _secret("with-space", "The secret has a space at its end", STRIP, lambda s: f"{s} ".encode()),
    _secret("with-carriage-return", "The secret has `\\r\\n` at its end", STRIP, lambda s: f"{s}\r\n".encode()),
    _secret(
        "in-double-quotes",
        'The secret has its quotes still around it: `"…"`',
        "Your settings file is read by something that leaves quotes alone (docker --env-file does): write it without.",
        lambda s: f'"{s}"'.encode(),
    ),
    _secret(
        "in-single-quotes",
        "The secret has its quotes still around it: `'…'`",
        "Your settings file is read by something that leaves quotes alone (docker --env-file does): write it without.",
        lambda s: f"'{s}'".encode(),
    ),
    _secret(
        "as-repr",
        "The secret is `str(b'…')`: its Python spelling, with b and quotes",
        "Encode text with .encode(); str() of bytes is their spelling.",
        lambda s: repr(s.encode()).encode(),
    ),
    _secret("empty", "The secret is empty", "The setting is not set: refuse to start without it.", lambda _: b""),
    _secret(
        "none",
        "The secret is the word `None`",
        "The setting is not set: refuse to start without it.",
        lambda _: b"None",
    ),
    _secret(
        "undefined",
        "The secret is the word `undefined`",
        "The setting is not set: refuse to start without it.",
        lambda _: b"undefined",
    ),
    _secret(
        "placeholder",
        "The secret is still `CHANGE-ME`, as in the documentation's sample",
        "Put your own secret there.",
        lambda _: b"CHANGE-ME",
    ),
    _secret(
        "hex-decoded", "The secret was decoded from hex", "Its characters are the key, as they stand.", _hex_decoded
    ),
    _secret(
        "base64-decoded",
        "The secret was decoded from base64",
        "Its characters are the key, as they stand.",
        _base64_decoded,
    ),
    _secret(
        "base64-encoded",
        "The secret was encoded as base64",
        "Decode it first: Kubernetes shows secrets in base64.",
        lambda s: base64.b64encode(s.encode()),
    ),
    _secret("upper-case", "The secret is in upper case", "Its case counts.", lambda s: s.upper().encode()),
    _secret("lower-case", "The secret is in lower case", "Its case counts.", lambda s: s.lower().encode()),
    _secret("url-quoted", "The secret is URL-encoded", "Decode it first.", lambda s: quote(s, safe="").encode()),
    _secret("utf-16", "The secret is encoded as UTF-16", "Encode it as UTF-8.", lambda s: s.encode("utf-16-le")),
)


# What is signed


def _parsed(write: Callable[[Any], str]) -> ContentOf:
    return lambda body: write(json.loads(body)).encode("utf-8", "surrogatepass")


def _like_javascript(value: Any) -> Any:
    """Numbers as JSON.stringify knows them: 12.0 is 12."""
    if isinstance(value, dict):
        return {key: _like_javascript(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_like_javascript(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e21 else value


def _javascript(value: Any) -> str:
    return json.dumps(_like_javascript(value), ensure_ascii=False, separators=(",", ":"))


def _go(value: Any) -> str:
    text = json.dumps(_like_javascript(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    escaped = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    return re.sub("[<>&\u2028\u2029]", lambda found: escaped[found[0]], text)


def _php(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def _content(name: str, title: str, advice: str, content: ContentOf) -> Mistake:
    return Mistake(name, title, advice, content=content)


RAW = (
    "Sign the bytes as they came: request.get_data() (Flask), await request.body() (Starlette), request.body (Django)."
)
EXPRESS = "Sign the bytes as they came: express.raw({type: '*/*'}), or the verify option of express.json(), keeps them."
FOLLOWED = "Read the raw body before anything parses it, and sign those bytes."
CONTENTS = (
    _content("reserialised-python", "It signs json.dumps(json.loads(body))", RAW, _parsed(json.dumps)),
    _content("reserialised-javascript", "It signs JSON.stringify(JSON.parse(body))", EXPRESS, _parsed(_javascript)),
    _content(
        "reserialised-compact",
        "It signs JSON written anew without spaces (json.dumps with separators, non-ASCII escaped)",
        RAW,
        _parsed(lambda value: json.dumps(value, separators=(",", ":"))),
    ),
    _content(
        "reserialised-utf-8",
        "It signs JSON written anew without spaces, as raw UTF-8 (orjson, Ruby, ensure_ascii=False)",
        FOLLOWED,
        _parsed(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))),
    ),
    _content(
        "reserialised-spaced-utf-8",
        "It signs json.dumps(json.loads(body), ensure_ascii=False)",
        RAW,
        _parsed(lambda value: json.dumps(value, ensure_ascii=False)),
    ),
    _content(
        "reserialised-sorted",
        "It signs JSON written anew with sorted keys",
        RAW,
        _parsed(lambda value: json.dumps(value, sort_keys=True)),
    ),
    _content(
        "reserialised-sorted-compact",
        "It signs JSON written anew with sorted keys and without spaces",
        RAW,
        _parsed(lambda value: json.dumps(value, sort_keys=True, separators=(",", ":"))),
    ),
    _content("reserialised-indented", "It signs JSON indented by 4", RAW, _parsed(lambda v: json.dumps(v, indent=4))),
    _content("reserialised-indented-2", "It signs JSON indented by 2", RAW, _parsed(lambda v: json.dumps(v, indent=2))),
    _content(
        "reserialised-go",
        "It signs json.Marshal of a map (Go)",
        "Read r.Body with io.ReadAll and sign that.",
        _parsed(_go),
    ),
    _content(
        "reserialised-php",
        "It signs json_encode(json_decode($body))",
        "Sign file_get_contents('php://input').",
        _parsed(_php),
    ),
    _content(
        "python-dict",
        "It signs str() of the parsed JSON: Python's spelling of a dictionary",
        RAW,
        _parsed(str),
    ),
    _content(
        "python-bytes", "It signs str(body): b'…', Python's spelling of bytes", RAW, lambda body: repr(body).encode()
    ),
    _content(
        "ascii-ignored",
        "It decodes the body as ASCII and drops what is none",
        "Do not decode: hmac takes bytes.",
        lambda body: body.decode("ascii", "ignore").encode(),
    ),
    _content(
        "ascii-replaced",
        "It decodes the body as ASCII and replaces what is none",
        "Do not decode: hmac takes bytes.",
        lambda body: body.decode("ascii", "replace").encode(),
    ),
    _content(
        "ascii-question-marks",
        "It encodes the text as ASCII with question marks",
        "Do not decode: hmac takes bytes.",
        lambda body: body.decode().encode("ascii", "replace"),
    ),
    _content(
        "ascii-seven-bits",
        "It decodes the body by Buffer.toString('ascii'), which cuts the highest bit",
        "Give the Buffer itself to hmac.update().",
        lambda body: bytes(byte & 127 for byte in body),
    ),
    _content(
        "latin-1",
        "It decodes the body as Latin-1 and encodes it as UTF-8",
        "Do not decode: hmac takes bytes.",
        lambda body: body.decode("latin-1").encode(),
    ),
    _content(
        "utf-16",
        "It encodes the text as UTF-16",
        "Do not decode: sign bytes.",
        lambda body: body.decode().encode("utf-16-le"),
    ),
    _content("stripped", "It strips white space around the body", FOLLOWED, lambda body: body.strip()),
    _content(
        "lines-joined",
        "It joins the lines of the body (splitlines breaks on U+2028 too)",
        FOLLOWED,
        lambda body: "".join(body.decode().splitlines()).encode(),
    ),
    _content(
        "empty",
        "It signs an empty body: something has read the body before",
        "Read the raw body first: a form or JSON parser leaves nothing in the stream (Flask: request.get_data()).",
        lambda _: b"",
    ),
)


# How it is written


def _both_by(algorithm: str) -> WrittenAs:
    """Another algorithm behind the prefixes as they should be."""
    return lambda key, content: {
        SHA1: f"sha1={_mac(key, content, algorithm).hex()}",
        SHA256: f"sha256={_mac(key, content, algorithm).hex()}",
    }


def _sha256_in_the_first(key: bytes, content: bytes) -> Signatures:
    """The other header is wrong: a right one would prove nothing."""
    return {SHA1: f"sha1={_mac(key, content, 'sha256').hex()}", SHA256: f"sha256={'0' * 64}"}


def _sha1_in_the_second(key: bytes, content: bytes) -> Signatures:
    return {SHA1: f"sha1={'0' * 40}", SHA256: f"sha256={_mac(key, content, 'sha1').hex()}"}


def _told_otherwise(key: bytes, content: bytes) -> Signatures:
    """Each header with the other's value."""
    right = rightly_written(key, content)
    return {SHA1: right[SHA256], SHA256: right[SHA1]}


def _respelled(sha1: str, sha256: str, spell: Callable[[bytes], str]) -> WrittenAs:
    return lambda key, content: {
        SHA1: sha1 + spell(_mac(key, content, "sha1")),
        SHA256: sha256 + spell(_mac(key, content, "sha256")),
    }


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _hashed(join: Callable[[bytes, bytes], bytes]) -> WrittenAs:
    return lambda key, content: {
        SHA1: f"sha1={hashlib.sha1(join(key, content)).hexdigest()}",  # noqa: S324  the imitated service's algorithm
        SHA256: f"sha256={hashlib.sha256(join(key, content)).hexdigest()}",
    }


def _written(name: str, title: str, advice: str, written: WrittenAs) -> Mistake:
    return Mistake(name, title, advice, written=written)


BY_HEADER = "X-Hub-Signature is `sha1=` and SHA-1, X-Hub-Signature-256 is `sha256=` and SHA-256."
HEX = "Write the digest in hex: hexdigest() in Python, digest('hex') in Node."
HMAC = "Use an HMAC with your secret as the key, not a hash."
WRITINGS = (
    _written(
        "sha256-for-sha1",
        "It expects SHA-256 in X-Hub-Signature, behind `sha1=`",
        BY_HEADER,
        _sha256_in_the_first,
    ),
    _written(
        "sha1-for-sha256",
        "It expects SHA-1 in X-Hub-Signature-256, behind `sha256=`",
        BY_HEADER,
        _sha1_in_the_second,
    ),
    _written(
        "headers-exchanged",
        "It expects `sha256=…` in X-Hub-Signature, or `sha1=…` in the other",
        BY_HEADER,
        _told_otherwise,
    ),
    _written("base64", "It expects base64 where hex comes", HEX, _respelled("sha1=", "sha256=", _base64)),
    _written("base64-bare", "It expects base64 without `sha1=`", f"{HEX} {BY_HEADER}", _respelled("", "", _base64)),
    _written(
        "base64-of-hex",
        "It expects base64 of the hex digits",
        HEX,
        _respelled("sha1=", "sha256=", lambda raw: _base64(raw.hex().encode())),
    ),
    _written(
        "no-prefix",
        "It expects the digits without `sha1=` before them",
        "Compare the whole header, or cut `sha1=` off before you compare.",
        _respelled("", "", bytes.hex),
    ),
    _written(
        "upper-case",
        "It expects upper case digits",
        "Digits are in lower case, as hexdigest() and digest('hex') write them.",
        _respelled("sha1=", "sha256=", lambda raw: raw.hex().upper()),
    ),
    _written("sha512", "It expects SHA-512", BY_HEADER, _both_by("sha512")),
    _written("md5", "It expects MD5", BY_HEADER, _both_by("md5")),
    _written(
        "hash-of-body", "It expects a plain hash of the body, without the secret", HMAC, _hashed(lambda _, body: body)
    ),
    _written(
        "hash-of-secret-and-body", "It expects a hash of secret and body", HMAC, _hashed(lambda key, body: key + body)
    ),
    _written(
        "hash-of-body-and-secret", "It expects a hash of body and secret", HMAC, _hashed(lambda key, body: body + key)
    ),
    _written(
        "arguments-exchanged",
        "It takes the body for the key and the secret for the message",
        "The secret is the first argument of hmac.new, the body the second.",
        lambda key, content: rightly_written(content, key),
    ),
)

SINGLE = (*CONTENTS, *WRITINGS, *SECRETS)


def pairs() -> Iterator[tuple[Mistake, Mistake]]:
    """Two mistakes at once, each of another kind, the likelier first."""
    for first, second in ((WRITINGS, CONTENTS), (WRITINGS, SECRETS), (CONTENTS, SECRETS)):
        yield from ((one, other) for one in first for other in second)
