"""Labels and their reviews."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import call_of
from mockserver.api.graphql.filters import condition, unique
from mockserver.api.graphql.resolvers.fields import Fields, json_text
from mockserver.api.graphql.resolvers.people import organization
from mockserver.api.graphql.resolvers.projects import created_by
from mockserver.world import ids
from mockserver.world.data_rows import DataRow
from mockserver.world.database import Clause
from mockserver.world.labels import Label, ProjectRow, Review
from mockserver.world.projects import Project


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
    fields.attributes(
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
    fields.add(
        Query_label=label,
        Project_labels=labels_of_project,
        DataRow_labels=labels_of_row,
        DataRow_labelingActivity=lambda source, _, where=None: (source, (where or {}).get("projectId")),
        LabelingActivity_selectedLabelId=selected_label,
        Label_label=lambda source, info: json_text(call_of(info).legacy_label(source.id)),
        Label_project=lambda source, info: call_of(info).find(Project, source.project_id),
        Label_dataRow=data_row,
        Label_createdBy=created_by,
        Label_reviews=reviews,
        Label_type=lambda source, _: SKIP if source.skipped else ANY,
    )
    fields.attributes("LabelType", LabelType, "id name")
    fields.attributes("Review", Review, "id score createdAt updatedAt")
    fields.add(
        Query_review=review,
        Review_label=reviewed_label,
        Review_project=lambda source, info: call_of(info).find(Project, reviewed_label(source, info).project_id),
        Review_createdBy=created_by,
        Review_organization=organization,
    )


def label(_source: Any, info: Any, where: Mapping[str, Any]) -> Label:
    return call_of(info).one(Label, unique(Label, where), f"Label {where.get('id')!r}")


def labels_of_project(
    source: Project,
    info: Any,
    where: Any = None,
    orderBy: str = NEWEST_FIRST,  # noqa: N803  the wire's word
    skip: int = 0,
    first: int | None = None,
) -> list[Label]:
    """Of live rows, newest first (SDK tests test_label.py); the SDK narrows them by datasets (project.labels) and, from
    7.x, by who made them."""
    asked = _asked(where) & Clause("project_id = :id", id=source.id)
    return call_of(info).select(Label, asked, order=ORDERS[orderBy], skip=skip, first=first)


def labels_of_row(
    source: DataRow, info: Any, where: Any = None, skip: int = 0, first: int | None = None
) -> list[Label]:
    asked = _asked(where) & Clause("data_row_no = :no", no=source.no)
    return call_of(info).select(Label, asked, order="no", skip=skip, first=first)


def _asked(where: Any) -> Clause:
    return condition(Label, where) & Clause("data_row_no IN (SELECT no FROM data_row WHERE NOT deleted)")


def data_row(source: Label, info: Any) -> DataRow:
    return call_of(info).one(DataRow, Clause("no = :no", no=source.data_row_no), f"The data row of label {source.id!r}")


def selected_label(source: tuple[DataRow, str | None], info: Any) -> str | None:
    """The winning label of a data row in a project (SDK data_row.get_winning_label_id)."""
    row, project_id = source
    asked = Clause("project_id = :project AND data_row_no = :no", project=project_id, no=row.no)
    standing = call_of(info).select(ProjectRow, asked)
    return standing[0].selected_label_id if standing else None


def reviews(source: Label, info: Any, where: Any = None, skip: int = 0, first: int | None = None) -> list[Review]:
    asked = condition(Review, where) & Clause("label_no = :no", no=source.no)
    return call_of(info).select(Review, asked, order="no", skip=skip, first=first)


def review(_source: Any, info: Any, where: Mapping[str, Any]) -> Review:
    return call_of(info).one(Review, unique(Review, where), f"Review {where.get('id')!r}")


def reviewed_label(source: Review, info: Any) -> Label:
    return call_of(info).one(Label, Clause("no = :no", no=source.label_no), f"The label of review {source.id!r}")
