"""The numbers of performance reports: metrics over time, and tables of labelers and reviewers (SDK performance.py
7.17.0).

Names of rows and metrics are the SDK's; how the service computes its figures is not known (inferred).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, NamedTuple

from mockserver.api.performance_request import EPOCH, Period
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.queries import performance as queries

JsonObject = dict[str, Any]
INTERVALS = ("day", "week", "month", "quarter", "year")
TENTHS = 10


class Metric(NamedTuple):
    """`buckets` is time or score."""

    name: str
    category: str
    unit: str
    buckets: str
    description: str


METRICS = {
    metric.name: metric
    for metric in (
        Metric("labels_created", "throughput", "count", "time", "Labels created in the period."),
        Metric("aht_done_labels", "efficiency", "seconds", "time", "Average handling time of labels, by activity."),
        Metric("consensus_distribution", "quality", "count", "score", "Labels by their consensus score."),
    )
}
"""Those whose names the SDK and its tests have; the service has more."""


def list_labelers(connection: Connection, within: Clause, period: Period) -> list[JsonObject]:
    """The totals of each labeler and project."""
    created = within & period.match("l.created_at")
    received = {
        (project, user): (count, approvals)
        for project, user, count, approvals in queries.count_received_reviews(
            connection, within & period.match("r.created_at")
        )
    }
    return [
        _describe_labeler(row, received.get((row[0], row[1]), (0, 0)))
        for row in queries.sum_up_labels(connection, created)
    ]


def _describe_labeler(row: Any, received: tuple[int, int]) -> JsonObject:
    project, user, *sums, benchmark, consensus = row
    # PostgreSQL sums up whole numbers as decimals.
    labels, skipped, seconds, skipped_seconds, review, rework, reworked = map(int, sums)
    reviews, approvals = map(int, received)
    return {
        "userId": user, "projectId": project, "labelsCreated": labels, "labelsSkipped": skipped,
        "memberTotalTime": seconds + skipped_seconds, "labelingTimeSubmitted": seconds,
        "labelingTimeSkipped": skipped_seconds, "reviewsReceived": reviews, "reviewTimeAll": review,
        "reworkTimeAll": rework, "avgTimePerLabel": _divide(seconds, labels),
        "avgReviewTimeAll": _divide(review, labels), "avgReworkTimeAll": _divide(rework, labels),
        "avgBenchmarkAgreement": float(benchmark or 0), "avgConsensusAgreement": float(consensus or 0),
        "reworkPercentage": _divide(reworked, labels), "approvalPercentage": _divide(approvals, reviews),
    }  # fmt: skip


def list_reviewers(connection: Connection, within: Clause, period: Period) -> list[JsonObject]:
    """The totals of each reviewer of a project. Reviews do not say how long they took."""
    rows = queries.sum_up_reviews(connection, within & period.match("r.created_at"))
    return [
        {
            "userId": user, "projectId": project, "labelsReviewed": int(labels), "labelsReworked": int(rejected),
            "memberTotalTime": 0, "avgReviewTime": 0, "avgReworkTime": 0, "reviewTime": 0, "reworkTime": 0,
            "reworkPercentage": _divide(rejected, labels), "approvalPercentage": _divide(approvals, reviews),
        }
        for project, user, labels, rejected, approvals, reviews in rows
    ]  # fmt: skip


LABELER_COLUMNS = [
    "labelsCreated", "labelsSkipped", "memberTotalTime", "labelingTimeSubmitted", "labelingTimeSkipped",
    "reviewsReceived", "reviewTimeAll", "reworkTimeAll", "avgTimePerLabel", "avgReviewTimeAll", "avgReworkTimeAll",
    "avgBenchmarkAgreement", "avgConsensusAgreement", "reworkPercentage", "approvalPercentage",
]  # fmt: skip
REVIEWER_COLUMNS = [
    "labelsReviewed", "labelsReworked", "memberTotalTime", "avgReviewTime", "avgReworkTime", "reviewTime",
    "reworkTime", "reworkPercentage", "approvalPercentage",
]  # fmt: skip


def measure(connection: Connection, metric: Metric, within: Clause, period: Period, interval: str) -> list[JsonObject]:
    """The buckets of a metric."""
    within &= period.match("l.created_at")
    if metric.buckets == "score":
        return _spread_scores(queries.count_scores(connection, within))
    days = {int(day): tuple(map(float, sums)) for day, *sums in queries.sum_up_days(connection, within)}
    return [
        _fill_bucket(
            metric, start, end, [days[day] for day in range((start - EPOCH).days, (end - EPOCH).days) if day in days]
        )
        for start, end in list_intervals(period, interval)
    ]


def _spread_scores(counts: list[Any]) -> list[JsonObject]:
    tenths = [0] * TENTHS
    for score, count in counts:
        tenths[min(int(score * TENTHS), TENTHS - 1)] += int(count)
    return [
        {"rangeStart": tenth / TENTHS, "rangeEnd": (tenth + 1) / TENTHS, "value": count}
        for tenth, count in enumerate(tenths)
    ]


def _fill_bucket(metric: Metric, start: datetime.date, end: datetime.date, days: list[tuple[float, ...]]) -> JsonObject:
    labels, total, review, rework = (sum(column) for column in zip(*days, strict=True)) if days else (0.0,) * 4
    bucket: JsonObject = {"start": f"{start}T00:00:00.000Z", "end": f"{end}T00:00:00.000Z", "value": labels}
    if metric.unit == "count":
        return bucket | {"numerator": None, "denominator": None, "modes": None}
    parts = {"creating": total - review - rework, "reviewing": review, "reworking": rework}
    modes = {name: _divide(seconds, labels) for name, seconds in parts.items()}
    return bucket | {"value": _divide(total, labels), "numerator": total, "denominator": labels, "modes": modes}


def list_intervals(period: Period, interval: str) -> Iterator[tuple[datetime.date, datetime.date]]:
    """The first day of each interval, and that of the next one; the first and the last are cut to the period. Weeks
    begin on Mondays (inferred)."""
    start, last = period.start, period.end + datetime.timedelta(days=1)
    while start < last:
        end = min(_find_next(start, interval), last)
        yield start, end
        start = end


def _find_next(day: datetime.date, interval: str) -> datetime.date:
    if interval in ("day", "week"):
        return day + datetime.timedelta(days=1 if interval == "day" else 7 - day.weekday())
    months = {"month": 1, "quarter": 3, "year": 12}[interval]
    month = (day.month - 1) // months * months + months
    return datetime.date(day.year + month // 12, month % 12 + 1, 1)


def _divide(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else 0.0
