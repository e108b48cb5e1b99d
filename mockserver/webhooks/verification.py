"""Whether a message is genuine, as a receiver finds out. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from mockserver.webhooks.messages import compute_signature


class Finding(StrEnum):
    """What one signature header says."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"


class Verification(msgspec.Struct, frozen=True):
    """Both headers of one message."""

    sha1: Finding
    sha256: Finding

    @property
    def genuine(self) -> bool:
        """There is a right one, and no wrong one."""
        return Finding.RIGHT in {self.sha1, self.sha256} and Finding.WRONG not in {self.sha1, self.sha256}


def verify(headers: Mapping[str, str], body: bytes, *, secret: str) -> Verification:
    """`headers` by lower-case name."""
    return Verification(
        _compared(headers.get("x-hub-signature"), compute_signature("sha1", body, secret=secret)),
        _compared(headers.get("x-hub-signature-256"), compute_signature("sha256", body, secret=secret)),
    )


def _compared(came: str | None, expected: str) -> Finding:
    """As bytes: compare_digest refuses text beyond ASCII."""
    if came is None:
        return Finding.MISSING
    same = hmac.compare_digest(came.encode("utf-8", "surrogateescape"), expected.encode())
    return Finding.RIGHT if same else Finding.WRONG
