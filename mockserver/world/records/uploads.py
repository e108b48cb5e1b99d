"""The records of files that clients have uploaded."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world.record import Record


class Upload(Record, frozen=True):
    """An uploaded file: its name and content type as the client sent them, and its bytes."""

    TABLE: ClassVar[str] = "upload"
    id: str
    name: str
    content_type: str | None
    size: int
    created_at: int
