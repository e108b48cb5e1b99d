"""Secrets in requests and answers, replaced where the journal is read."""

from __future__ import annotations

import re

OWN_KEY = "[the key of this workspace]"
REPLACED = "[secret]"
SHORTEST_KEY = 8
"""Characters. A shorter API key is not searched in bodies, where it would be a word like any other."""

_COOKIES = frozenset({"cookie", "set-cookie", "proxy-authorization", "x-api-key"})
_VALUE = r"[^&#\s\"'<>\\]+"
# Each pattern begins with a word, which `re` looks for quickly, and looks back from its end at what is in front of it:
# that takes a tenth of the time, and a page of the journal has megabytes.
_QUERY = re.compile(
    "(" + "|".join(rf"{word}=(?<![^?&;]{word}=)" for word in ("Signature", "token", "bewit", "api_key")) + ")" + _VALUE
)
_ESCAPED_QUERY = re.compile(
    "("
    + "|".join(rf"{word}=(?:(?<=\\u0026{word}=)|(?<=&amp;{word}=))" for word in ("Signature", "token", "bewit"))
    + ")"
    + _VALUE
)
_SECRET = re.compile(
    r'(secret(?:"(?<="secret")|\\"(?<=\\"secret\\")|(?<!\wsecret))\s*:\s*\\?")(?:[^"\\]|\\[^"])*',
)
"""The secret of a webhook: in JSON, in JSON inside a text, or in a GraphQL document that is one."""
_WEB_TOKEN = re.compile(r"(eyJ(?<![\w-]eyJ))[\w-]+\.[\w-]+(?:\.[\w-]*)?")
"""A JSON Web Token, as each API key is that a client creates: GraphQL lets the client choose its name in the answer,
and the body may be cut within it. `eyJ` is `{"` in base64."""


def find_key(authorization: str) -> str:
    """The API key in an `Authorization` header, with or without `Bearer`."""
    scheme, _, rest = authorization.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else authorization.strip()


def redact_header(name: str, value: str, api_key: str | None) -> str:
    """Replaces the secret part of a header's value."""
    if name == "authorization":
        key = find_key(value)
        replacement = OWN_KEY if key == api_key else f"[another key, {len(key)} characters]"
        return value.replace(key, replacement) if key else value
    if name in _COOKIES:
        return REPLACED
    return redact_text(value, api_key)


def redact_text(text: str, api_key: str | None) -> str:
    """Replaces signatures and tokens of links, secrets of webhooks, JSON Web Tokens, and the workspace's key."""
    for pattern in (_QUERY, _ESCAPED_QUERY, _SECRET, _WEB_TOKEN):
        text = pattern.sub(rf"\1{REPLACED}", text)
    if api_key is not None and len(api_key) >= SHORTEST_KEY:
        text = text.replace(api_key, OWN_KEY)
    return text
