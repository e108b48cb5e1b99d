"""The sections around a data row: labels, workflow history, attachments, metadata, embeddings (payloads.md §1.4-1.6).

They are read for a piece of rows at a time, one query for each section that the params ask for.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import orjson

from mockserver.exports.names import Names
from mockserver.exports.request import ExportParams
from mockserver.exports.text import moment
from mockserver.world.database import Clause, Connection, Row, where
from mockserver.world.labels import FEATURES

BODIES_KEPT = 512
"""Large populations share bodies, so these are read once; where nothing is shared, few are kept."""

ByRow = defaultdict[int, list[Any]]
"""Data row number -> items, in order."""


class Bodies:
    """Canonical JSON texts by number."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kept: dict[int, bytes] = {}

    def read(self, wanted: set[int]) -> dict[int, bytes]:
        """At least the wanted ones."""
        missing = sorted(wanted - self._kept.keys())
        if missing and len(self._kept) > BODIES_KEPT:
            self._kept = {number: self._kept[number] for number in wanted & self._kept.keys()}
        if missing:
            clause = where("id IN :ids", ids=missing)
            sql = f"SELECT id, content FROM body WHERE {clause.sql}"
            self._kept.update(self._connection.rows(sql, clause.params))
        return self._kept


class Sections:
    """All sections of one piece of rows."""

    def __init__(
        self, connection: Connection, names: Names, bodies: Bodies, params: ExportParams, numbers: list[int]
    ) -> None:
        self._connection, self._names, self._bodies, self._params = connection, names, bodies, params
        self._rows = among("data_row_no", numbers)
        self._here = where("project_id = :project", project=names.project.id) & self._rows
        self.labels = self._labels()
        self.history = self._history() if params.include_project_details else _nothing()
        self.attachments = self._attachments() if params.include_attachments else _nothing()
        self.metadata = self._metadata() if params.include_metadata else _nothing()
        self.embeddings = self._embeddings() if params.include_embeddings else _nothing()

    def _select(self, columns: str, table: str, clause: Clause, order: str) -> list[Row]:
        sql = f"SELECT {columns} FROM {table} WHERE {clause.sql} ORDER BY {order}"
        return self._connection.rows(sql, clause.params)

    def _labels(self) -> ByRow:
        columns = (
            "no, data_row_no, id, feature_prefix, body_id, skipped, seconds_to_create, seconds_to_review,"
            " consensus_score, benchmark_score, created_by, created_at, updated_at, content_updated_at"
        )
        rows = self._select(columns, "label", self._here & where("NOT deleted"), "data_row_no, no")
        bodies = self._bodies.read({row[4] for row in rows})
        reviews = self._reviews([row[0] for row in rows]) if self._params.include_label_details else _nothing()
        labels = _nothing()
        for row in rows:
            labels[row[1]].append(self._label(row, bodies, reviews))
        return labels

    def _label(self, row: Row, bodies: dict[int, bytes], reviews: ByRow) -> dict[str, Any]:
        """One entry of `labels`, its keys in the order of the sample."""
        number, _, label_id, prefix, body_id, skipped, to_create, to_review, consensus, benchmark = row[:10]
        label: dict[str, Any] = {"label_kind": "Default", "version": "1.0.0", "id": label_id}
        if self._params.include_label_details:
            person, created, updated, content_updated = row[10:]
            label["label_details"] = {
                "created_at": moment(created),
                "updated_at": moment(updated),
                "created_by": self._names.emails[person],
                "content_last_updated_at": moment(content_updated),
                "reviews": reviews[number],
            }
        if self._params.include_performance_details:
            performance = {"seconds_to_create": to_create, "seconds_to_review": to_review, "skipped": bool(skipped)}
            if benchmark is not None:
                performance["benchmark_score"] = benchmark
            if consensus is not None:
                performance["consensus_score"] = consensus
            label["performance_details"] = performance
        label["annotations"] = orjson.Fragment(bodies[body_id].replace(FEATURES, prefix.encode()))
        return label

    def _reviews(self, labels: list[int]) -> ByRow:
        """By label number. Items as in V1, in snake case (inferred: all samples have empty lists)."""
        found = _nothing()
        columns = "label_no, id, score, created_at, created_by"
        for label, review, score, created, person in self._select(
            columns, "review", among("label_no", labels), "label_no, no"
        ):
            item = {"id": review, "score": score, "created_at": moment(created)}
            found[label].append(item | {"created_by": self._names.emails[person]})
        return found

    def _history(self) -> ByRow:
        """Newest first; a step into the workflow has no previous task, one to Done no next (sample)."""
        found = _nothing()
        queues, emails = self._names.queues, self._names.emails
        columns = "data_row_no, action, created_at, created_by, previous_queue_id, next_queue_id"
        for row, action, created, person, previous, following in self._select(
            columns, "workflow_step", self._here, "data_row_no, no DESC"
        ):
            step = {"action": action, "created_at": moment(created), "created_by": emails[person]}
            if previous is not None:
                step["previous_task_name"] = queues[previous]
                step["previous_task_id"] = previous
            if following is not None:
                step["next_task_name"] = queues[following]
                step["next_task_id"] = following
            found[row].append(step)
        return found

    def _attachments(self) -> ByRow:
        """`{type, value, [name]}` (inferred: samples have empty lists)."""
        found = _nothing()
        for row, kind, value, name in self._select(
            "data_row_no, type, value, name", "attachment", self._rows, "data_row_no, no"
        ):
            item = {"type": kind, "value": value}
            found[row].append(item if name is None else item | {"name": name})
        return found

    def _metadata(self) -> ByRow:
        """An enum's value is a list of its options (labelbase downloader.py)."""
        found = _nothing()
        schemas = self._names.schemas
        order = sorted(schemas.values(), key=lambda schema: schema.position)
        rank = {schema.id: index for index, schema in enumerate(order)}
        rows = self._select("data_row_no, schema_id, value", "metadata_value", self._rows, "data_row_no, schema_id")
        for row, schema_id, text in sorted(rows, key=lambda row: (row[0], rank[row[1]])):
            schema = schemas[schema_id]
            value = orjson.loads(text)
            if schema.kind == "CustomMetadataEnum":
                value = [{"schema_id": value, "schema_name": schemas[value].name}]
            found[row].append({"schema_id": schema_id, "schema_name": schema.name, "value": value})
        return found

    def _embeddings(self) -> ByRow:
        """`values` has one entry (docs/export-quick-reference; SDK test_export_embeddings_streamable.py)."""
        found = _nothing()
        rows = self._select("data_row_no, embedding_id, body_id", "embedding_vector", self._rows, "data_row_no")
        vectors = self._bodies.read({row[2] for row in rows})
        for row, embedding_id, body_id in rows:
            embedding = self._names.embeddings[embedding_id]
            found[row].append(
                {
                    "id": embedding.id,
                    "name": embedding.name,
                    "dimensions": embedding.dimensions,
                    "is_custom": embedding.is_custom,
                    "values": [{"value": orjson.Fragment(vectors[body_id])}],
                }
            )
        return found


def _nothing() -> ByRow:
    return defaultdict(list)


def among(column: str, numbers: list[int]) -> Clause:
    """Ascending numbers as a range where they lie close together, which is one search of the index; else as a list."""
    if numbers and numbers[-1] - numbers[0] < 4 * len(numbers):
        return where(f"{column} BETWEEN :first AND :last", first=numbers[0], last=numbers[-1])
    return where(f"{column} IN :numbers", numbers=numbers)
