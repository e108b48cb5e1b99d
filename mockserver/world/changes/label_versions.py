"""Versions of labels: what a label was whenever it was handed on (SDK label_version.py 7.17.0)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import orjson

from mockserver.world import ids
from mockserver.world.change import Change
from mockserver.world.clause import Clause
from mockserver.world.records.labels import Body, Label, LabelVersion, ProjectRow
from mockserver.world.records.projects import TaskQueue

MOST_KEPT = 1_000_000
"""Versions of one world; the oldest go first."""


class VersionAction(StrEnum):
    """The hand-off. Imports record none: they are from no editor."""

    SUBMITTED = "SUBMITTED"
    SAVED = "SAVED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    REWORK_SUBMITTED = "REWORK_SUBMITTED"
    SENT_TO_REWORK = "SENT_TO_REWORK"


def record_version(change: Change, label: Label, action: VersionAction, by: str, project_row: ProjectRow) -> None:
    """Records a label as it is now. `project_row` is the row before it moves on."""
    connection = change.connection
    queue = connection.find(TaskQueue, Clause("id = :id", id=project_row.task_queue_id))
    body = connection.one(Body, Clause("id = :id", id=label.body_id), f"The body of label {label.id!r}")
    number = change.number(LabelVersion)
    place = (None, None, None) if queue is None else (queue.id, queue.name, queue.queue_type)
    version = LabelVersion(
        no=number, id=ids.random_uuid(change.new_id()), label_id=label.id, project_id=label.project_id,
        data_row_no=label.data_row_no, action=action, created_by=by, created_at=change.now,
        queue_id=place[0], queue_name=place[1], queue_type=place[2],
        feature_prefix=label.feature_prefix, body_id=body.id, annotation_count=count_annotations(body.content),
    )  # fmt: skip
    connection.insert([version])
    if number > MOST_KEPT:
        connection.delete(LabelVersion, Clause("no <= :oldest", oldest=number - MOST_KEPT))


def count_annotations(content: bytes) -> int:
    """The objects and the questions at the top of a body; those in frames are counted once."""
    document: dict[str, Any] = orjson.loads(content.translate(_PLACEHOLDERS))
    return sum(len(document.get(key, ())) for key in ("objects", "classifications", "segments"))


_PLACEHOLDERS = bytes(max(byte, 32) for byte in range(256))
"""Control characters, which stand for ids and hosts in bodies, as blanks."""
