"""The records of Export V1 files."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world.record import JsonText, Record


class LegacyFile(Record, frozen=True):
    """`question` is the request as JSON; `after_event` is the last event that the file includes; `told` says that a
    client has its URL, which `pace` delays by time or by `polls` (progression.py). `status` is a TaskStatus."""

    TABLE: ClassVar[str] = "legacy_file"
    no: int
    id: str
    question: JsonText
    base_url: str
    status: str
    told: bool
    pace: JsonText
    after_event: int
    failure: str | None
    created_at: int
    polls: int = 0
