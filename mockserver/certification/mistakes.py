"""Common mistakes in computing a webhook's signature: in the secret, in the signed content, in the spelling.

Each is a function to sign with. A receiver that accepts a message signed in a mistaken way makes that mistake; there is
no other explanation, since a wrong HMAC never matches by accident.
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
Spelling = Callable[[bytes, bytes], Signatures]
"""(key, content) -> headers."""


class Mistake(msgspec.Struct, frozen=True):
    """One deviation from the service's signature: in the key, the content or the spelling; the others are None."""

    name: str
    title: str
    advice: str
    key: KeyOf | None = None
    content: ContentOf | None = None
    spelling: Spelling | None = None


def encode_key(secret: str) -> bytes:
    return secret.encode()


def spell(key: bytes, content: bytes) -> Signatures:
    return {SHA1: f"sha1={_mac(key, content, 'sha1').hex()}", SHA256: f"sha256={_mac(key, content, 'sha256').hex()}"}


def _mac(key: bytes, content: bytes, algorithm: str) -> bytes:
    return hmac.digest(key, content, algorithm)


def sign(body: bytes, secret: str, *mistakes: Mistake) -> Signatures | None:
    """The signature headers that a receiver with these mistakes accepts; None if they do not change the secret."""
    key_of: KeyOf = encode_key
    content_of: ContentOf = bytes
    spelling: Spelling = spell
    for mistake in mistakes:
        key_of = mistake.key or key_of
        content_of = mistake.content or content_of
        spelling = mistake.spelling or spelling
    key = key_of(secret)
    if key is None or (any(mistake.key for mistake in mistakes) and key == secret.encode()):
        return None
    return spelling(key, content_of(body))


# The secret


def _decode_hex(secret: str) -> bytes | None:
    try:
        return bytes.fromhex(secret) or None
    except ValueError:
        return None


