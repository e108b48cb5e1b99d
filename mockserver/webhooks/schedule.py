"""When a delivery is tried again: the waits after each failure, as data."""

from __future__ import annotations

import datetime
import email.utils
from typing import Annotated, Literal

import msgspec

from mockserver.generate.chance import Chance
from mockserver.webhooks.exchange import Exchange
from mockserver.world.clock import DAY, SECOND

Wait = Annotated[float, msgspec.Meta(ge=0, le=30 * 86_400)]
Waits = Annotated[tuple[Wait, ...], msgspec.Meta(max_length=50)]
Schedule = Literal["default", "none"] | Waits
"""`"default"`, `"none"`, or the seconds to wait after the first, second, … failure."""

parse_schedule = msgspec.json.Decoder(Schedule).decode
"""A schedule as a subscription keeps it: JSON."""

DEFAULT: Waits = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""The service's own are not known. These are the ones Standard Webhooks 1.0 advises: soon again for a receiver that
restarts, then ever later for one that is broken over a weekend; ten tries in 76 hours."""
JITTER = 10
"""Percent by which a wait may be longer, so that what failed together does not come back together."""
LONGEST_RETRY_AFTER = 86_400.0
"""Seconds; a receiver that asks for more gets the next try after these."""
LONG_FAILURE = 5 * DAY
"""A receiver that failed for so long without one success between is not tried any more (as Svix does: 120 hours)."""


def waits_of(schedule: Schedule) -> Waits:
    if schedule == "default":
        return DEFAULT
    return () if schedule == "none" else schedule


def retry_wait(schedule: Schedule, delivery_id: str, failures: int, exchange: Exchange) -> int | None:
    """Microseconds to wait after the failure number `failures`, 1 for the first; None for no further try.

    The same delivery waits the same time in every run. A `Retry-After` makes it longer, never shorter.
    """
    waits = waits_of(schedule)
    if failures > len(waits):
        return None
    seconds = waits[failures - 1]
    jittered = seconds * (1 + Chance(delivery_id, "wait", failures).below(1001) / 1000 * JITTER / 100)
    return round(max(jittered, retry_after(exchange)) * SECOND)


def retry_after(exchange: Exchange) -> float:
    """Seconds the receiver asked us to wait; 0 when it did not, or not readably.

    A date counts from the answer's own `Date`, or from now by this machine's clock: the receiver's is not the world's.
    """
    asked = exchange.header("retry-after")
    if asked is None:
        return 0.0
    if asked.strip().isdecimal() and asked.isascii():
        return min(float(asked), LONGEST_RETRY_AFTER)
    until = _moment(asked)
    since = _moment(exchange.header("date")) or datetime.datetime.now(datetime.UTC)
    return 0.0 if until is None else min(max((until - since).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def _moment(text: str | None) -> datetime.datetime | None:
    """An HTTP date; None for anything else. Without a zone it is UTC, as HTTP dates are."""
    try:
        found = email.utils.parsedate_to_datetime(text or "")
        return found.replace(tzinfo=datetime.UTC) if found.tzinfo is None else found
    except (TypeError, ValueError, OverflowError):
        return None
