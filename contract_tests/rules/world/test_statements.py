"""Conditions of any number of parts mean the same on both engines, and PostgreSQL plans them in no time."""

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.exports.selection import MOST_TERMS, build_catalog_condition, build_project_condition
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.postgres.statements import LONG, MOST_JOINED, _translate_kept, translate
from mockserver.world.queries.conditions import match_subquery
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import ProjectRow
from mockserver.world.records.projects import Project
from mockserver.world.store import Store

ALWAYS = {"operator": "BETWEEN", "value": {"min": "2000-01-01T00:00:00Z", "max": "2100-01-01T00:00:00Z"}}
COUNTS = (MOST_JOINED, MOST_JOINED + 1, 60, MOST_TERMS)


def list_rows(connection: Connection, condition: Clause) -> list[Any]:
    joined = f"{ProjectRow.TABLE} pr JOIN {DataRow.TABLE} dr ON dr.no = pr.data_row_no"
    return connection.rows(f"SELECT dr.id FROM {joined} WHERE {condition.sql} ORDER BY dr.no", condition.params)


def find_project(connection: Connection) -> str:
    return connection.select(Project, Clause("name = 'image'"))[0].id


@pytest.mark.parametrize("count", COUNTS)
def test_many_terms_of_a_search_are_answered(store: Store, count: int) -> None:
    with store.reading() as connection:
        project = find_project(connection)
        mine = Clause("pr.project_id = :project", project=project)
        everything = list_rows(connection, mine)
        chosen = everything[::2]
        ids = [row_id for (row_id,) in chosen]
        terms: list[Any] = [{"type": "data_row_id", "ids": [*ids, f"unknown-{number}"]} for number in range(count)]
        assert list_rows(connection, mine & build_project_condition(terms, project)) == chosen
        terms[-1] = {"type": "data_row_id", "ids": ids[:1]}
        assert list_rows(connection, mine & build_project_condition(terms, project)) == chosen[:1]
        labelled = list_rows(
            connection, mine & build_project_condition([{"type": "labeled_at", "value": ALWAYS}], project)
        )
        terms = [{"type": "labeled_at", "value": ALWAYS}] * count
        assert list_rows(connection, mine & build_project_condition(terms, project)) == labelled
        assert 0 < len(labelled) < len(everything)


@pytest.mark.parametrize("count", COUNTS)
def test_many_terms_of_a_search_of_the_catalog_are_answered(store: Store, count: int) -> None:
    with store.reading() as connection:
        rows = connection.rows("SELECT id, global_key FROM data_row dr WHERE NOT deleted ORDER BY no")[:5]
        terms: list[Any] = [{"type": "global_key", "ids": [key for _, key in rows]}] * count
        condition = build_catalog_condition(terms)
        assert connection.rows(f"SELECT id FROM data_row dr WHERE {condition.sql} ORDER BY no", condition.params) == [
            (row_id,) for row_id, _ in rows
        ]


@pytest.mark.parametrize("count", [60, 500])
def test_many_conditions_within_a_subquery_are_answered(store: Store, count: int) -> None:
    with store.reading() as connection:
        project = find_project(connection)
        within = Clause("project_id = :project", project=project)
        rows = match_subquery("no", ProjectRow, "data_row_no", within)
        condition = rows
        for _ in range(count):
            condition &= rows
        outer = match_subquery("data_row_no", DataRow, "no", condition)
        assert connection.count(ProjectRow, within & outer) == connection.count(ProjectRow, within) > 0


QUERIES = st.recursive(
    st.sampled_from(["a = :a", "b = '(x'", "c = ')'", "NOT d", "e NOT IN (SELECT e FROM t)"]),
    lambda inner: st.builds(
        lambda form, parts: form.format(" AND ".join(f"({part})" for part in parts)),
        st.sampled_from(["x IN (SELECT x FROM t WHERE {})", "EXISTS (SELECT 1 FROM t WHERE {})", "({})", "NOT ({})"]),
        st.lists(inner, min_size=1, max_size=12),
    ),
    max_leaves=60,
)


BRACKETS = re.compile(r"'[^']*'|(?P<subquery>(?<!NOT )(?:IN|EXISTS) \(SELECT)|\(|\)(?P<apart> IS TRUE)?")


def count_joined(statement: str) -> int:
    """The largest number of subqueries of one level that may be joined."""
    whole = Counter[str]()
    levels, counted = [(whole, False)], [whole]
    for match in BRACKETS.finditer(statement):
        if match["subquery"]:
            levels.append((Counter(), True))
            counted.append(levels[-1][0])
        elif match[0] == "(":
            levels.append((levels[-1][0], False))
        elif match[0].startswith(")"):
            _, is_subquery = levels.pop()
            levels[-1][0]["joined"] += is_subquery and not match["apart"]
    return max(level["joined"] for level in counted)


@given(QUERIES)
def test_no_level_has_more_subqueries_that_may_be_joined(condition: str) -> None:
    statement = translate(f"SELECT x FROM t WHERE {condition}").decode()
    assert statement.replace(" IS TRUE", "") == f"SELECT x FROM t WHERE {condition}".replace(":a", "%(a)s")
    assert count_joined(statement) <= MOST_JOINED
    assert (count_joined(statement) < count_joined(f"WHERE {condition}")) == (" IS TRUE" in statement)


def test_long_statements_are_not_kept() -> None:
    before = _translate_kept.cache_info().currsize
    translate("SELECT " + "a" * LONG)
    assert _translate_kept.cache_info().currsize == before
