"""The cases of a receiver whose secret is replaced: for a while it has to accept two, and then the old one no more."""

from __future__ import annotations

from mockserver.certification.cases import Case, Expect, Group, Level, build_one
from mockserver.certification.factory import MessageFactory
from mockserver.webhooks.exchange import Request
from mockserver.webhooks.misbehaviour import build_request

ADVICE = "Verify with each secret in turn, and accept the message if one of them fits, until no old message can wait."
TURNS = 6
"""Messages that are signed with the two secrets in turns."""


def _sign_with_previous(factory: MessageFactory) -> Request:
    return build_request(factory.build_message(secret=factory.previous_secret))


def _tamper_with_previous(factory: MessageFactory) -> Request:
    signed = factory.build_message(secret=factory.previous_secret)
    return Request(headers=tuple(signed.headers.items()), body=signed.body + b" ")


def _sign_in_turns(factory: MessageFactory) -> list[Request]:
    secrets = (factory.secret, factory.previous_secret)
    return [build_request(factory.build_message(secret=secrets[number % 2])) for number in range(TURNS)]


def _join_secrets(factory: MessageFactory) -> Request:
    return build_request(factory.build_message(secret=f"{factory.secret}{factory.previous_secret}"))


def _sign_with_retired(factory: MessageFactory) -> Request:
    return build_request(factory.build_message(secret=factory.retired_secret))


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
        "secrets-in-turns",
        Group.GOOD,
        "Messages signed with the two secrets in turns are accepted",
        _sign_in_turns,
        Expect.REPEATED,
        Level.MUST,
        "The machines of a service learn of a new secret at different times.",
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
    Case(
        "secrets-joined",
        Group.FORGED,
        "A message signed with both secrets as one text is refused",
        build_one(_join_secrets),
        Expect.REFUSED,
        Level.MUST,
        "Two secrets are two keys. A receiver that takes their list as one key refuses all genuine messages, too.",
        ADVICE,
    ),
)
"""They are sent if a previous secret is given."""

RETIRED = (
    Case(
        "retired-secret",
        Group.FORGED,
        "A message signed with a retired secret is refused",
        build_one(_sign_with_retired),
        Expect.REFUSED,
        Level.MUST,
        "A secret is replaced because somebody else may know it.",
        "Remove the old secret from the receiver when the time of the change has ended.",
    ),
)
"""They are sent if a retired secret is given."""
