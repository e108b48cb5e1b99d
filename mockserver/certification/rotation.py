"""The cases of a receiver whose secret is being replaced: for a while it has to accept two."""

from __future__ import annotations

from mockserver.certification.cases import Case, Expect, Group, Level, build_one
from mockserver.certification.factory import MessageFactory
from mockserver.webhooks.exchange import Request
from mockserver.webhooks.misbehaviour import build_request

ADVICE = "Verify with each secret in turn, and accept the message if one of them fits, until no old message can wait."


def _sign_with_previous(factory: MessageFactory) -> Request:
    return build_request(factory.build_message(secret=factory.previous_secret))


def _tamper_with_previous(factory: MessageFactory) -> Request:
    signed = factory.build_message(secret=factory.previous_secret)
    return Request(headers=tuple(signed.headers.items()), body=signed.body + b" ")


ROTATION = (
    Case(
        "previous-secret",
        Group.GOOD,
        "A message signed with the previous secret is accepted",
        build_one(_sign_with_previous),
        Expect.ACCEPTED,
        Level.MUST,
        "Messages that wait for a retry keep the signature of the time when they were made.",
        ADVICE,
    ),
    Case(
        "previous-secret-tampered",
        Group.FORGED,
        "A changed body with a signature by the previous secret is refused",
        build_one(_tamper_with_previous),
        Expect.REFUSED,
        Level.MUST,
        "An old secret that is accepted without a check opens the receiver to everybody.",
        ADVICE,
    ),
)
"""They are sent if a previous secret is given."""
