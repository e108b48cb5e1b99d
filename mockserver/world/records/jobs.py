"""Jobs that clients poll by their id and that are no tasks: they are done when they are created."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world.record import JsonText, Record


class Job(Record, frozen=True):
    """`result` is JSON."""

    TABLE: ClassVar[str] = "job"
    no: int
    id: str
    kind: str
    result: JsonText
    created_at: int
