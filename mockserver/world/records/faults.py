"""The records of the faults that tests have requested."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world.record import JsonText, Record


class ArmedFault(Record, frozen=True):
    """A rule (faults/rule.py) with its counts: `calls` that it matched, `hits` of them, and the calls that it let pass
    in the window of its limit. It `ends` at a time of the workspace's clock."""

    TABLE: ClassVar[str] = "fault"
    no: int
    rule: JsonText
    ends: int | None
    calls: int = 0
    hits: int = 0
    window_no: int = -1
    passed: int = 0
