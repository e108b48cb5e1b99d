"""Figures about labels: agreement, performance, reviews; and the user who labels next."""

from __future__ import annotations

from collections.abc import Collection

from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.record import Row


def measure_benchmark(connection: Connection, project_id: str, data_row_no: int) -> Row:
    """(number, mean benchmark score, last update) of the labels that were compared with the benchmark of a row."""
    sql = (
        "SELECT COUNT(*), AVG(benchmark_score), MAX(updated_at) FROM label"
        " WHERE project_id = :project AND data_row_no = :row AND NOT is_benchmark AND NOT deleted"
    )
    return connection.rows(sql, {"project": project_id, "row": data_row_no})[0]


def measure_labelers(connection: Connection, project_id: str) -> list[Row]:
    """(user id, number of labels, seconds, mean consensus score, mean benchmark score, last update) of each user who
    labelled in a project, the user with the most labels first."""
    sql = (
        "SELECT created_by, COUNT(*), SUM(seconds_to_create), AVG(consensus_score), AVG(benchmark_score),"
        " MAX(updated_at) FROM label WHERE project_id = :id AND NOT deleted GROUP BY created_by"
        " ORDER BY COUNT(*) DESC, created_by"
    )
    return connection.rows(sql, {"id": project_id})


def count_labels_by_reviews(connection: Connection, project_id: str, having: str) -> int:
    """How many labels of a project have reviews `r` that meet `having`, a condition on their aggregates."""
    sql = (
        "SELECT COUNT(*) FROM (SELECT l.no FROM label l LEFT JOIN review r ON r.label_no = l.no"
        f" WHERE l.project_id = :id AND NOT l.deleted GROUP BY l.no HAVING {having}) matches"
    )
    return int(connection.value(sql, {"id": project_id}))


def count_by_row(connection: Connection, project_id: str, rows: list[int]) -> list[Row]:
    """(number of a data row, number of its labels in a project), of the rows that have some."""
    place = Clause("project_id = :project AND data_row_no IN :rows AND NOT deleted", project=project_id, rows=rows)
    sql = f"SELECT data_row_no, COUNT(*) FROM label WHERE {place.sql} GROUP BY data_row_no"
    return connection.rows(sql, place.params)


def has_fewer_reviews(connection: Connection, count: int) -> bool:
    """Whether the world has fewer than `count` reviews; no more than that are counted."""
    return int(connection.value(f"SELECT count(*) FROM (SELECT 1 FROM review LIMIT {count}) few")) < count


def find_other_labeler(connection: Connection, project_id: str, data_row_no: int) -> str | None:
    """The id of the first user who has no label on this data row of a project; None if every user has one."""
    place = Clause("project_id = :project AND data_row_no = :row", project=project_id, row=data_row_no)
    sql = (
        "SELECT id FROM person WHERE id NOT IN"
        f" (SELECT created_by FROM label WHERE {place.sql} AND NOT deleted) ORDER BY created_at, id LIMIT 1"
    )
    user = connection.row(sql, place.params)
    return None if user is None else str(user[0])


def measure_rows(connection: Connection, data_row_ids: Collection[str]) -> dict[str, int]:
    """The bytes of data rows by their ids: those of their texts and of all their labels, deleted ones too."""
    rows = Clause("dr.id IN :ids", ids=list(data_row_ids))
    sql = (
        "SELECT dr.id, COALESCE(MAX(octet_length(dr.row_data)), 0) + COALESCE(SUM(octet_length(b.content)), 0)"
        " FROM data_row dr LEFT JOIN label l ON l.data_row_no = dr.no LEFT JOIN body b ON b.id = l.body_id"
        f" WHERE {rows.sql} GROUP BY dr.id"
    )
    return {row_id: int(size) for row_id, size in connection.rows(sql, rows.params)}
