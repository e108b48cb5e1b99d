"""Events: each change appends its own in its own transaction."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from mockserver.world.record import JsonText, Record


class EventKind(StrEnum):
    PROJECT_CREATED = "PROJECT_CREATED"
    PROJECT_UPDATED = "PROJECT_UPDATED"
    PROJECT_DELETED = "PROJECT_DELETED"
    DATASET_CREATED = "DATASET_CREATED"
    DATASET_UPDATED = "DATASET_UPDATED"
    DATASET_DELETED = "DATASET_DELETED"
    DATA_ROW_CREATED = "DATA_ROW_CREATED"
    DATA_ROW_UPDATED = "DATA_ROW_UPDATED"
    DATA_ROW_DELETED = "DATA_ROW_DELETED"
    MODEL_UPDATED = "MODEL_UPDATED"
    SCHEMA_UPDATED = "SCHEMA_UPDATED"
    LABEL_CREATED = "LABEL_CREATED"
    LABEL_UPDATED = "LABEL_UPDATED"
    LABEL_DELETED = "LABEL_DELETED"
    REVIEW_CREATED = "REVIEW_CREATED"
    REVIEW_UPDATED = "REVIEW_UPDATED"
    REVIEW_DELETED = "REVIEW_DELETED"
    WORKFLOW_ACTION = "WORKFLOW_ACTION"
    ISSUE_CREATED = "ISSUE_CREATED"
    ISSUE_UPDATED = "ISSUE_UPDATED"
    ISSUE_DELETED = "ISSUE_DELETED"
    METADATA_UPDATED = "METADATA_UPDATED"


TOPICS = (
    EventKind.LABEL_CREATED,
    EventKind.LABEL_UPDATED,
    EventKind.LABEL_DELETED,
    EventKind.REVIEW_CREATED,
    EventKind.REVIEW_UPDATED,
    EventKind.REVIEW_DELETED,
    EventKind.WORKFLOW_ACTION,
)
"""The kinds of events that webhooks subscribe to (SDK webhook.py: REVIEW_ until 3.63, WORKFLOW_ACTION from 3.44)."""


class Event(Record, frozen=True):
    TABLE: ClassVar[str] = "event"
    no: int
    kind: str
    at: int
    project_id: str | None
    data_row_id: str | None
    label_id: str | None
    details: JsonText
