"""The records of polls of processing, whose beginning no other record has."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world.record import Record


class Poll(Record, frozen=True):
    """How often a thing was polled `since` a time in microseconds UTC. `name` is a digest that names it."""

    TABLE: ClassVar[str] = "poll"
    no: int
    name: str
    since: int
    polls: int
