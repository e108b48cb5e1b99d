"""What the parts of an example must agree on beside their shapes, put right after they are drawn.

Nothing is drawn here, so the search for a smaller example is not disturbed.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

IN_TIME = (
    ("created_at", "content_last_updated_at", "updated_at", "last_activity_at"),
    ("createdAt", "updatedAt"),
    ("Created At", "Updated At"),
)
"""Moments of one thing, in the order in which they come."""


def agreed(made: Json) -> Json:
    """An object with what its keys say of each other made true."""
    if made.keys() >= {"start", "end"}:
        # `end` is inclusive, and a token as long as its span.
        made["end"] = made["start"] + (len(made["token"]) - 1 if "token" in made else made["end"])
    if made.keys() >= {"performance_details", "performance_details_v2"}:
        _spend(made["performance_details"], made["performance_details_v2"])
    if made.keys() >= {"dimensions", "values"}:
        _measure(made)
    if made.keys() >= {"labels", "project_details"}:
        _select(made)
    if made.keys() >= {"labelable_ids", "message_count"}:
        made["labelable_ids"] = list(dict.fromkeys(made["labelable_ids"] or ["0"]))
        made["message_count"] = max(made["message_count"], len(made["labelable_ids"]))
    if made.keys() >= {"bounding_box", "page_dimensions"}:
        box, page = made["bounding_box"], made["page_dimensions"]
        page["height"] = max(page["height"], box["top"] + box["height"])
        page["width"] = max(page["width"], box["left"] + box["width"])
    if "annotation_kind" in made:
        index_masks(made, 1)
    for names in IN_TIME:
        there = [name for name in names if name in made]
        made |= zip(there, sorted(made[name] for name in there), strict=True)
    return made


def _measure(embedding: Json) -> None:
    """Vectors are as long as they are said to be."""
    vectors = [each["value"] or [0.0] for each in embedding["values"]]
    embedding["dimensions"] = len(vectors[0]) if vectors else 1
    for each in embedding["values"]:
        each["value"] = (each["value"] or [0.0])[:1] * embedding["dimensions"]


def _spend(older: Json, newer: Json) -> None:
    """Both blocks tell of the same seconds and scores; the newer one says what all of them are made of."""
    newer["seconds_to_review"] = older["seconds_to_review"]
    parts = ("seconds_to_label", "seconds_to_review", "seconds_to_rework")
    older["seconds_to_create"] = newer["seconds_total"] = sum(newer[part] for part in parts)
    scores = {key: score for key, score in older.items() if key.endswith("_score")}
    for key in [key for key in newer if key.endswith("_score")]:
        del newer[key]
    newer |= scores | {"skipped": older["skipped"]}


def _select(project: Json) -> None:
    """The selected label is one of the row's; only rows in review or rework name their queue."""
    details = project["project_details"]
    if "selected_label_id" in details:
        details.pop("selected_label_id")
        if project["labels"]:
            details["selected_label_id"] = project["labels"][0]["id"]
    if details["workflow_status"] in {"DONE", "TO_LABEL"}:
        details.pop("task_id", None)
    if details["workflow_status"] == "TO_LABEL":
        details["workflow_history"] = []


def index_masks(thing: Json, number: int) -> None:
    """The URL of a mask names the frame that it shows; 1 in what is no clip."""
    for key, ending in (("composite_mask", ""), ("mask", "/mask")):
        if key in thing:
            start = thing[key]["url"].partition("/index/")[0]
            thing[key]["url"] = f"{start}/index/{number}{ending}"
