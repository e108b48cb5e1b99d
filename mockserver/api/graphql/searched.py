"""What records are searched by, where it is not the column of the same name."""

from __future__ import annotations

import msgspec

from mockserver.world.data_rows import DataRow, Dataset
from mockserver.world.database import Record
from mockserver.world.labels import Label
from mockserver.world.models import ModelRun
from mockserver.world.people import Person
from mockserver.world.projects import LabelingFrontend, Project

MOMENTS = frozenset({"createdAt", "updatedAt", "setupComplete", "lastActivityTime", "lastActivity", "lastLoginAt"})
"""Kept in microseconds; clients are told milliseconds, and compare these."""

ALWAYS_NULL: dict[type[Record], frozenset[str]] = {
    Project: frozenset({"modelSetupComplete", "uploadType"}),
    Person: frozenset({"intercomHash"}),
    ModelRun: frozenset({"modelAppId"}),
}
"""Fields that are null in every world of ours, so that no comparison fits."""

WITHOUT_CASE: dict[type[Record], frozenset[str]] = {LabelingFrontend: frozenset({"name"})}
"""Texts that are compared as if all letters were small. Client: tests up to SDK 3.78 find the frontend Editor by
`editor`; of other texts nobody showed it."""

ROWS_OF_PROJECT = (
    "((SELECT COUNT(*) FROM project_row pr WHERE pr.project_id = {project})"
    " - (SELECT COUNT(*) FROM data_row dr CROSS JOIN project_row pr"
    " WHERE dr.deleted AND pr.data_row_no = dr.no AND pr.project_id = {project}))"
)
"""Those that live: all, which an index counts, less the few that are deleted, with which SQLite begins (CROSS JOIN)."""
LAST_ACTIVITY_OF_PROJECT = (
    "(SELECT dr.last_activity_at FROM data_row dr WHERE NOT dr.deleted AND EXISTS (SELECT 1 FROM project_row pr"
    " WHERE pr.project_id = {project} AND pr.data_row_no = dr.no) ORDER BY dr.last_activity_at DESC LIMIT 1)"
)
"""From the newest on: in a large project the first one tried is almost always its own."""
ROWS_OF_DATASET = (
    "((SELECT COUNT(*) FROM data_row dr WHERE dr.dataset_id = {dataset})"
    " - (SELECT COUNT(*) FROM data_row dr WHERE dr.deleted AND dr.dataset_id || '' = {dataset}))"
)
"""As an expression the column keeps SQLite from the dataset's index, in which it would look at every row."""

EXPRESSIONS: dict[type[Record], dict[str, str]] = {
    Project: {
        "dataRowCount": ROWS_OF_PROJECT.format(project="project.id"),
        "lastActivityTime": LAST_ACTIVITY_OF_PROJECT.format(project="project.id"),
    },
    Dataset: {"description": "COALESCE(description, '')", "rowCount": ROWS_OF_DATASET.format(dataset="dataset.id")},
    Label: {
        "secondsToLabel": "seconds_to_create",
        "agreement": "consensus_score",
        "benchmarkAgreement": "benchmark_score",
        "isBenchmarkReference": "is_benchmark",
    },
    Person: {"lastLoginAt": "(SELECT ends FROM workspace)"},
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
