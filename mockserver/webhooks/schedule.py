"""The retry schedule of deliveries: the waits after each failure, as data."""

from __future__ import annotations

import datetime
import email.utils
import re
from typing import Annotated, Literal

import msgspec

from mockserver.conversion import build_decoder
from mockserver.generate.chance import Chance
from mockserver.webhooks.exchange import Outcome
from mockserver.world.clock import DAY, SECOND

Wait = Annotated[float, msgspec.Meta(ge=0, le=30 * 86_400)]
Waits = Annotated[tuple[Wait, ...], msgspec.Meta(max_length=50)]
Schedule = Literal["default", "none"] | Waits
"""`"default"`, `"none"`, or the seconds to wait after the first, second, … failure."""

parse_schedule = build_decoder(Schedule).decode
"""Parses the schedule of a subscription: JSON."""

DEFAULT: Waits = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""The service's own waits are not known. Standard Webhooks 1.0 advises these: soon for a receiver that restarts, then
ever later for one that is broken for a weekend; ten attempts in 76 hours."""
JITTER = 10
"""Percent by which a wait may be longer, so that deliveries that failed together are not retried together."""
LONGEST_RETRY_AFTER = 86_400.0
"""Seconds; for a receiver that requests a longer wait this one is used."""
_SECONDS = re.compile("[0-9]+")
LONG_FAILURE = 5 * DAY
"""A receiver that failed for so long without a success gets no more attempts (as with Svix: 120 hours)."""


def waits_of(schedule: Schedule) -> Waits:
    if schedule == "default":
        return DEFAULT
    return () if schedule == "none" else schedule


def retry_wait(schedule: Schedule, delivery_id: str, failures: int, outcome: Outcome) -> int | None:
    """Microseconds to wait after the failure number `failures`, 1 for the first; None for no further attempt.

    The same delivery waits the same time in every run. A `Retry-After` makes the wait longer, never shorter.
    """
    waits = waits_of(schedule)
    if failures > len(waits):
        return None
    seconds = waits[failures - 1]
    jittered = seconds * (1 + Chance(delivery_id, "wait", failures).randbelow(1001) / 1000 * JITTER / 100)
    return round(max(jittered, retry_after(outcome)) * SECOND)


def retry_after(outcome: Outcome) -> float:
    """Seconds of the answer's `Retry-After`; 0 if there is none, or it cannot be parsed.

    A date counts from the answer's own `Date`, or from now by this machine's clock: the receiver's clock is not the
    world's.
    """
    value = outcome.header("retry-after")
    if value is None:
        return 0.0
    if _SECONDS.fullmatch(value.strip(" \t")):
        return min(float(value), LONGEST_RETRY_AFTER)
    until = _parse_date(value)
    since = _parse_date(outcome.header("date")) or datetime.datetime.now(datetime.UTC)
    return 0.0 if until is None else min(max((until - since).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def _parse_date(text: str | None) -> datetime.datetime | None:
    """Parses an HTTP date; None for anything else. Without a zone it is UTC, as HTTP dates are."""
    try:
        date = email.utils.parsedate_to_datetime(text or "")
        return date.replace(tzinfo=datetime.UTC) if date.tzinfo is None else date
    except (TypeError, ValueError, OverflowError):
        return None
