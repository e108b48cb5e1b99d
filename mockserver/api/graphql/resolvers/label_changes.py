"""Mutations of labels, reviews and benchmarks (SDK label.py, review.py, benchmark.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.resolvers.quality import Benchmark, build_benchmark
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput, NotFound
from mockserver.world import ids
from mockserver.world.kept_texts import describe_length
from mockserver.world.records.labels import Label, LabelFeedback, Review

MOST_SCORES, LARGEST_SCORE = 100, 1e12
MOST_CHARACTERS, MOST_SECONDS = 4_000_000, 2**31 - 1
Where = Mapping[str, Any]


class LabelScore(msgspec.Struct, frozen=True):
    id: str
    name: str
    score: float


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "updateLabel", update_label, long=True)
    fields.add("Mutation", "createReview", create_review)
    fields.add("Mutation", "updateReview", update_review)
    fields.add("Mutation", "createBenchmark", create_benchmark)
    fields.add("Mutation", "deleteBenchmark", delete_benchmark)
    fields.add("Mutation", "upsertAutoQaLabelFeedback", upsert_feedback)
    fields.add_attributes("LabelFeedback", LabelFeedback, "id")
    fields.add("LabelFeedback", "scores", list_scores)
    fields.add_attributes("LabelScore", LabelScore, "id name score")


def update_label(_source: Any, call: Call, where: Where, data: Where) -> Label:
    """Gives a label other annotations, or another time that it took. Raises NotFound, BadInput."""
    from mockserver.jobs.label_edits import build_content  # noqa: PLC0415  few documents change labels so

    label = call.get(Label, read_id(where, "updateLabel"))
    text, seconds = data.get("label"), data.get("secondsToLabel")
    if text is None and seconds is None:
        raise BadInput("updateLabel was sent without values; expected label or secondsToLabel")
    if seconds is not None and not 0 <= seconds <= MOST_SECONDS:
        raise BadInput(f"secondsToLabel is {seconds}; expected 0 to {MOST_SECONDS:,}")
    with call.store.change():
        if text is not None:
            if len(text) > MOST_CHARACTERS:
                raise BadInput(describe_length("label", text, MOST_CHARACTERS))
            new = build_content(call.store, label, text, call.build_legacy_label(label.id))
            label = call.workspace.labels.update_label(label.id, **new._asdict())
        if seconds is not None:
            label = call.workspace.labels.set_effort(label.id, seconds=round(seconds))
    call.forget_legacy_labels()
    return label


def create_review(_source: Any, call: Call, data: Where) -> Review:
    """Raises NotFound, also for a label of another project."""
    label_id, project_id = (
        read_id(data[name].get("connect"), "createReview", f"data.{name}.connect.id") for name in ("label", "project")
    )
    label = call.get(Label, label_id)
    if label.project_id != project_id:
        raise NotFound(f"Label {label_id!r} is not in project {project_id!r}")
    return call.workspace.labels.create_review(label.id, score=data["score"])


def update_review(_source: Any, call: Call, where: Where, data: Where) -> Review:
    """Raises NotFound, BadInput."""
    review = call.get(Review, read_id(where, "updateReview"))
    if data.get("deleted"):
        return call.workspace.labels.delete_review(review.id)
    if data.get("score") is None:
        raise BadInput("updateReview was sent without a score; expected score, or deleted: true")
    return call.workspace.labels.update_review(review.id, score=data["score"])


def create_benchmark(_source: Any, call: Call, data: Where) -> Benchmark:
    """Raises NotFound, Conflict."""
    return build_benchmark(call, call.workspace.labels.set_benchmark(data["labelId"], is_benchmark=True))


def delete_benchmark(_source: Any, call: Call, where: Where) -> Benchmark:
    """Raises NotFound, Conflict."""
    return build_benchmark(call, call.workspace.labels.set_benchmark(where["labelId"], is_benchmark=False))


def upsert_feedback(_source: Any, call: Call, input: Where) -> LabelFeedback:
    """Raises NotFound, BadInput."""
    check_texts(input)
    scores = input["scores"]
    if not isinstance(scores, dict) or len(scores) > MOST_SCORES or not all(map(_is_score, scores.values())):
        raise BadInput(
            f"The scores of a label are {str(scores)[:100]!r}; expected at most {MOST_SCORES} numbers by name, as "
            '{"overall": 5}'
        )
    check_texts({"The names of scores": "".join(scores)})
    return call.workspace.labels.set_feedback(input["labelId"], input["feedback"], scores)


def _is_score(score: Any) -> bool:
    return type(score) in (int, float) and abs(score) <= LARGEST_SCORE


def list_scores(source: LabelFeedback, _call: Call) -> list[LabelScore]:
    return [
        LabelScore(ids.cuid(source.created_at, source.id, name), name, score)
        for name, score in orjson.loads(source.scores).items()
    ]
