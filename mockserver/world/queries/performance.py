"""How much and how well users label and review, summed up over the labels and reviews of a period."""

from __future__ import annotations

from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.record import Row

DONE, SKIPPED = "CASE WHEN l.skipped THEN 0 ELSE 1 END", "CASE WHEN l.skipped THEN 1 ELSE 0 END"
FROM_LABELS = "FROM label l JOIN project p ON p.id = l.project_id"
FROM_REVIEWS = "FROM review r JOIN label l ON l.no = r.label_no JOIN project p ON p.id = l.project_id"


def sum_up_labels(connection: Connection, within: Clause) -> list[Row]:
    """(project id, user id, labels, skipped labels, seconds of labels, seconds of skipped labels, seconds of reviews,
    seconds of rework, labels with rework, mean benchmark score, mean consensus score) of each labeler and project."""
    sql = (
        f"SELECT l.project_id, l.created_by, SUM({DONE}), SUM({SKIPPED}),"
        f" SUM(({DONE}) * (l.seconds_to_create - l.seconds_to_review - l.seconds_to_rework)),"
        f" SUM(({SKIPPED}) * l.seconds_to_create), SUM(l.seconds_to_review), SUM(l.seconds_to_rework),"
        " SUM(CASE WHEN l.seconds_to_rework > 0 THEN 1 ELSE 0 END), AVG(l.benchmark_score), AVG(l.consensus_score)"
        f" {FROM_LABELS} WHERE {within.sql} GROUP BY l.project_id, l.created_by"
    )
    return connection.rows(sql, within.params)


def count_received_reviews(connection: Connection, within: Clause) -> list[Row]:
    """(project id, user id, reviews, approvals) of each labeler and project."""
    sql = (
        "SELECT l.project_id, l.created_by, COUNT(*), SUM(CASE WHEN r.score > 0 THEN 1 ELSE 0 END)"
        f" {FROM_REVIEWS} WHERE {within.sql} GROUP BY l.project_id, l.created_by"
    )
    return connection.rows(sql, within.params)


def sum_up_reviews(connection: Connection, within: Clause) -> list[Row]:
    """(project id, user id, reviewed labels, rejected labels, approvals, reviews) of each reviewer and project."""
    sql = (
        "SELECT l.project_id, r.created_by, COUNT(DISTINCT l.no),"
        " COUNT(DISTINCT CASE WHEN r.score < 0 THEN l.no END), SUM(CASE WHEN r.score > 0 THEN 1 ELSE 0 END), COUNT(*)"
        f" {FROM_REVIEWS} WHERE {within.sql} GROUP BY l.project_id, r.created_by"
    )
    return connection.rows(sql, within.params)


def sum_up_days(connection: Connection, within: Clause) -> list[Row]:
    """(day since 1970, labels, seconds in total, of reviews, of rework) of each day with labels that are no skips."""
    sql = (
        "SELECT l.created_at / 86400000000, COUNT(*), SUM(l.seconds_to_create), SUM(l.seconds_to_review),"
        f" SUM(l.seconds_to_rework) {FROM_LABELS} WHERE {within.sql} AND NOT l.skipped GROUP BY 1 ORDER BY 1"
    )
    return connection.rows(sql, within.params)


def count_scores(connection: Connection, within: Clause) -> list[Row]:
    """(consensus score, labels) of the labels that have one."""
    sql = (
        f"SELECT l.consensus_score, COUNT(*) {FROM_LABELS}"
        f" WHERE {within.sql} AND l.consensus_score IS NOT NULL GROUP BY 1"
    )
    return connection.rows(sql, within.params)
