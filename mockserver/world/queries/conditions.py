"""Conditions that look into another table."""

from __future__ import annotations

from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.record import Record
from mockserver.world.records.data_rows import BUILT_IN_EMBEDDING
from mockserver.world.records.labels import ProjectRow
from mockserver.world.records.models import Model
from mockserver.world.records.projects import Project, ProjectTag

LIVE = Clause("NOT deleted")


def match_subquery(
    column: str, kind: type[Record], key: str, clause: Clause = EVERYTHING, *, alias: str = ""
) -> Clause:
    """The condition that `column` is the `key` of a record that meets the clause. With an `alias` the clause names the
    record's columns by it."""
    return Clause(f"{column} IN ({_subquery(kind, key, clause, alias)})", **clause.params)


def exclude_subquery(column: str, kind: type[Record], key: str, clause: Clause = EVERYTHING) -> Clause:
    """The condition that no record that meets the clause has `column` as its `key`, which must not be null."""
    return Clause(f"{column} NOT IN ({_subquery(kind, key, clause, '')})", **clause.params)


def _subquery(kind: type[Record], key: str, clause: Clause, alias: str) -> str:
    column, table = (f"{alias}.{key}", f"{kind.TABLE} {alias}") if alias else (key, kind.TABLE)
    return f"SELECT {column} FROM {table} WHERE {clause.sql}"


def match_live_row(column: str = "data_row_no") -> Clause:
    """The condition that `column` is the number of a data row that is not deleted."""
    return Clause(f"EXISTS (SELECT 1 FROM data_row d WHERE d.no = {column} AND NOT d.deleted)")


def match_precomputed() -> Clause:
    """The condition on data rows that they are imported pictures whose precomputed embedding is not kept."""
    sql = (
        "media_type = 'IMAGE' AND asset IS NULL AND NOT EXISTS (SELECT 1 FROM embedding_vector v"
        " WHERE v.data_row_no = data_row.no AND v.embedding_id = :built_in)"
    )
    return Clause(sql, built_in=BUILT_IN_EMBEDDING)


def match_live_project() -> Clause:
    """The condition on the records of projects that their project is not deleted."""
    return match_subquery("project_id", Project, "id", LIVE)


def match_live_model() -> Clause:
    """The condition on model runs that their model is not deleted."""
    return match_subquery("model_id", Model, "id", LIVE)


def match_tags_of_project(project_id: str) -> Clause:
    return match_subquery("id", ProjectTag, "tag_id", Clause("project_id = :project", project=project_id))


def match_missing_tags(project_id: str) -> Clause:
    return exclude_subquery("id", ProjectTag, "tag_id", Clause("project_id = :project", project=project_id))


def match_projects_of_dataset(dataset_id: str) -> Clause:
    """The condition on projects that they have live data rows of this dataset."""
    sql = (
        "id IN (SELECT pr.project_id FROM project_row pr JOIN data_row dr ON dr.no = pr.data_row_no"
        " WHERE dr.dataset_id = :id AND NOT dr.deleted)"
    )
    return Clause(sql, id=dataset_id)


def match_rows_outside(project_id: str) -> Clause:
    """The condition on data rows that they are not in this project."""
    return exclude_subquery("no", ProjectRow, "data_row_no", Clause("project_id = :project", project=project_id))


def match_datasets_of_project(project_id: str) -> Clause:
    """The condition on datasets that live data rows of theirs are in this project."""
    sql = (
        "EXISTS (SELECT 1 FROM data_row dr JOIN project_row pr ON pr.data_row_no = dr.no"
        " WHERE dr.dataset_id = dataset.id AND pr.project_id = :id AND NOT dr.deleted)"
    )
    return Clause(sql, id=project_id)


def match_labelled_rows() -> Clause:
    """The condition on project rows that they have a label that is neither deleted nor skipped."""
    sql = (
        "EXISTS (SELECT 1 FROM label l WHERE l.project_id = project_row.project_id"
        " AND l.data_row_no = project_row.data_row_no AND NOT l.deleted AND NOT l.skipped)"
    )
    return Clause(sql)


def match_reviewed_labels() -> Clause:
    """The condition on labels that they have a review."""
    return Clause("EXISTS (SELECT 1 FROM review r WHERE r.label_no = label.no)")


def match_rows_with_status(project_id: str, status: str) -> Clause:
    """The condition on data rows `dr` that they have this workflow status in a project."""
    sql = (
        "EXISTS (SELECT 1 FROM project_row pr WHERE pr.project_id = :id AND pr.data_row_no = dr.no"
        " AND pr.workflow_status = :status)"
    )
    return Clause(sql, id=project_id, status=status)
