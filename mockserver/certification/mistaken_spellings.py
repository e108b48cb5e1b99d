"""Mistakes in the spelling of a signature: another header, algorithm, prefix or alphabet."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from mockserver.certification.signing import SHA1, SHA256, Mistake, Signatures, Spelling, compute_mac, spell


def _sign_both_with(algorithm: str) -> Spelling:
    """Another algorithm after the correct prefixes."""
    return lambda key, content: {
        SHA1: f"sha1={compute_mac(key, content, algorithm).hex()}",
        SHA256: f"sha256={compute_mac(key, content, algorithm).hex()}",
    }


def _write_sha256_first(key: bytes, content: bytes) -> Signatures:
    """The other header is wrong: a right one would prove nothing."""
    return {SHA1: f"sha1={compute_mac(key, content, 'sha256').hex()}", SHA256: f"sha256={'0' * 64}"}


def _write_sha1_second(key: bytes, content: bytes) -> Signatures:
    return {SHA1: f"sha1={'0' * 40}", SHA256: f"sha256={compute_mac(key, content, 'sha1').hex()}"}


def _swap_headers(key: bytes, content: bytes) -> Signatures:
    """Each header with the other's value."""
    right = spell(key, content)
    return {SHA1: right[SHA256], SHA256: right[SHA1]}


def _spell_as(sha1: str, sha256: str, spell: Callable[[bytes], str]) -> Spelling:
    return lambda key, content: {
        SHA1: sha1 + spell(compute_mac(key, content, "sha1")),
        SHA256: sha256 + spell(compute_mac(key, content, "sha256")),
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
