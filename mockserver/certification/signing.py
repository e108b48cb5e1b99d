"""A webhook's signature, computed as the service does or with mistakes."""

from __future__ import annotations

import hmac
from collections.abc import Callable

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
    return {
        SHA1: f"sha1={compute_mac(key, content, 'sha1').hex()}",
        SHA256: f"sha256={compute_mac(key, content, 'sha256').hex()}",
    }


def compute_mac(key: bytes, content: bytes, algorithm: str) -> bytes:
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
