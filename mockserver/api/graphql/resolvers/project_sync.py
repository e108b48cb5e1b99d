"""The mutation that takes the state of a project that is labelled elsewhere (SDK project.py sync_external_project)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.resolvers.label_changes import LARGEST_SCORE, MOST_SCORES, MOST_SECONDS
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput
from mockserver.jobs.project_sync import ProjectSync, Quality, SyncedLabel, SyncedReview, SyncEntry
from mockserver.world.changes.global_keys import LONGEST_KEY
from mockserver.world.moments import parse_moment
from mockserver.world.records.projects import Project

MOST_ENTRIES = 10_000
"""Entries of one request."""
AUTO_QA_SCORE = "AutoQA"
"""The name of the score of AutoQA among those of a label (inferred)."""
UNRATED = 1.0
"""The score of a review without a rating (inferred)."""
Sent = Mapping[str, Any]


class Submission(msgspec.Struct, frozen=True):
    submission_id: str


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "syncExternalProject", sync_project, long=True)
    fields.add_attributes("ProjectSyncSubmission", Submission, "submissionId")


def sync_project(_source: Any, call: Call, input: Sent) -> Submission:
    """Raises NotFound, and BadInput for an entry that cannot be applied; then nothing is changed."""
    project = call.get(Project, input["projectId"])
    if len(input["entries"]) > MOST_ENTRIES:
        raise BadInput(
            f"{len(input['entries']):,} entries were sent; at most {MOST_ENTRIES:,} are taken by one request"
        )
    entries = [_read_entry(entry, call.store.clock.now()) for entry in input["entries"]]
    sync = ProjectSync(call.store, project)
    sync.check(entries)
    submission = Submission(sync.apply(entries))
    call.forget_legacy_labels()
    return submission


def _read_entry(entry: Sent, now: int) -> SyncEntry:
    check_texts(entry)
    task_id = entry["taskId"]
    if not 0 < len(task_id) <= LONGEST_KEY or "\0" in task_id:
        raise BadInput(
            f"The taskId of an entry is {task_id[:100]!r}; expected the id or the global key of a data row, of at most"
            f" {LONGEST_KEY} characters"
        )
    label = entry.get("label", UNSET)
    review = entry.get("review")
    return SyncEntry(
        task_id,
        entry.get("contentUrl"),
        label if label is UNSET or label is None else _read_label(label, now),
        None if review is None else _read_review(review),
        entry.get("queueType", UNSET),
    )


def _read_label(label: Sent, now: int) -> SyncedLabel:
    seconds, submitted, auto_qa = (label.get(name) for name in ("secondsToCompletion", "submittedOn", "autoQA"))
    if seconds is not None and not 0 <= seconds <= MOST_SECONDS:
        raise BadInput(f"secondsToCompletion is {seconds}; expected 0 to {MOST_SECONDS:,}")
    return SyncedLabel(
        label["submittedBy"]["email"],
        seconds,
        None if submitted is None else _read_moment(submitted, now),
        None if auto_qa is None else auto_qa["status"],
        None if auto_qa is None else _read_quality(auto_qa, AUTO_QA_SCORE, auto_qa.get("score"), "feedback"),
    )


def _read_review(review: Sent) -> SyncedReview:
    rating = review.get("rating")
    score = UNRATED if rating is None else float(rating["score"])
    quality = _read_quality({**(rating or {}), **review}, "", None, "comment")
    return SyncedReview(review["reviewedBy"]["email"], score, quality)


def _read_quality(sent: Sent, name: str, score: float | None, words: str) -> Quality | None:
    """The scores and the words of a part of an entry; None where it has neither."""
    check_texts(sent)
    scores = [(entry["name"], entry["value"]) for entry in sent.get("customScores") or ()]
    if score is not None:
        scores.append((name, score))
    if len(scores) > MOST_SCORES or any(abs(value) > LARGEST_SCORE for _, value in scores):
        raise BadInput(
            f"An entry has {len(scores):,} scores; expected at most {MOST_SCORES} of at most {LARGEST_SCORE:.0e}"
        )
    for score_name, _ in scores:
        check_texts({"The name of a score": score_name})
    text = sent.get(words)
    return Quality(dict(scores), text) if scores or text is not None else None


def _read_moment(text: str, now: int) -> int:
    try:
        moment = parse_moment(text)
    except (ValueError, OverflowError):
        raise BadInput(f"submittedOn is {text[:100]!r}; expected a time in ISO 8601, as 2026-01-31T12:00:00Z") from None
    if not 0 <= moment <= now:
        raise BadInput(f"submittedOn is {text[:100]!r}; expected a time from 1970 to now")
    return moment
