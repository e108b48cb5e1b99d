"""Verifies a message as a receiver does. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from mockserver.webhooks.messages import compute_signature


class Finding(StrEnum):
    """The state of one signature header."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"


class Verification(msgspec.Struct, frozen=True):
    """The findings about both signature headers of one message."""

    sha1: Finding
    sha256: Finding

    @property
    def genuine(self) -> bool:
        """Whether there is a right signature, and no wrong one."""
        return Finding.RIGHT in {self.sha1, self.sha256} and Finding.WRONG not in {self.sha1, self.sha256}


def verify(headers: Mapping[str, str], body: bytes, *, secret: str) -> Verification:
    """Compares both signatures with the expected ones. `headers` by lower-case name."""
    return Verification(
        _compare(headers.get("x-hub-signature"), compute_signature("sha1", body, secret=secret)),
        _compare(headers.get("x-hub-signature-256"), compute_signature("sha256", body, secret=secret)),
    )


def _compare(received: str | None, expected: str) -> Finding:
    """Compares bytes, as compare_digest refuses text outside ASCII."""
    if received is None:
        return Finding.MISSING
    same = hmac.compare_digest(received.encode("utf-8", "surrogateescape"), expected.encode())
    return Finding.RIGHT if same else Finding.WRONG
