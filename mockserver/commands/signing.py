"""Signs and verifies messages without a server, and names the mistake behind a wrong signature."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence

from mockserver.certification.mistakes import SINGLE
from mockserver.certification.signing import SHA1, SHA256, sign
from mockserver.webhooks.messages import Message, build_message
from mockserver.webhooks.verification import Verification, verify
from mockserver.world import ids


def sign_body(body: bytes, *, secret: str, topic: str, delivery_id: str | None) -> Message:
    """The message with both signatures, and a new id if none is given."""
    new_id = ids.cuid(time.time_ns() // 1000, "delivery", secrets.token_hex(8))
    return build_message(delivery_id or new_id, topic, body, secret=secret)


def verify_message(headers: Mapping[str, str], body: bytes, keys: Sequence[str]) -> tuple[Verification, str | None]:
    """The verification by the secret that fits, else by the first, and what is probably wrong.

    `headers` by lower-case name.
    """
    verifications = [verify(headers, body, secret=secret) for secret in keys]
    genuine = next((one for one in verifications if one.genuine), None)
    if genuine is not None:
        return genuine, None
    return verifications[0], next(filter(None, (find_mistake(headers, body, secret) for secret in keys)), None)


def find_mistake(headers: Mapping[str, str], body: bytes, secret: str) -> str | None:
    """The mistake with which a body is signed as received: only that one leads to exactly these signatures."""
    received = {name: headers.get(name.lower()) for name in (SHA1, SHA256)}
    for mistake in SINGLE:
        try:
            signatures = sign(body, secret, mistake)
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
            continue  # the mistake is about JSON, and the body is none
        if signatures and any(value is not None and signatures.get(name) == value for name, value in received.items()):
            return f"{mistake.title} [{mistake.name}]. {mistake.advice}"
    return None
