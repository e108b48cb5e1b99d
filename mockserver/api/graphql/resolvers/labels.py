"""Labels and their reviews."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields, json_text
from mockserver.api.graphql.pages import Window
from mockserver.api.graphql.resolvers.people import get_organization
from mockserver.api.graphql.resolvers.projects import find_creator
from mockserver.world import ids
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import LIVE, match_subquery
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import Body, Label, ProjectRow, Review
from mockserver.world.records.projects import Project


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
    fields.add("Query", "label", find_label)
    fields.add("Project", "labels", list_labels_of_project, long=True)
    fields.add("DataRow", "labels", list_labels_of_row, long=True)
    fields.add("DataRow", "labelingActivity", get_labeling_activity)
    fields.add("LabelingActivity", "selectedLabelId", find_selected_label)
    fields.add("Label", "label", format_label, long=True)
    fields.add("Label", "project", lambda source, call: call.find(Project, source.project_id))
    fields.add("Label", "dataRow", find_data_row)
    fields.add("Label", "createdBy", find_creator)
    fields.add("Label", "reviews", list_reviews)
    fields.add("Label", "type", lambda source, _call: SKIP if source.skipped else ANY)
    fields.add_attributes("LabelType", LabelType, "id name")
    fields.add_attributes("Review", Review, "id score createdAt updatedAt")
    fields.add("Query", "review", find_review)
    fields.add("Review", "label", find_reviewed_label)
    fields.add(
        "Review", "project", lambda source, call: call.find(Project, find_reviewed_label(source, call).project_id)
    )
    fields.add("Review", "createdBy", find_creator)
    fields.add("Review", "organization", get_organization)


def format_label(source: Label, call: Call) -> str:
    """The `Label` of Export V1, or the text that a client put into its place."""
    body = call.one(Body, Clause("id = :id", id=source.body_id), f"The body of label {source.id!r}")
    if body.aside is not None and "text" in (aside := orjson.loads(body.aside)):
        text: str = aside["text"]
        return text
    return json_text(call.build_legacy_label(source.id))


def find_label(_source: Any, call: Call, where: Mapping[str, Any]) -> Label:
    return call.get_unique(Label, where)


def list_labels_of_project(
    source: Project,
    call: Call,
    where: Any = None,
    orderBy: str = NEWEST_FIRST,
    **window: Unpack[Window],
) -> list[Label]:
    """The labels of data rows that are not deleted, newest first (SDK tests test_label.py). SDKs search by datasets
    (project.labels) and, from 7.x, by the users who created the labels."""
    within = _is_on_live_row() & Clause("project_id = :id", id=source.id)
    return call.search(Label, where, within, order=ORDERS[orderBy], **window)


def list_labels_of_row(source: DataRow, call: Call, where: Any = None, **window: Unpack[Window]) -> list[Label]:
    within = _is_on_live_row() & Clause("data_row_no = :no", no=source.no)
    return call.search(Label, where, within, order="no", **window)


def _is_on_live_row() -> Clause:
    return match_subquery("data_row_no", DataRow, "no", LIVE)


def find_data_row(source: Label, call: Call) -> DataRow:
    return call.one(DataRow, Clause("no = :no", no=source.data_row_no), f"The data row of label {source.id!r}")


def get_labeling_activity(source: DataRow, _call: Call, where: Any = None) -> tuple[DataRow, str | None]:
    return source, (where or {}).get("projectId")


def find_selected_label(source: tuple[DataRow, str | None], call: Call) -> str | None:
    """The winning label of a data row in a project (SDK data_row.get_winning_label_id)."""
    row, project_id = source
    place = Clause("project_id = :project AND data_row_no = :no", project=project_id, no=row.no)
    rows = call.select(ProjectRow, place)
    return rows[0].selected_label_id if rows else None


def list_reviews(source: Label, call: Call, where: Any = None, **window: Unpack[Window]) -> list[Review]:
    return call.search(Review, where, Clause("label_no = :no", no=source.no), order="no", **window)


def find_review(_source: Any, call: Call, where: Mapping[str, Any]) -> Review:
    return call.get_unique(Review, where)


def find_reviewed_label(source: Review, call: Call) -> Label:
    return call.one(Label, Clause("no = :no", no=source.label_no), f"The label of review {source.id!r}")
