"""The cases of a certification, as data: what is sent, what a receiver must answer, and why.

Only what an HTTP answer shows can be judged. How the real service takes an answer is not documented (no retry rule,
no time limit), so what is expected is what every sender of webhooks relies on: 2xx means "I have it", anything else
"I do not".
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from mockserver.certification.bench import Bench
from mockserver.webhooks.misbehaviour import Shot

Make = Callable[[Bench], Shot]
Send = Callable[[Bench], list[Shot] | None]


class Expect(StrEnum):
    """What the answers to a case should be."""

    ACCEPTED = "2xx"
    REFUSED = "4xx"
    ENDED = "an answer or a closed connection"
    """Who waits in vain for the rest of a body may hang up; who goes on waiting is blocked."""
    SURVIVED = "no crash"
    """An answer below 500: whether it takes the message is its own business."""
    REPEATED = "2xx each time"
    OBSERVED = "anything"
    """Told in the report and counted nowhere."""


class Level(StrEnum):
    """How much a case counts. A failed `must` fails the certification."""

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
    """`send` gives the shots, or None where the scenario has nothing to make them of. `advice` is for who fails.

    `last_only`: the shots before the last prepare it, and their answers are not judged.
    """

    name: str
    group: Group
    title: str
    send: Send
    expect: Expect
    level: Level
    why: str
    advice: str
    known: str = "inferred"
    last_only: bool = False


def one(make: Make) -> Send:
    """A case of a single request."""
    return lambda bench: [make(bench)]
