"""Builds webhook messages: their bytes, signatures and headers. Pure."""

from __future__ import annotations

import hmac

import msgspec

CONTENT_TYPE = "application/json"


class Message(msgspec.Struct, frozen=True):
    """One signed message. `body` is serialised once and never again; every retry sends these bytes and headers."""

    delivery_id: str
    topic: str
    body: bytes
    headers: dict[str, str]


def build_message(delivery_id: str, topic: str, body: bytes, *, secret: str) -> Message:
    return Message(delivery_id, topic, body, build_headers(delivery_id, topic, body, secret=secret))


def build_headers(delivery_id: str, topic: str, body: bytes, *, secret: str) -> dict[str, str]:
    """Builds the headers with both signatures.

    Receivers of before 2024 check the first, newer samples the second (docs/reference/webhook).
    """
    return {
        "Content-Type": CONTENT_TYPE,
        "X-Hub-Signature": compute_signature("sha1", body, secret=secret),
        "X-Hub-Signature-256": compute_signature("sha256", body, secret=secret),
        "X-Labelbox-Id": delivery_id,
        "X-Labelbox-Event": topic,
    }


def compute_signature(algorithm: str, body: bytes, *, secret: str) -> str:
    """`sha1=<hex>`: the HMAC of the raw body, keyed with the secret's UTF-8 bytes."""
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"
