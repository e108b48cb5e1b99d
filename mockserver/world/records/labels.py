"""Labels, their canonical bodies and reviews, and the way of a data row through a project's workflow."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar

import msgspec
import orjson

from mockserver.conversion import decode
from mockserver.world.record import JsonText, Record

HOST = b"\x01"
"""Stands for scheme and host of our own URLs in a body. No JSON text can hold a raw control character."""
FEATURES = b"\x02"
"""Stands for the label's feature prefix in a body, so that many labels can share one."""
TASK = b"\x03"
"""Stands for the id of the export task in a body: composite masks are addressed through it (N1 notebook)."""

PROJECT = b"\x05"
"""Stands for the id of the label's project, or of a prediction's model run: single masks are addressed through it."""

PROJECT_STAND_IN = "\ufdd4"
STAND_IN = "\ufdd1"
"""Stands for FEATURES in a document, where it can be part of a text, so of a key."""
_STAND_INS = {
    HOST: "\ufdd0".encode(),
    FEATURES: STAND_IN.encode(),
    TASK: "\ufdd2".encode(),
    PROJECT: PROJECT_STAND_IN.encode(),
}
"""The placeholders while a body is parsed: noncharacters of Unicode, which no text interchanges."""


def parse_body(content: bytes) -> dict[str, Any]:
    """The document of a body. Its placeholders are noncharacters there, until `render_body` puts them back."""
    for placeholder, stand_in in _STAND_INS.items():
        if placeholder in content:
            content = content.replace(placeholder, stand_in)
    document: dict[str, Any] = orjson.loads(content)
    return document


def render_body(document: dict[str, Any]) -> bytes:
    """The body of a document that `parse_body` gave, with all that has changed in it."""
    content = orjson.dumps(document)
    for placeholder, stand_in in _STAND_INS.items():
        content = content.replace(stand_in, placeholder)
    return content


PIXEL_GEOMETRIES = ("bounding_box", "polygon", "line", "point")
"""The keys of a body under which objects have coordinates that move, in pixels or points."""


DIRECTIONS = ("unidirectional", "bidirectional")
"""Types of relationships (SDK relationship.py); a body has the ends under `{direction}_relationship`. Exports of the
second were never seen: its keys follow those of the first (inferred)."""


def find_ends(relationship: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The direction of a relationship in a body, and the feature ids of its `source` and `target`."""
    return next(
        (direction, relationship[key])
        for direction in DIRECTIONS
        if (key := f"{direction}_relationship") in relationship
    )


class WorkflowStatus(StrEnum):
    """The spelling is that of the filter (SDK export_filters.py); Export V2 writes TO_LABEL and so on."""

    TO_LABEL = "ToLabel"
    IN_REVIEW = "InReview"
    IN_REWORK = "InRework"
    DONE = "Done"


class WorkflowStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """A move of a data row: from a task queue, or into the workflow, to a task queue, or to Done.

    Keys and their order are those of an entry of `workflow_history` (sample: cc-data-processing).
    """

    action: str
    created_at: str
    """As world/moments.py writes it."""
    created_by: str
    """An e-mail address."""
    previous_task_name: str | None = None
    previous_task_id: str | None = None
    next_task_name: str | None = None
    next_task_id: str | None = None


def encode_history(steps: list[WorkflowStep]) -> JsonText:
    """How a `ProjectRow` keeps them, the newest first."""
    return JsonText(msgspec.json.encode(steps).decode())


class ProjectRow(Record, frozen=True):
    """A data row in a project. Without a task queue it is Done.

    `workflow_history` is that of Export V2: a JSON list of workflow steps, the newest first. People and queues
    have the names that they had then. It is kept in the row, as it is only ever read with it, and written out as
    it is: an export of a million rows contains three million steps.
    """

    TABLE: ClassVar[str] = "project_row"
    project_id: str
    data_row_no: int
    batch_id: str
    task_queue_id: str | None
    workflow_status: str
    priority: int
    expected_label_count: int
    selected_label_id: str | None
    workflow_history: JsonText
    reserved_by: str | None = None
    """The user to whom the row is assigned while it waits for labels."""

    @property
    def steps(self) -> list[WorkflowStep]:
        return decode(self.workflow_history, list[WorkflowStep])


class Body(Record, frozen=True):
    """A JSON text in raw UTF-8, in the newest Export V2 shape, key frames only, with placeholders.

    `aside` is a JSON object of what no V2 row says and other answers need. `masks`, a list of
    `{"color_rgb": [r, g, b], "polygons": [[[x, y], …], …]}`, is what the composite mask shows; of a clip each mask
    also has a `frame`, its key frame, and the `segment` [first, last] in which its polygons move on to the next key
    frame's; masks of one colour are one feature. Those of a volume have a `plane`, and `planes` says of each plane the
    `size` [width, height] of its frames and, where it has masks, the last five characters `mask` of its composite
    mask's id. An imported mask has `spans` too, a list of [row, first column, column after the last], and the body
    the `size` [width, height] of the picture in which they were sent. `text-bbox` is where the words of a document's
    entities are, for Export V1: by the last five characters
    of the entity's feature id, a list of `{"page", "top", "left", "height", "width"}` in points.
    """

    TABLE: ClassVar[str] = "body"
    id: int
    content: bytes
    aside: JsonText | None


class Label(Record, frozen=True):
    """`created_at` is a whole second, rounded from the moment of its content (observed 2026-07); `updated_at` and
    `content_updated_at` are real moments."""

    TABLE: ClassVar[str] = "label"
    no: int
    id: str
    project_id: str
    data_row_no: int
    feature_prefix: str
    body_id: int
    skipped: bool
    seconds_to_create: int
    """All that were spent: those of labelling, and the two below."""
    seconds_to_review: int
    seconds_to_rework: int
    is_benchmark: bool
    consensus_score: float | None
    benchmark_score: float | None
    created_by: str
    created_at: int
    updated_at: int
    content_updated_at: int
    deleted: bool


class LabelVersion(Record, frozen=True):
    """A label as it was at a hand-off (SDK label_version.py 7.17.0): `body_id` has its annotations; the queue is that
    in which its data row was, None for Done."""

    TABLE: ClassVar[str] = "label_version"
    no: int
    id: str
    label_id: str
    project_id: str
    data_row_no: int
    action: str
    created_by: str
    created_at: int
    queue_id: str | None
    queue_name: str | None
    queue_type: str | None
    feature_prefix: str
    body_id: int
    annotation_count: int


class LabelFeedback(Record, frozen=True):
    """The scores that a program has given a label; `scores` is a JSON object, name -> number."""

    TABLE: ClassVar[str] = "label_feedback"
    label_no: int
    id: str
    feedback: str
    scores: JsonText
    created_at: int
    updated_at: int


class Review(Record, frozen=True):
    TABLE: ClassVar[str] = "review"
    no: int
    id: str
    label_no: int
    score: float
    created_by: str
    created_at: int
    updated_at: int