def _decode_base64(secret: str) -> bytes | None:
    try:
        return base64.b64decode(secret, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _build_secret(name: str, title: str, advice: str, key: KeyOf) -> Mistake:
    return Mistake(f"secret-{name}", title, advice, key=key)


STRIP = "Strip the text that you read from a file or a setting: open(…).read().strip()."
SECRETS = (
    _build_secret("with-newline", "The secret has a newline at its end", STRIP, lambda s: f"{s}\n".encode()),
    _build_secret(
        "stripped", "The secret lost the white space around it", "Use it unchanged.", lambda s: s.strip().encode()
    ),
    _build_secret("with-space", "The secret has a space at its end", STRIP, lambda s: f"{s} ".encode()),
    _build_secret("with-carriage-return", "The secret has `\\r\\n` at its end", STRIP, lambda s: f"{s}\r\n".encode()),
    _build_secret(
        "in-double-quotes",
        'The secret has its quotes still around it: `"…"`',
        "The reader of your settings file keeps quotes (docker --env-file does): write the secret without them.",
        lambda s: f'"{s}"'.encode(),
    ),
    _build_secret(
        "in-single-quotes",
        "The secret has its quotes still around it: `'…'`",
        "The reader of your settings file keeps quotes (docker --env-file does): write the secret without them.",
        lambda s: f"'{s}'".encode(),
    ),
    _build_secret(
        "as-repr",
        "The secret is `str(b'…')`: its Python spelling, with b and quotes",
        "Encode text with .encode(); str() of bytes is their spelling.",
        lambda s: repr(s.encode()).encode(),
    ),
    _build_secret("empty", "The secret is empty", "The setting is not set: refuse to start without it.", lambda _: b""),
    _build_secret(
        "none",
        "The secret is the word `None`",
        "The setting is not set: refuse to start without it.",
        lambda _: b"None",
    ),
    _build_secret(
        "undefined",
        "The secret is the word `undefined`",
        "The setting is not set: refuse to start without it.",
        lambda _: b"undefined",
    ),
    _build_secret(
        "placeholder",
        "The secret is still `CHANGE-ME`, as in the documentation's sample",
        "Replace it by your own secret.",
        lambda _: b"CHANGE-ME",
    ),
    _build_secret(
        "hex-decoded", "The secret was decoded from hex", "Use its characters as the key, unchanged.", _decode_hex
    ),
    _build_secret(
        "base64-decoded",
        "The secret was decoded from base64",
        "Use its characters as the key, unchanged.",
        _decode_base64,
    ),
    _build_secret(
        "base64-encoded",
        "The secret was encoded as base64",
        "Decode it first: Kubernetes shows secrets in base64.",
        lambda s: base64.b64encode(s.encode()),
    ),
    _build_secret(
        "upper-case", "The secret is in upper case", "The secret is case-sensitive.", lambda s: s.upper().encode()
    ),
    _build_secret(
        "lower-case", "The secret is in lower case", "The secret is case-sensitive.", lambda s: s.lower().encode()
    ),
    _build_secret("url-quoted", "The secret is URL-encoded", "Decode it first.", lambda s: quote(s, safe="").encode()),
    _build_secret("utf-16", "The secret is encoded as UTF-16", "Encode it as UTF-8.", lambda s: s.encode("utf-16-le")),
)


# The signed content


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


# The spelling of the signature


def _sign_both_with(algorithm: str) -> Spelling:
    """Another algorithm after the correct prefixes."""
    return lambda key, content: {
        SHA1: f"sha1={_mac(key, content, algorithm).hex()}",
        SHA256: f"sha256={_mac(key, content, algorithm).hex()}",
    }


def _write_sha256_first(key: bytes, content: bytes) -> Signatures:
    """The other header is wrong: a right one would prove nothing."""
    return {SHA1: f"sha1={_mac(key, content, 'sha256').hex()}", SHA256: f"sha256={'0' * 64}"}


def _write_sha1_second(key: bytes, content: bytes) -> Signatures:
    return {SHA1: f"sha1={'0' * 40}", SHA256: f"sha256={_mac(key, content, 'sha1').hex()}"}


def _swap_headers(key: bytes, content: bytes) -> Signatures:
    """Each header with the other's value."""
    right = spell(key, content)
    return {SHA1: right[SHA256], SHA256: right[SHA1]}


def _spell_as(sha1: str, sha256: str, spell: Callable[[bytes], str]) -> Spelling:
    return lambda key, content: {
        SHA1: sha1 + spell(_mac(key, content, "sha1")),
        SHA256: sha256 + spell(_mac(key, content, "sha256")),
    }


def _encode_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _hash_of(join: Callable[[bytes, bytes], bytes]) -> Spelling:
    return lambda key, content: {
        SHA1: f"sha1={hashlib.sha1(join(key, content)).hexdigest()}",  # noqa: S324  the imitated service's algorithm
        SHA256: f"sha256={hashlib.sha256(join(key, content)).hexdigest()}",
    }


def _build_spelling(name: str, title: str, advice: str, spelling: Spelling) -> Mistake:
    return Mistake(name, title, advice, spelling=spelling)


BY_HEADER = "X-Hub-Signature is `sha1=` and SHA-1, X-Hub-Signature-256 is `sha256=` and SHA-256."
HEX = "Write the digest in hex: hexdigest() in Python, digest('hex') in Node."
HMAC = "Use an HMAC with your secret as the key, not a hash."
SPELLINGS = (
    _build_spelling(
        "sha256-for-sha1",
        "It expects SHA-256 in X-Hub-Signature, after `sha1=`",
        BY_HEADER,
        _write_sha256_first,
    ),
    _build_spelling(
        "sha1-for-sha256",
        "It expects SHA-1 in X-Hub-Signature-256, after `sha256=`",
        BY_HEADER,
        _write_sha1_second,
    ),
    _build_spelling(
        "headers-exchanged",
        "It expects `sha256=…` in X-Hub-Signature, or `sha1=…` in the other",
        BY_HEADER,
        _swap_headers,
    ),
    _build_spelling("base64", "It expects base64 instead of hex", HEX, _spell_as("sha1=", "sha256=", _encode_base64)),
    _build_spelling(
        "base64-bare", "It expects base64 without `sha1=`", f"{HEX} {BY_HEADER}", _spell_as("", "", _encode_base64)
    ),
    _build_spelling(
        "base64-of-hex",
        "It expects base64 of the hex digits",
        HEX,
        _spell_as("sha1=", "sha256=", lambda raw: _encode_base64(raw.hex().encode())),
    ),
    _build_spelling(
        "no-prefix",
        "It expects the digits without `sha1=` in front of them",
        "Compare the whole header, or cut `sha1=` off before you compare.",
        _spell_as("", "", bytes.hex),
    ),
    _build_spelling(
        "upper-case",
        "It expects upper case digits",
        "Digits are in lower case, as hexdigest() and digest('hex') write them.",
        _spell_as("sha1=", "sha256=", lambda raw: raw.hex().upper()),
    ),
    _build_spelling("sha512", "It expects SHA-512", BY_HEADER, _sign_both_with("sha512")),
    _build_spelling("md5", "It expects MD5", BY_HEADER, _sign_both_with("md5")),
    _build_spelling(
        "hash-of-body", "It expects a plain hash of the body, without the secret", HMAC, _hash_of(lambda _, body: body)
    ),
    _build_spelling(
        "hash-of-secret-and-body", "It expects a hash of secret and body", HMAC, _hash_of(lambda key, body: key + body)
    ),
    _build_spelling(
        "hash-of-body-and-secret", "It expects a hash of body and secret", HMAC, _hash_of(lambda key, body: body + key)
    ),
    _build_spelling(
        "arguments-exchanged",
        "It uses the body as the key and the secret as the message",
        "The secret is the first argument of hmac.new, the body the second.",
        lambda key, content: spell(content, key),
    ),
)

SINGLE = (*CONTENTS, *SPELLINGS, *SECRETS)


def list_pairs() -> Iterator[tuple[Mistake, Mistake]]:
    """Lists pairs of mistakes of different kinds, the likelier pairs first."""
    for first, second in ((SPELLINGS, CONTENTS), (SPELLINGS, SECRETS), (CONTENTS, SECRETS)):
        yield from ((one, other) for one in first for other in second)
