"""Counts of what is in projects and datasets.

Few data rows are deleted. So the live ones are counted as all, which an index counts, less the deleted ones: CROSS JOIN
makes SQLite begin with these.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.database import Connection, Source
from mockserver.world.media import GENERATING_MEDIA, LIVE_CHAT
from mockserver.world.queries.conditions import match_live_row
from mockserver.world.record import Row
from mockserver.world.records.labels import WorkflowStatus

ROWS_OF_PROJECT = (
    "((SELECT COUNT(*) FROM project_row pr WHERE pr.project_id = {project})"
    " - (SELECT COUNT(*) FROM data_row dr CROSS JOIN project_row pr"
    " WHERE dr.deleted AND pr.data_row_no = dr.no AND pr.project_id = {project}))"
)
"""The number of live data rows, as an expression of SQL."""
LAST_ACTIVITY_OF_PROJECT = (
    "COALESCE((SELECT dr.last_activity_at FROM data_row dr WHERE NOT dr.deleted AND EXISTS ("
    "SELECT 1 FROM project_row pr WHERE pr.project_id = {project} AND pr.data_row_no = dr.no)"
    " ORDER BY dr.last_activity_at DESC LIMIT 1), (SELECT own.updated_at FROM project own WHERE own.id = {project}))"
)
"""The timestamp of the last activity, as an expression of SQL: that of a data row, or else the project's own (the SDK's
tests, test_project_setup.py 7.17.0). It begins with the newest of all data rows: in a large project the first one tried
is almost always its own."""
_GENERATING = ", ".join(f"'{media}'" for media in sorted(GENERATING_MEDIA))
UPLOAD_TYPE_OF_PROJECT = (
    f"CASE WHEN project.allowed_media_type IN ({_GENERATING}) OR project.editor_task_type = '{LIVE_CHAT}'"
    " THEN 'AUTO' ELSE 'MANUAL' END"
)
"""`AUTO` of projects whose data rows are generated, as an expression of SQL (resolvers/projects.py)."""
ROWS_OF_DATASET = (
    "((SELECT COUNT(*) FROM data_row dr WHERE dr.dataset_id = {dataset})"
    " - (SELECT COUNT(*) FROM data_row dr WHERE dr.deleted AND dr.dataset_id || '' = {dataset}))"
)
"""The number of live data rows, as an expression of SQL. `dataset_id || ''` keeps SQLite from the dataset's index, in
which it would look at every row."""
END_OF_HISTORY = "(SELECT ends FROM workspace)"
"""The end of the generated history, as an expression of SQL."""


class _Counted(NamedTuple):
    table: str
    row: str


_PROJECT_ROWS = _Counted("project_row pr", "pr.data_row_no")
_LABELS = _Counted("label l", "l.data_row_no")


def count_rows_of_projects(connection: Connection, project_ids: list[str]) -> dict[str, int]:
    """The number of live data rows of each project."""
    return _read_by_project(connection, ROWS_OF_PROJECT, project_ids)


def count_rows_of_dataset(connection: Connection, dataset_id: str) -> int:
    return int(connection.value(f"SELECT {ROWS_OF_DATASET.format(dataset=':id')}", {"id": dataset_id}))


def find_last_activities(connection: Connection, project_ids: list[str]) -> dict[str, int]:
    """The timestamp of the latest activity in each project."""
    return _read_by_project(connection, LAST_ACTIVITY_OF_PROJECT, project_ids)


def _read_by_project(connection: Connection, expression: str, project_ids: list[str]) -> dict[str, Any]:
    """The value of an expression for each project, by one query: eleven of them take three times as long."""
    chosen = Clause("p.id IN :ids", ids=project_ids)
    sql = f"SELECT p.id, {expression.format(project='p.id')} FROM project p WHERE {chosen.sql}"
    return dict(connection.rows(sql, chosen.params))


def count_done_rows(connection: Connection, project_id: str) -> int:
    done = Clause("pr.project_id = :id AND pr.workflow_status = :status", id=project_id, status=WorkflowStatus.DONE)
    return _count_live(connection, _PROJECT_ROWS, done)


def count_labels(connection: Connection, project_id: str) -> int:
    """How many labels the project has on live data rows."""
    return _count_live(connection, _LABELS, Clause("l.project_id = :id AND NOT l.deleted", id=project_id))


def _count_live(connection: Connection, counted: _Counted, clause: Clause) -> int:
    table, row = counted
    every = f"SELECT COUNT(*) FROM {table} WHERE {clause.sql}"
    deleted = f"SELECT COUNT(*) FROM data_row dr CROSS JOIN {table} WHERE dr.deleted AND {row} = dr.no AND {clause.sql}"
    return int(connection.value(f"SELECT ({every}) - ({deleted})", clause.params))


def count_queued_rows(connection: Connection, queue_id: str, clause: Clause) -> int:
    """How many live data rows are in a task queue; the clause narrows the project rows `pr`."""
    queued = Clause("pr.task_queue_id = :id", id=queue_id) & match_live_row("pr.data_row_no") & clause
    return int(connection.value(f"SELECT COUNT(*) FROM project_row pr WHERE {queued.sql}", queued.params))


def count_rows_by_state(connection: Connection, project_id: str, batch_ids: list[str]) -> list[Row]:
    """(workflow status, whether all labels are skipped or None without labels, number of data rows) of a project, or of
    some of its batches."""
    clause = Clause("pr.project_id = :id", id=project_id) & match_live_row("pr.data_row_no")
    if batch_ids:
        clause &= Clause("pr.batch_id IN :ids", ids=batch_ids)
    sql = (
        "SELECT pr.workflow_status, (SELECT MIN(CASE WHEN l.skipped THEN 1 ELSE 0 END) FROM label l"
        " WHERE l.project_id = pr.project_id AND l.data_row_no = pr.data_row_no AND NOT l.deleted) AS all_skipped,"
        f" COUNT(*) FROM project_row pr WHERE {clause.sql} GROUP BY 1, 2"
    )
    return connection.rows(sql, clause.params)


def count_rows_by_project(connection: Connection) -> list[Row]:
    """(project id, workflow status, number of live data rows) of all projects. Groups without any are left out."""
    return _count_groups(connection, "pr.project_id, pr.workflow_status", _PROJECT_ROWS)


def count_labels_by_project(connection: Connection) -> dict[str, int]:
    """The number of labels on live data rows, of each project that has any."""
    return dict(_count_groups(connection, "l.project_id", _LABELS, Clause("NOT l.deleted")))


def count_rows_by_dataset(connection: Connection) -> dict[str, int]:
    """The number of live data rows of each dataset that has any."""
    deleted: dict[str, int] = dict(
        connection.rows("SELECT dataset_id, COUNT(*) FROM data_row WHERE deleted GROUP BY 1")
    )
    every = connection.rows("SELECT dataset_id, COUNT(*) FROM data_row GROUP BY 1")
    return {dataset: count - deleted.get(dataset, 0) for dataset, count in every}


def count_rows_by_model_run(connection: Connection) -> dict[str, int]:
    """The number of live data rows of each model run that has any."""
    return dict(_count_groups(connection, "mr.model_run_id", _Counted("model_run_row mr", "mr.data_row_no")))


def _count_groups(connection: Connection, names: str, counted: _Counted, clause: Clause = EVERYTHING) -> list[Row]:
    """The named columns, which make the groups, and the number of live data rows or labels in each."""
    table, row = counted
    places = ", ".join(str(place) for place in range(1, names.count(",") + 2))
    every = connection.rows(f"SELECT {names}, COUNT(*) FROM {table} WHERE {clause.sql} GROUP BY {places}")
    sql = (
        f"SELECT {names}, COUNT(*) FROM data_row dr CROSS JOIN {table}"
        f" WHERE dr.deleted AND {row} = dr.no AND {clause.sql} GROUP BY {places}"
    )
    deleted = {group: count for *group_names, count in connection.rows(sql) for group in [tuple(group_names)]}
    live = [(*group, count - deleted.get(tuple(group), 0)) for *group, count in every]
    return [row for row in live if row[-1]]


def count_up_to(connection: Connection, source: Source, clause: Clause, most: int) -> int:
    """How many rows meet the clause; no more than `most` are counted."""
    sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {source.sql} WHERE {clause.sql} LIMIT {most:d}) matches"
    return int(connection.value(sql, clause.params))
