"""The records of asynchronous tasks."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from mockserver.world.database import JsonText, Record

EXPORT = "export-data-rows"
"""The SDK reads results only of tasks with exactly this type (task.py:136)."""


class TaskStatus(StrEnum):
    """Any status but IN_PROGRESS ends the SDK's waiting immediately (wire trap 14). CANCELED has one L."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class Task(Record, frozen=True):
    """`streams` is JSON, the chunks of each stream, final once COMPLETE; `pace` delays its end (progression.py)."""

    TABLE: ClassVar[str] = "task"
    no: int
    id: str
    type: str
    name: str | None
    status: str
    completion_percentage: float
    request: JsonText
    base_url: str
    pace: JsonText
    streams: JsonText
    failure: str | None
    created_by: str
    created_at: int
    updated_at: int
