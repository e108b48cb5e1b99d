"""What can happen. Each change appends its event in its own transaction."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from mockserver.world.database import JsonText, Record


class EventKind(StrEnum):
    PROJECT_CREATED = "PROJECT_CREATED"
    PROJECT_UPDATED = "PROJECT_UPDATED"
    PROJECT_DELETED = "PROJECT_DELETED"
    DATASET_CREATED = "DATASET_CREATED"
    DATASET_UPDATED = "DATASET_UPDATED"
    DATASET_DELETED = "DATASET_DELETED"
    DATA_ROW_DELETED = "DATA_ROW_DELETED"
    LABEL_DELETED = "LABEL_DELETED"


class Event(Record, frozen=True):
    TABLE: ClassVar[str] = "event"
    no: int
    kind: str
    at: int
    project_id: str | None
    data_row_id: str | None
    label_id: str | None
    details: JsonText


class Delivery(Record, frozen=True):
    """One signed message on its way to one subscriber; `due_at` None means no further try."""

    TABLE: ClassVar[str] = "outbox"
    no: int
    id: str
    event_no: int
    subscription_id: str
    url: str
    headers: JsonText
    body: bytes
    attempts: int
    due_at: int | None
    made_at: int
