"""How records are searched by fields that are no column of the same name."""

from __future__ import annotations

import msgspec

from mockserver.world.queries.projects import (
    END_OF_HISTORY,
    LAST_ACTIVITY_OF_PROJECT,
    ROWS_OF_DATASET,
    ROWS_OF_PROJECT,
    UPLOAD_TYPE_OF_PROJECT,
)
from mockserver.world.record import Record
from mockserver.world.records.data_rows import DataRow, Dataset
from mockserver.world.records.labels import Label
from mockserver.world.records.people import Person
from mockserver.world.records.projects import LabelingFrontend, Project

MOMENTS = frozenset({"createdAt", "updatedAt", "setupComplete", "lastActivityTime", "lastActivity", "lastLoginAt"})
"""Kept in microseconds; clients are told milliseconds, and compare these."""

ALWAYS_NULL: dict[type[Record], frozenset[str]] = {
    Person: frozenset({"intercomHash"}),
}
"""Fields that are null in every world of ours, so that no comparison fits."""

WITHOUT_CASE: dict[type[Record], frozenset[str]] = {LabelingFrontend: frozenset({"name"})}
"""Texts that are compared as if all letters were small. Client: tests up to SDK 3.78 find the frontend Editor by
`editor`; of other texts nobody showed it."""

EXPRESSIONS: dict[type[Record], dict[str, str]] = {
    Project: {
        "dataRowCount": ROWS_OF_PROJECT.format(project="project.id"),
        "lastActivityTime": LAST_ACTIVITY_OF_PROJECT.format(project="project.id"),
        "uploadType": UPLOAD_TYPE_OF_PROJECT,
    },
    Dataset: {"description": "COALESCE(description, '')", "rowCount": ROWS_OF_DATASET.format(dataset="dataset.id")},
    Label: {
        "secondsToLabel": "seconds_to_create",
        "agreement": "consensus_score",
        "benchmarkAgreement": "benchmark_score",
        "isBenchmarkReference": "is_benchmark",
    },
    Person: {"lastLoginAt": END_OF_HISTORY},
}
"""SQL by the name on the wire."""


class Relation(msgspec.Struct, frozen=True):
    """A nested input: `column` holds the `key` of a record of another kind."""

    column: str
    kind: type[Record]
    key: str = "id"


RELATIONS: dict[type[Record], dict[str, Relation]] = {
    DataRow: {"dataset": Relation("dataset_id", Dataset)},
    Label: {"dataRow": Relation("data_row_no", DataRow, "no"), "createdBy": Relation("created_by", Person)},
}
