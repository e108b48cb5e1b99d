"""Mistakes in the secret that a webhook is signed with."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import quote

from mockserver.certification.signing import KeyOf, Mistake


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
