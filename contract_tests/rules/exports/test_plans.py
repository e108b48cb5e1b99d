"""Rows are found by the index of the most selective term, never by a scan of a large project or catalog."""

from typing import Any

import pytest

from mockserver.exports.request import ExportParams
from mockserver.exports.scope import Scope, build_catalog_scope, build_model_run_scope, build_project_scope
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.models import ModelRun
from mockserver.world.records.projects import Project
from mockserver.world.store import Store

DAY = {"operator": "BETWEEN", "timezone": "UTC", "value": {"min": "2024-12-10", "max": "2024-12-10"}}
MANY = [f"id-{number}" for number in range(2000)]
OF_ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "one data row": ({"type": "data_row_id", "ids": ["a"]}, "data_row_by_id (id=?)"),
    "2000 data rows": ({"type": "data_row_id", "ids": MANY}, "data_row_by_id (id=?)"),
    "2000 global keys": ({"type": "global_key", "ids": MANY}, "data_row_by_global_key (global_key=?)"),
    "a day's activity": (
        {"type": "data_row_last_activity_at", "value": DAY},
        "data_row_by_activity (last_activity_at>?",
    ),
}
OF_PROJECT = OF_ROWS | {
    "a day's labels": ({"type": "labeled_at", "value": DAY}, "label_by_creation (project_id=? AND created_at>?"),
    "a batch": ({"type": "batch", "ids": ["a"]}, "project_row_by_batch (batch_id=?"),
    "a status": (
        {"type": "task_queue_status", "status": "InReview"},
        "project_row_by_status (project_id=? AND workflow_status=?",
    ),
    "to label": ({"type": "task_queue_not_exist"}, "project_row_by_status (project_id=? AND workflow_status=?"),
}
OF_CATALOG = OF_ROWS | {
    "a day's labels": ({"type": "labeled_at", "value": DAY}, "label_by_moment (created_at>?"),
    "a dataset": ({"type": "dataset", "ids": ["a"]}, "data_row_of_dataset (dataset_id=?"),
}


def plan(store: Store, scope: Scope) -> list[str]:
    """The steps of SQLite's query plan."""
    sql = f"SELECT dr.id FROM {scope.source.sql} WHERE {scope.condition.sql} ORDER BY {scope.order}"
    with store.reading() as connection:
        return [row[3] for row in connection.rows(f"EXPLAIN QUERY PLAN {sql}", scope.condition.params)]


def build_project(store: Store, *terms: dict[str, Any]) -> Scope:
    with store.reading() as connection:
        project = connection.select(Project, Clause("name = 'image'"))[0]
        return build_project_scope(connection, project.id, [*terms])


def build_catalog(store: Store, *terms: dict[str, Any]) -> Scope:
    with store.reading() as connection:
        return build_catalog_scope(connection, [*terms], ExportParams())


def uses_indexes(steps: list[str]) -> bool:
    """Whether no table is scanned. A scan of a list of ids is allowed."""
    return not any(step.startswith("SCAN") and "json_each" not in step for step in steps)


@pytest.mark.parametrize(("term", "index"), OF_PROJECT.values(), ids=list(OF_PROJECT))
def test_a_project_finds_by_index(store: Store, term: dict[str, Any], index: str) -> None:
    steps = plan(store, build_project(store, term))
    assert uses_indexes(steps), steps
    assert any(index in step for step in steps), steps
    if term["type"] in {"data_row_id", "global_key", "data_row_last_activity_at", "labeled_at"}:
        assert "(project_id=? AND data_row_no=?)" in steps[0], steps


@pytest.mark.parametrize(("term", "index"), OF_CATALOG.values(), ids=list(OF_CATALOG))
def test_the_catalog_finds_by_index(store: Store, term: dict[str, Any], index: str) -> None:
    steps = plan(store, build_catalog(store, term))
    assert uses_indexes(steps), steps
    assert any(index in step for step in steps), steps


def test_activity_in_a_dataset_is_found_by_its_day(store: Store) -> None:
    """The dataset may have a million rows, the day has few."""
    with store.reading() as connection:
        dataset = connection.select(Dataset)[0]
    terms = [OF_ROWS["a day's activity"][0], {"type": "dataset", "ids": [dataset.id]}]
    steps = plan(store, build_catalog(store, *terms))
    assert any("data_row_by_activity" in step for step in steps), steps
    assert "no=?" in steps[0] or "rowid=?" in steps[0], steps


def test_a_model_run_finds_its_rows_by_index_and_in_order(store: Store) -> None:
    with store.reading() as connection:
        scope = build_model_run_scope(connection, connection.select(ModelRun)[0].id)
    steps = plan(store, scope)
    assert uses_indexes(steps)
    assert not any("TEMP B-TREE" in step for step in steps), steps
