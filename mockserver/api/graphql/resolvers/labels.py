"""Labels and their reviews."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields, json_text
from mockserver.api.graphql.filters import condition, unique
from mockserver.api.graphql.resolvers.people import organization
from mockserver.api.graphql.resolvers.projects import created_by
from mockserver.world import ids
from mockserver.world.data_rows import DataRow
from mockserver.world.database import Clause
from mockserver.world.labels import Label, ProjectRow, Review
from mockserver.world.projects import Project
from mockserver.world.queries.conditions import LIVE, match_subquery


class LabelType(msgspec.Struct, frozen=True):
    """Whether a label was made or skipped. The words are those with which old clients made labels (inferred)."""

    id: str
    name: str


ANY, SKIP = (LabelType(ids.cuid(0, "label type", name), name) for name in ("Any", "Skip"))

NEWEST_FIRST = "createdAt_DESC"
_COLUMNS = {
    "id": "id",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "secondsToLabel": "seconds_to_create",
    "agreement": "consensus_score",
    "benchmarkAgreement": "benchmark_score",
    "isBenchmarkReference": "is_benchmark",
}
"""What labels can be sorted by. SDKs take any field of a label (orm/query.py); its text cannot be sorted by here."""
ORDERS = {f"{name}_{way}": f"{column} {way}, no {way}" for name, column in _COLUMNS.items() for way in ("ASC", "DESC")}


def add_to(fields: Fields) -> None:
    fields.add_attributes(
        "Label",
        Label,
        "id createdAt updatedAt",
        secondsToLabel="seconds_to_create",
        secondsToCreate="seconds_to_create",
        secondsToReview="seconds_to_review",
        agreement="consensus_score",
        benchmarkAgreement="benchmark_score",
        isBenchmarkReference="is_benchmark",
    )
    fields.add("Query", "label", label)
    fields.add("Project", "labels", labels_of_project, long=True)
    fields.add("DataRow", "labels", labels_of_row, long=True)
    fields.add("DataRow", "labelingActivity", labeling_activity)
    fields.add("LabelingActivity", "selectedLabelId", selected_label)
    fields.add("Label", "label", lambda source, call: json_text(call.legacy_label(source.id)), long=True)
    fields.add("Label", "project", lambda source, call: call.find(Project, source.project_id))
    fields.add("Label", "dataRow", data_row)
    fields.add("Label", "createdBy", created_by)
    fields.add("Label", "reviews", reviews)
    fields.add("Label", "type", lambda source, _call: SKIP if source.skipped else ANY)
    fields.add_attributes("LabelType", LabelType, "id name")
    fields.add_attributes("Review", Review, "id score createdAt updatedAt")
    fields.add("Query", "review", review)
    fields.add("Review", "label", reviewed_label)
    fields.add("Review", "project", lambda source, call: call.find(Project, reviewed_label(source, call).project_id))
    fields.add("Review", "createdBy", created_by)
    fields.add("Review", "organization", organization)


def label(_source: Any, call: Call, where: Mapping[str, Any]) -> Label:
    return call.one(Label, unique(Label, where), f"Label {where.get('id')!r}")


def labels_of_project(
    source: Project,
    call: Call,
    where: Any = None,
    orderBy: str = NEWEST_FIRST,  # noqa: N803  the wire's word
    skip: int = 0,
    first: int | None = None,
) -> list[Label]:
    """Of live rows, newest first (SDK tests test_label.py); the SDK narrows them by datasets (project.labels) and, from
    7.x, by who made them."""
    asked = _asked(where) & Clause("project_id = :id", id=source.id)
    return call.select(Label, asked, order=ORDERS[orderBy], skip=skip, first=first)


def labels_of_row(
    source: DataRow, call: Call, where: Any = None, skip: int = 0, first: int | None = None
) -> list[Label]:
    asked = _asked(where) & Clause("data_row_no = :no", no=source.no)
    return call.select(Label, asked, order="no", skip=skip, first=first)


def _asked(where: Any) -> Clause:
    return condition(Label, where) & match_subquery("data_row_no", DataRow, "no", LIVE)


def data_row(source: Label, call: Call) -> DataRow:
    return call.one(DataRow, Clause("no = :no", no=source.data_row_no), f"The data row of label {source.id!r}")


def labeling_activity(source: DataRow, _call: Call, where: Any = None) -> tuple[DataRow, str | None]:
    return source, (where or {}).get("projectId")


def selected_label(source: tuple[DataRow, str | None], call: Call) -> str | None:
    """The winning label of a data row in a project (SDK data_row.get_winning_label_id)."""
    row, project_id = source
    asked = Clause("project_id = :project AND data_row_no = :no", project=project_id, no=row.no)
    standing = call.select(ProjectRow, asked)
    return standing[0].selected_label_id if standing else None


def reviews(source: Label, call: Call, where: Any = None, skip: int = 0, first: int | None = None) -> list[Review]:
    asked = condition(Review, where) & Clause("label_no = :no", no=source.no)
    return call.select(Review, asked, order="no", skip=skip, first=first)


def review(_source: Any, call: Call, where: Mapping[str, Any]) -> Review:
    return call.one(Review, unique(Review, where), f"Review {where.get('id')!r}")


def reviewed_label(source: Review, call: Call) -> Label:
    return call.one(Label, Clause("no = :no", no=source.label_no), f"The label of review {source.id!r}")
