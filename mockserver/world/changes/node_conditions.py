"""The conditions of a workflow's logic nodes, as SDKs send them (SDK workflow/filter_converters.py).

Nothing here compares texts with pictures, or models with labels: such a condition holds for no row (inferred).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from mockserver.world import ids
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.moments import parse_moment
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.issues import Issue
from mockserver.world.records.labels import Body, Label, LabelFeedback, ProjectRow
from mockserver.world.records.projects import Ontology, Project

NEGATED = "is_not"
OR = "or"


class LabelledRow:
    """A data row in a project, with its labels: what conditions are about."""

    def __init__(self, connection: Connection, project_row: ProjectRow, labels: Sequence[Label]) -> None:
        self.connection, self.project_row, self.labels = connection, project_row, labels
        place = Clause("no = :no", no=project_row.data_row_no)
        self.row = connection.one(DataRow, place, f"Data row number {project_row.data_row_no}")

    def list_features(self) -> set[str]:
        """The `schemaNodeId`s of the features that the labels have."""
        project = self.connection.one_by_id(Project, self.project_row.project_id)
        ontology = self.connection.find(Ontology, Clause("id = :id", id=project.ontology_id))
        numbers = [label.body_id for label in self.labels]
        contents = b"".join(body.content for body in self.connection.select(Body, Clause("id IN :ids", ids=numbers)))
        nodes = _iterate_nodes(orjson.loads(ontology.normalized) if ontology else {})
        return {node for node, schema_id in nodes if f'"{schema_id}"'.encode() in contents}


def _iterate_nodes(item: Any) -> Iterator[tuple[str, str]]:
    """Yields `schemaNodeId` and `featureSchemaId` of all features of an ontology."""
    if isinstance(item, dict):
        if "schemaNodeId" in item:
            yield item["schemaNodeId"], item.get("featureSchemaId", "")
        for value in item.values():
            yield from _iterate_nodes(value)
    elif isinstance(item, list):
        for value in item:
            yield from _iterate_nodes(value)


def holds(node: Mapping[str, Any], row: LabelledRow) -> bool:
    """Whether the conditions of a logic node hold for a row: all of them, or with `filterLogic` `or` any of them. What
    no SDK writes is a condition that holds for no row."""
    filters = node.get("filters") or []
    conditions = filters if isinstance(filters, list) else [filters]
    join = any if node.get("filterLogic") == OR else all
    return join(_check_condition(condition, row) for condition in conditions)


def passes(node: Mapping[str, Any], row: LabelledRow) -> bool:
    """Whether the labels of a row have the score that an AutoQA node requires (SDK workflow/nodes/autoqa_node.py).

    Scores are those that a program gave labels. Nothing here evaluates labels: those without scores pass (inferred).
    """
    entries = node.get("config")
    items = [item for item in entries if isinstance(item, dict)] if isinstance(entries, list) else []
    values = {str(item.get("field")): item.get("value") for item in items}
    numbers = [label.no for label in row.labels]
    feedback = row.connection.select(LabelFeedback, Clause("label_no IN :numbers", numbers=numbers))
    scores = [orjson.loads(item.scores).get(str(values.get("score_name"))) for item in feedback]
    threshold = values.get("score_threshold")
    known = [score for score in scores if score is not None]
    if not known or not isinstance(threshold, int | float):
        return True
    join = any if values.get("scope") == "any" else all
    return join(score >= threshold for score in known)


def _check_condition(condition: Any, row: LabelledRow) -> bool:
    check = _CHECKS.get(str(condition.get("field"))) if isinstance(condition, dict) else None
    if check is None:
        return False
    try:
        fits = check(condition.get("metadata"), row)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
        return False  # not as any SDK writes it
    return not fits if condition.get("operator") == NEGATED else fits


def _check_authors(chosen: Any, row: LabelledRow) -> bool:
    return bool(_list_ids(chosen) & {label.created_by for label in row.labels})


def _check_dataset(chosen: Any, row: LabelledRow) -> bool:
    return row.row.dataset_id in _list_ids(chosen)


def _check_batch(chosen: Any, row: LabelledRow) -> bool:
    return row.project_row.batch_id in chosen["filter"]["ids"]


def _check_categories(chosen: Any, row: LabelledRow) -> bool:
    place = Clause("project_id = :project AND data_row_no = :row AND NOT deleted",
                   project=row.project_row.project_id, row=row.row.no)  # fmt: skip
    return bool(_list_ids(chosen) & {issue.category_id for issue in row.connection.select(Issue, place)})


def _check_features(chosen: Any, row: LabelledRow) -> bool:
    return bool({item["schemaNodeId"] for item in chosen} & row.list_features())


def _check_sample(share: Any, row: LabelledRow) -> bool:
    """Draws the rows of a sample by their ids, the same in every project (inferred)."""
    drawn = int.from_bytes(ids.digest("workflow sample", row.row.id, size=8), "big")
    return bool(drawn / 2**64 < share)


def _check_labeled_at(bounds: Any, row: LabelledRow) -> bool:
    first, last = (parse_moment(bound) for bound in bounds)
    return any(first <= label.created_at <= last for label in row.labels)


def _check_labeling_time(bounds: Any, row: LabelledRow) -> bool:
    """The seconds of labelling alone, without those of review and rework."""
    return any(
        _is_within(bounds, label.seconds_to_create - label.seconds_to_review - label.seconds_to_rework)
        for label in row.labels
    )


def _check_review_time(bounds: Any, row: LabelledRow) -> bool:
    return any(_is_within(bounds, label.seconds_to_review) for label in row.labels)


def _is_within(bounds: Mapping[str, Any], seconds: int) -> bool:
    for name, compare in _COMPARISONS.items():
        if name in bounds:
            return compare(seconds, bounds[name])
    return False


_COMPARISONS: dict[str, Callable[[int, Any], bool]] = {
    "time_gt": lambda seconds, bound: bool(seconds > bound),
    "time_gte": lambda seconds, bound: bool(seconds >= bound),
    "time_lt": lambda seconds, bound: bool(seconds < bound),
    "time_lte": lambda seconds, bound: bool(seconds <= bound),
    "time_range_inclusive": lambda seconds, bounds: bool(bounds[0] <= seconds <= bounds[1]),
    "time_range_exclusive": lambda seconds, bounds: bool(bounds[0] < seconds < bounds[1]),
}


def _check_consensus(bounds: Any, row: LabelledRow) -> bool:
    scores = [label.consensus_score for label in row.labels if label.consensus_score is not None]
    return bool(scores) and bool(bounds[0] <= scores[0] <= bounds[1])


def _check_metadata(chosen: Any, row: LabelledRow) -> bool:
    """Whether all conditions on metadata hold."""
    values = orjson.loads(row.row.metadata)
    return all(_check_field(entry["field"], values) for entry in chosen["filters"])


def _check_field(field: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    texts = [str(text) for text in field["value"]["values"]]
    value = values.get(field["schemaId"])
    operator = field["value"]["operator"]
    if value is None:
        return operator in _WITHOUT_VALUE
    return _OF_TEXTS[operator](str(value), texts)


_WITHOUT_VALUE = ("does_not_contain", "is_not_any")
_OF_TEXTS: dict[str, Callable[[str, list[str]], bool]] = {
    "contains": lambda value, texts: any(text in value for text in texts),
    "starts_with": lambda value, texts: any(value.startswith(text) for text in texts),
    "ends_with": lambda value, texts: any(value.endswith(text) for text in texts),
    "does_not_contain": lambda value, texts: all(text not in value for text in texts),
    "is_any": lambda value, texts: value in texts,
    "is_not_any": lambda value, texts: value not in texts,
}


def _list_ids(chosen: Any) -> set[str | None]:
    return {item["id"] for item in chosen}


_CHECKS: dict[str, Callable[[Any, LabelledRow], bool]] = {
    "CreatedBy": _check_authors,
    "Dataset": _check_dataset,
    "Batch": _check_batch,
    "IssueCategory": _check_categories,
    "Annotation": _check_features,
    "Sample": _check_sample,
    "LabeledAt": _check_labeled_at,
    "LabelingTime": _check_labeling_time,
    "ReviewTime": _check_review_time,
    "ConsensusAverage": _check_consensus,
    "Metadata": _check_metadata,
}
"""By the names of fields (SDK workflow/enums.py FilterField)."""
