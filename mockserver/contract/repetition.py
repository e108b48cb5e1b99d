"""Judges how a client repeats calls that have failed: by the journal, whose times are those of the server."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from mockserver.digits import parse_digits

Entry = dict[str, Any]
Mistake = tuple[str, str]
"""Its name and the detail."""

HASTY = 0.1
"""Seconds. A shorter pause before an attempt is none."""
HASTY_RETRIES = 2
"""So many attempts without a pause are a mistake; the first attempt after a failure may follow it immediately."""
REFUSALS = 3
"""So many equal refusals are a mistake; SDKs ask some calls twice, in two forms."""
TOLERANCE = 0.3
"""Seconds by which a wait may be shorter than Retry-After: clocks have ticks."""


def seconds_of(entry: Entry) -> float:
    """The time at which a request was received, in seconds."""
    return datetime.datetime.fromisoformat(entry["received_at"]).timestamp()


def judge_retries(entries: Sequence[Entry]) -> Iterator[Mistake]:
    """Yields the mistakes."""
    for before, after in pairwise(entries):
        required = _find_retry_after(before)
        pause = seconds_of(after) - seconds_of(before)
        if required is not None and before["path"] == after["path"] and pause < required - TOLERANCE:
            yield (
                "retry-after-ignored",
                f"Retry-After was {required} s, and the next request came after {pause:.2f} s",
            )
            break
    for attempts in _group(entries).values():
        yield from _judge_attempts(attempts)


def _find_retry_after(entry: Entry) -> int | None:
    headers = entry["answer"]["headers"]
    value = next((value for key, value in headers if key.lower() == "retry-after"), "")
    return parse_digits(value)


def _group(entries: Sequence[Entry]) -> dict[tuple[str, str, str], list[Entry]]:
    """Equal requests: of the same method and path, with the same body."""
    groups: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry["method"], entry["path"], entry["request"]["body"] or ""].append(entry)
    return groups


def _judge_attempts(attempts: Sequence[Entry]) -> Iterator[Mistake]:
    pauses = [
        seconds_of(after) - seconds_of(before)
        for before, after in pairwise(attempts)
        if (before["status"] or 0) >= 500 or before["status"] == 429
    ]
    hasty = [pause for pause in pauses if pause < HASTY]
    if len(hasty) >= HASTY_RETRIES:
        yield "retries-hastily", f"{len(hasty)} of {len(pauses)} pauses before an attempt were shorter than {HASTY} s"
    refused = [entry for entry in attempts if _is_refusal(entry)]
    if len(refused) >= REFUSALS:
        codes = ", ".join(refused[0]["error_codes"]) or refused[0]["status"]
        yield (
            "refusal-repeated",
            f"{refused[0]['operation'] or refused[0]['path']} was refused {len(refused)} times: {codes}",
        )


def _is_refusal(entry: Entry) -> bool:
    """Whether the server itself refused the call, and would again."""
    status = entry["status"] or 0
    return entry["fault"] is None and (bool(entry["error_codes"]) or status in {400, 401, 403, 404, 410})
