"""How well and how fast a project is labelled: benchmarks, reviews, labellers (SDK project.py 7.17.0)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Unpack

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id, snake
from mockserver.api.graphql.matching import matches
from mockserver.api.graphql.pages import Window, cut_window
from mockserver.api.graphql.resolvers.projects import find_creator
from mockserver.world.clause import Clause
from mockserver.world.queries.labels import count_labels_by_reviews, measure_benchmark, measure_labelers
from mockserver.world.records.labels import Label
from mockserver.world.records.people import Person
from mockserver.world.records.projects import Project

NET_SCORES = {
    "None": "SUM(r.score) IS NULL",
    "Positive": "SUM(r.score) > 0",
    "Zero": "SUM(r.score) = 0",
    "Negative": "SUM(r.score) < 0",
}
"""Of the reviews of one label; None has none."""


class Benchmark(msgspec.Struct, frozen=True):
    """A label that others are compared with. It has the id of that label (inferred)."""

    id: str
    created_by: str
    created_at: int
    last_activity: int
    completed_count: int
    average_agreement: float | None
    label: Label


class LabelerPerformance(msgspec.Struct, frozen=True):
    """Seconds are those that creating labels took."""

    created_by: str
    count: int
    total_time_labeling: float
    consensus: float | None
    average_benchmark_agreement: float | None
    last_activity_time: int

    @property
    def seconds_per_label(self) -> float:
        return self.total_time_labeling / self.count


def add_to(fields: Fields) -> None:
    names = "id createdAt lastActivity averageAgreement completedCount"
    fields.add_attributes("Benchmark", Benchmark, names, referenceLabel="label")
    fields.add("Project", "benchmarks", list_benchmarks)
    fields.add("Query", "benchmark", find_benchmark)
    fields.add("Benchmark", "createdBy", find_creator)
    names = "count secondsPerLabel totalTimeLabeling consensus averageBenchmarkAgreement lastActivityTime"
    fields.add_attributes("LabelerPerformance", LabelerPerformance, names)
    fields.add("Project", "labelerPerformance", measure_performance)
    fields.add("LabelerPerformance", "user", lambda source, call: call.find(Person, source.created_by))
    fields.add("Project", "reviewMetrics", lambda source, _call: source)
    fields.add("ReviewMetrics", "labelAggregate", count_labels)
    fields.add("LabelAggregate", "count", lambda source, _call: source)


def list_benchmarks(source: Project, call: Call, where: Any = None, **window: Unpack[Window]) -> list[Benchmark]:
    condition = Clause("project_id = :id AND is_benchmark AND NOT deleted", id=source.id)
    if not where:
        return [build_benchmark(call, label) for label in call.select(Label, condition, order="no", **window)]
    every = (build_benchmark(call, label) for label in call.select(Label, condition, order="no"))
    return cut_window([item for item in every if matches(where, partial(_get_field, item))], **window)


def _get_field(item: Benchmark, name: str) -> Any:
    return getattr(item, snake(name))


def find_benchmark(_source: Any, call: Call, where: Mapping[str, Any]) -> Benchmark:
    is_benchmark = Clause("id = :id AND is_benchmark AND NOT deleted", id=read_id(where, "benchmark"))
    return build_benchmark(call, call.one(Label, is_benchmark, f"Benchmark {where.get('id')!r}"))


def build_benchmark(call: Call, label: Label) -> Benchmark:
    """The other labels of its data row are those that were compared with it."""
    with call.read() as connection:
        count, agreement, last = measure_benchmark(connection, label.project_id, label.data_row_no)
    active = max(label.updated_at, last or 0)
    return Benchmark(label.id, label.created_by, label.created_at, active, count, agreement, label)


def measure_performance(source: Project, call: Call, **window: Unpack[Window]) -> list[LabelerPerformance]:
    """The performance of every user who created a label; the user with the most labels comes first."""
    with call.read() as connection:
        performances = [LabelerPerformance(*row) for row in measure_labelers(connection, source.id)]
    return cut_window(performances, **window)


def count_labels(source: Project, call: Call, netScore: str = "None") -> int:
    """The number of labels whose reviews sum up to the net score."""
    with call.read() as connection:
        return count_labels_by_reviews(connection, source.id, NET_SCORES[netScore])
