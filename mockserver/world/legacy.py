"""Files of Export V1 as the world remembers them."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world.database import JsonText, Record


class LegacyFile(Record, frozen=True):
    """`question` is JSON and says what was asked for; `after_event` is the last event the file knows of; `told` that
    somebody was given its URL; `pace` delays that (progression.py). `status` is a TaskStatus."""

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
