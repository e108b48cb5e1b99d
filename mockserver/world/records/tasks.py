"""The records of asynchronous tasks."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from mockserver.world.record import JsonText, Record

EXPORT = "export-data-rows"
"""The SDK reads results only of tasks with exactly this type (task.py:136)."""


UPSERT_ROWS = "adv-upsert-data-rows"
"""The type of the tasks of `upsertDataRows` (SDK task.py is_creation_task)."""
JSON_IMPORT = "JSON Import"
"""The name of tasks that import data rows, by which older SDKs know them (task.py 3.40.1:86); the type of those of
`appendRowsToDataset` (inferred)."""
ADD_TO_BATCH = "add-data-rows-to-batch"
SEND_TO_QUEUE = "send-to-task-queue"
SEND_TO_ANNOTATE = "send-to-annotate"
RUN_APP = "model-foundry-app-run"
"""Types whose failures SDKs read from `result` (task.py); that of runs of apps is inferred."""
IMPORTS = frozenset({UPSERT_ROWS, JSON_IMPORT})


class TaskStatus(StrEnum):
    """Any status but IN_PROGRESS ends the SDK's waiting immediately (wire trap 14). CANCELED has one L."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class Task(Record, frozen=True):
    """`streams` is JSON, the chunks of each stream, final once COMPLETE; `pace` delays its end by time or by `polls`
    (progression.py). A test may have requested that it fails, or that it hangs until it is cancelled."""

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
    polls: int = 0
    requested_failure: str | None = None
    hangs: bool = False
