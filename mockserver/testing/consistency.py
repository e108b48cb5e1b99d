"""Makes the parts of an example consistent with each other, after they are drawn.

This module draws nothing, so it does not disturb Hypothesis's search for a smaller example.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

ORDERED_TIMESTAMPS = (
    ("created_at", "content_last_updated_at", "updated_at", "last_activity_at"),
    ("createdAt", "updatedAt"),
    ("Created At", "Updated At"),
)
"""Timestamps of one object, in chronological order."""


def make_consistent(value: Json) -> Json:
    """Changes the values of keys that contradict each other, and returns the same object."""
    if value.keys() >= {"start", "end"}:
        # `end` is inclusive, and a token is as long as its span.
        value["end"] = value["start"] + (len(value["token"]) - 1 if "token" in value else value["end"])
    if value.keys() >= {"performance_details", "performance_details_v2"}:
        _share_times(value["performance_details"], value["performance_details_v2"])
    if value.keys() >= {"dimensions", "values"}:
        _fit_dimensions(value)
    if value.keys() >= {"labels", "project_details"}:
        _select_label(value)
    if value.keys() >= {"labelable_ids", "message_count"}:
        value["labelable_ids"] = list(dict.fromkeys(value["labelable_ids"] or ["0"]))
        value["message_count"] = max(value["message_count"], len(value["labelable_ids"]))
    if value.keys() >= {"bounding_box", "page_dimensions"}:
        box, page = value["bounding_box"], value["page_dimensions"]
        page["height"] = max(page["height"], box["top"] + box["height"])
        page["width"] = max(page["width"], box["left"] + box["width"])
    if "annotation_kind" in value:
        index_masks(value, 1)
    for names in ORDERED_TIMESTAMPS:
        present = [name for name in names if name in value]
        value |= zip(present, sorted(value[name] for name in present), strict=True)
    return value


def _fit_dimensions(embedding: Json) -> None:
    """Makes all vectors as long as `dimensions`."""
    vectors = [each["value"] or [0.0] for each in embedding["values"]]
    embedding["dimensions"] = len(vectors[0]) if vectors else 1
    for each in embedding["values"]:
        each["value"] = (each["value"] or [0.0])[:1] * embedding["dimensions"]


def _share_times(older: Json, newer: Json) -> None:
    """Gives both blocks the same seconds and scores; the newer one has the parts of the total."""
    newer["seconds_to_review"] = older["seconds_to_review"]
    parts = ("seconds_to_label", "seconds_to_review", "seconds_to_rework")
    older["seconds_to_create"] = newer["seconds_total"] = sum(newer[part] for part in parts)
    scores = {key: score for key, score in older.items() if key.endswith("_score")}
    for key in [key for key in newer if key.endswith("_score")]:
        del newer[key]
    newer |= scores | {"skipped": older["skipped"]}


def _select_label(project: Json) -> None:
    """Selects one of the row's labels; only rows in review or rework name their queue."""
    details = project["project_details"]
    if "selected_label_id" in details:
        details.pop("selected_label_id")
        if project["labels"]:
            details["selected_label_id"] = project["labels"][0]["id"]
    if details["workflow_status"] in {"DONE", "TO_LABEL"}:
        details.pop("task_id", None)
    if details["workflow_status"] == "TO_LABEL":
        details["workflow_history"] = []


def index_masks(annotation: Json, number: int) -> None:
    """Puts the number of the frame into the URL of a mask; 1 outside of clips."""
    for key, ending in (("composite_mask", ""), ("mask", "/mask")):
        if key in annotation:
            start = annotation[key]["url"].partition("/index/")[0]
            annotation[key]["url"] = f"{start}/index/{number}{ending}"
