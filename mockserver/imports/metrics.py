"""Lines of an import of predictions that are metrics of a data row (SDK data/serialization/ndjson/metric.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
import orjson

from mockserver.conversion import build_decoder
from mockserver.errors import nearest, quote
from mockserver.generate.features import Feature
from mockserver.imports.line_decoding import decode_loosely, explain, refuse_json
from mockserver.imports.lines import Named, Part, RowReference
from mockserver.imports.problems import LineProblem, refuse_feature, refuse_value
from mockserver.imports.scopes import Scope

MARK = b'"metricValue"'
"""A line with this key at its top is a metric."""
LARGEST_SCALAR, LARGEST_COUNT = 100_000_000, 10_000_000_000
FEWEST_CONFIDENCES, MOST_CONFIDENCES = 2, 15
"""Bounds of SDK metrics/base.py, scalar.py, confusion_matrix.py."""
CONFUSION_MATRIX = "CONFUSION_MATRIX"
AGGREGATIONS = ("ARITHMETIC_MEAN", "GEOMETRIC_MEAN", "HARMONIC_MEAN", "SUM")
RESERVED = (
    "true_positive_count", "false_positive_count", "true_negative_count", "false_negative_count", "precision", "recall",
    "f1", "iou",
)  # fmt: skip
"""Names that scalars cannot have (SDK metrics/scalar.py)."""

Scalar = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_SCALAR)] | Annotated[float, msgspec.Meta(ge=0, le=LARGEST_SCALAR)]
Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_COUNT)]
Counts = Annotated[list[Count], msgspec.Meta(min_length=4, max_length=4)]


class MetricLine(Part, frozen=True, kw_only=True):
    """A scalar, or the counts of a confusion matrix; or one of them for each confidence."""

    data_row: RowReference
    metric_value: Scalar | Counts | dict[str, Scalar | Counts]
    uuid: str | None = None
    metric_name: str | None = None
    feature_name: str | None = None
    subclass_name: str | None = None
    aggregation: str | None = None


_DECODER = build_decoder(MetricLine)


def is_metric(text: bytes) -> bool:
    return MARK in text and "metricValue" in decode_loosely(text)


def decode_metric(text: bytes, scope: Scope) -> MetricLine:
    """A metric whose features the ontology has. Raises LineProblem."""
    try:
        line = _DECODER.decode(text)
    except msgspec.ValidationError as error:
        raise explain(str(error), (MetricLine, RowReference)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refuse_json(error) from None
    _check_value(line)
    _check_features(line, scope)
    return line


def _check_value(line: MetricLine) -> None:
    value = line.metric_value
    if isinstance(value, dict):
        _check_confidences(value)
    values = list(value.values()) if isinstance(value, dict) else [value]
    matrix = line.aggregation == CONFUSION_MATRIX
    if any(isinstance(item, list) != matrix for item in values):
        expected = "four counts" if matrix else "a number; four counts need the aggregation CONFUSION_MATRIX"
        raise refuse_value("metricValue", value, expected)
    if not matrix and line.aggregation not in (None, *AGGREGATIONS):
        known = nearest(line.aggregation or "", AGGREGATIONS) or list(AGGREGATIONS)
        raise refuse_value("aggregation", line.aggregation, f"one of {quote(known)}")
    if matrix and line.metric_name is None:
        raise refuse_value("metricName", None, "a name: a confusion matrix needs one")
    if (line.metric_name or "").lower().strip() in RESERVED and not matrix:
        raise refuse_value("metricName", line.metric_name, "another name: this one is reserved")


def _check_confidences(value: dict[str, Scalar | Counts]) -> None:
    if not FEWEST_CONFIDENCES <= len(value) <= MOST_CONFIDENCES:
        raise refuse_value("metricValue", value, f"{FEWEST_CONFIDENCES} to {MOST_CONFIDENCES} confidences")
    for key in value:
        try:
            fits = 0 <= float(key) <= 1
        except ValueError:
            fits = False
        if not fits:
            raise refuse_value("metricValue", value, "confidences from 0 to 1 as keys")


def _check_features(line: MetricLine, scope: Scope) -> None:
    """Raises LineProblem for a feature that the ontology does not have, and for a subclass without its feature."""
    if line.feature_name is None:
        if line.subclass_name is not None:
            raise refuse_value("featureName", None, "the feature that subclassName belongs to")
        return
    try:
        feature = scope.find(Named(name=line.feature_name), "")
    except LineProblem as problem:
        raise LineProblem(problem.name, f"featureName is no feature: {problem.message}") from None
    below = {item.name for item in _iterate_below(feature)}
    if line.subclass_name is not None and line.subclass_name not in below:
        raise refuse_feature("subclassName", line.subclass_name, sorted(below), f"the feature {feature.name!r}")


def _iterate_below(feature: Feature) -> Iterator[Feature]:
    for item in (*feature.questions, *feature.answers):
        yield item
        yield from _iterate_below(item)


def encode_value(line: MetricLine) -> str:
    """The value as JSON, as it was sent."""
    return orjson.dumps(line.metric_value).decode()
