"""The cases of a certification, as data: the requests, the answers that a receiver must give, and the reason.

Only HTTP answers can be judged. How the real service interprets an answer is not documented (no retry rule, no time
limit), so the cases expect what every sender of webhooks relies on: 2xx means "I have it", anything else "I do not".
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from mockserver.certification.factory import MessageFactory
from mockserver.webhooks.exchange import Request

BuildOne = Callable[[MessageFactory], Request]
Build = Callable[[MessageFactory], list[Request] | None]


class Expect(StrEnum):
    """The expected answers to a case."""

    ACCEPTED = "2xx"
    REFUSED = "4xx"
    ENDED = "an answer or a closed connection"
    """A receiver that waits in vain for the rest of a body may hang up; one that goes on waiting is blocked."""
    SURVIVED = "no crash"
    """An answer below 500: the receiver may accept the message or not."""
    REPEATED = "2xx each time"
    OBSERVED = "anything"
    """Shown in the report and not judged."""


class Level(StrEnum):
    """The weight of a case. A failed `must` fails the certification."""

    MUST = "must"
    SHOULD = "should"
    NOTE = "note"


class Group(StrEnum):
    GOOD = "Good messages"
    SPELLING = "Bytes, not JSON"
    FORGED = "Forged and broken"
    REPEATED = "Twice, late, in another order"
    LOAD = "Large, slow, many"
    ODD = "Odd requests"


class Case(msgspec.Struct, frozen=True):
    """`build` returns the requests, or None if the scenario lacks the data for them. `advice` is shown after a failure.

    `last_only`: the requests before the last prepare it, and their answers are not judged.
    """

    name: str
    group: Group
    title: str
    build: Build
    expect: Expect
    level: Level
    why: str
    advice: str
    known: str = "inferred"
    last_only: bool = False


def build_one(build: BuildOne) -> Build:
    """Wraps the function of a case with a single request."""
    return lambda factory: [build(factory)]
