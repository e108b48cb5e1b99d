"""How things that take time look while they take it: at once, after n looks, after t seconds of the world's clock.

A progression delays the showing, never the making: the work is done at once, so waiting costs a test no time.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec

from mockserver.world.database import JsonText


class Delay(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Exactly one of both: unfinished for the first `looks`, or until `seconds` after the start."""

    SCHEMA: ClassVar[dict[str, Any]] = {
        "oneOf": [
            {"required": ["looks"], "properties": {"looks": {"type": "integer"}, "seconds": {"type": "null"}}},
            {"required": ["seconds"], "properties": {"seconds": {"type": "number"}, "looks": {"type": "null"}}},
        ]
    }
    """What JSON Schema says of it beside its fields."""

    looks: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    seconds: Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None = None

    def __post_init__(self) -> None:
        if (self.looks is None) == (self.seconds is None):
            raise ValueError('expected "at_once", {"looks": n} or {"seconds": t}')


Pace = Literal["at_once"] | Delay


class Progression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pace of everything in a workspace that is asynchronous."""

    exports: Pace = "at_once"
    processing: Pace = "at_once"

    def text(self) -> JsonText:
        return JsonText(msgspec.json.encode(self).decode())


def progression_of(text: str) -> Progression:
    """What `Progression.text` wrote."""
    return msgspec.json.decode(text, type=Progression)


def pace_text(pace: Pace) -> JsonText:
    return JsonText(msgspec.json.encode(pace).decode())


def pace_of(text: str) -> Pace:
    """What `pace_text` wrote."""
    pace: Pace = msgspec.json.decode(text, type=Pace)
    return pace


def shown(pace: Pace, *, looks: int, elapsed: int) -> float:
    """How much is done, `elapsed` microseconds after the start, to somebody who has looked `looks` times before.

    1 means finished, and nothing below 1 does.
    """
    if isinstance(pace, str):
        return 1.0
    if pace.looks is not None:
        return 1.0 if looks >= pace.looks else looks / (pace.looks + 1)
    assert pace.seconds is not None, "a delay has looks or seconds"
    if elapsed >= pace.seconds * 1_000_000:
        return 1.0
    return max(0.0, min(elapsed / (pace.seconds * 1_000_000), 0.99))
