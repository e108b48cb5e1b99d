"""The progress of things that take time, as it is shown: finished immediately, after n polls, or after t seconds.

A progression delays what is shown and never the work, which is done immediately: waiting costs a test no time. Seconds
are those of the world's clock.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec

from mockserver.conversion import decode
from mockserver.world.record import JsonText


class Delay(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Exactly one of both: unfinished for so many polls (`looks`), or until `seconds` after the start."""

    SCHEMA: ClassVar[dict[str, Any]] = {
        "oneOf": [
            {"required": ["looks"], "properties": {"looks": {"type": "integer"}, "seconds": {"type": "null"}}},
            {"required": ["seconds"], "properties": {"seconds": {"type": "number"}, "looks": {"type": "null"}}},
        ]
    }
    """Its JSON Schema, beside that of its fields."""

    looks: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    seconds: Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None = None

    def __post_init__(self) -> None:
        if (self.looks is None) == (self.seconds is None):
            raise ValueError('expected "at_once", {"looks": n} or {"seconds": t}')


Pace = Literal["at_once"] | Delay
AT_ONCE = JsonText('"at_once"')
"""The pace of what has no delay, as columns have it."""


class Progression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pace of everything in a workspace that is asynchronous."""

    exports: Pace = "at_once"
    imports: Pace = "at_once"
    processing: Pace = "at_once"

    def text(self) -> JsonText:
        return JsonText(msgspec.json.encode(self).decode())


def decode_progression(text: str) -> Progression:
    """Parses what `Progression.text` returns."""
    return decode(text, Progression)


def encode_pace(pace: Pace) -> JsonText:
    return JsonText(msgspec.json.encode(pace).decode())


def decode_pace(text: str) -> Pace:
    """Parses what `encode_pace` returns."""
    pace: Pace = decode(text, Pace)
    return pace


def progress(pace: Pace, *, polls: int, elapsed: int) -> float:
    """The progress from 0 to 1 that is shown `elapsed` microseconds after the start, and after so many earlier polls.

    1 means finished, and no smaller value does.
    """
    if isinstance(pace, str):
        return 1.0
    if pace.looks is not None:
        return 1.0 if polls >= pace.looks else polls / (pace.looks + 1)
    assert pace.seconds is not None, "a delay has looks or seconds"
    if elapsed >= pace.seconds * 1_000_000:
        return 1.0
    return max(0.0, min(elapsed / (pace.seconds * 1_000_000), 0.99))
