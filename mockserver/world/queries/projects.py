"""Counts of what is in projects and datasets.

Few data rows are deleted. So the live ones are counted as all, which an index counts, less the deleted ones: CROSS JOIN
makes SQLite begin with these.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mockserver.world.database import Clause, Connection, Row
from mockserver.world.labels import WorkflowStatus
from mockserver.world.queries.conditions import match_live_row

ROWS_OF_PROJECT = (
    "((SELECT COUNT(*) FROM project_row pr WHERE pr.project_id = {project})"
    " - (SELECT COUNT(*) FROM data_row dr CROSS JOIN project_row pr"
    " WHERE dr.deleted AND pr.data_row_no = dr.no AND pr.project_id = {project}))"
)
"""The number of live data rows, as an expression of SQL."""
LAST_ACTIVITY_OF_PROJECT = (
    "(SELECT dr.last_activity_at FROM data_row dr WHERE NOT dr.deleted AND EXISTS (SELECT 1 FROM project_row pr"
    " WHERE pr.project_id = {project} AND pr.data_row_no = dr.no) ORDER BY dr.last_activity_at DESC LIMIT 1)"
)
"""The timestamp of the last activity, as an expression of SQL. It begins with the newest of all data rows: in a large
project the first one tried is almost always its own."""
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


def find_last_activities(connection: Connection, project_ids: list[str]) -> dict[str, int | None]:
    """The timestamp of the latest activity on a data row of each project; None if it has none."""
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


_OF_LIVE_ROWS = "JOIN data_row dr ON dr.no = x.data_row_no WHERE NOT dr.deleted"


def count_rows_by_project(connection: Connection) -> list[Row]:
    """(project id, workflow status, number of live data rows) of all projects."""
    return connection.rows(
        f"SELECT x.project_id, x.workflow_status, COUNT(*) FROM project_row x {_OF_LIVE_ROWS} GROUP BY 1, 2"
    )


def count_labels_by_project(connection: Connection) -> list[Row]:
    """(project id, number of labels, number of skipped ones among them) of all projects."""
    return connection.rows(
        "SELECT x.project_id, COUNT(*), SUM(CASE WHEN x.skipped THEN 1 ELSE 0 END)"
        f" FROM label x {_OF_LIVE_ROWS} AND NOT x.deleted GROUP BY 1"
    )


def count_rows_by_dataset(connection: Connection) -> dict[str, int]:
    """The number of live data rows of each dataset that has any."""
    return dict(connection.rows("SELECT dataset_id, COUNT(*) FROM data_row WHERE NOT deleted GROUP BY 1"))
